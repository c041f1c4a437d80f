"""The SQL shell: history, completion, and queries of several lines."""

from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory

from bisae.cli.complete import SqlCompleter
from bisae.cli.options import say
from bisae.cli.output import QueryPrinter
from bisae.errors import BisaeError
from bisae.query import COLUMNS, KEYWORDS, check_parameters, questions

HISTORY = ".bisae_history"


def run_shell(printer: QueryPrinter, store: object) -> None:
    """Answer queries until the end of input."""
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(Path.home() / HISTORY)),
        completer=SqlCompleter(
            dict(printer.rows(COLUMNS)), [word for (word,) in printer.rows(KEYWORDS)]
        ),
        multiline=Condition(_continues),
        prompt_continuation="     > ",
    )
    say(f"{store}: end a query with a semicolon; Ctrl-C stops it, Ctrl-D leaves")
    while True:
        try:
            if (text := session.prompt("bisae> ")).strip():
                _print_answers(printer, text)
        except KeyboardInterrupt:  # at the prompt: discard the typed text
            continue
        except EOFError:
            return


def _continues() -> bool:
    """Return true if Enter begins another line of the query."""
    text = get_app().current_buffer.text.rstrip()
    return bool(text) and not text.endswith(";")


def _print_answers(printer: QueryPrinter, text: str) -> None:
    try:
        for question in questions(text):
            values = {
                n: v for n, v in printer.parameters.items() if n in question.parameters
            }
            check_parameters([question], values)
            printer.print_answer(question)
    except BisaeError as error:
        say(f"Error: {error}")
