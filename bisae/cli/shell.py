"""The SQL shell: history, completion, several lines until a semicolon."""

from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import FileHistory

from bisae.cli.complete import SqlCompleter
from bisae.cli.options import say
from bisae.cli.output import Asker
from bisae.errors import BisaeError
from bisae.query import COLUMNS, KEYWORDS, check_parameters, questions

HISTORY = ".bisae_history"


def run_shell(asker: Asker, place: object) -> None:
    """Answer queries until end of input."""
    session: PromptSession[str] = PromptSession(
        history=FileHistory(str(Path.home() / HISTORY)),
        completer=SqlCompleter(
            dict(asker.rows(COLUMNS)), [word for (word,) in asker.rows(KEYWORDS)]
        ),
        multiline=Condition(_goes_on),
        prompt_continuation="     > ",
    )
    say(f"{place}: end a query with a semicolon; Ctrl-C stops it, Ctrl-D leaves")
    while True:
        try:
            if (text := session.prompt("bisae> ")).strip():
                _answer(asker, text)
        except KeyboardInterrupt:  # at the prompt: what was typed is dropped
            continue
        except EOFError:
            return


def _goes_on() -> bool:
    """Whether Enter begins another line of the query."""
    text = get_app().current_buffer.text.rstrip()
    return bool(text) and not text.endswith(";")


def _answer(asker: Asker, text: str) -> None:
    try:
        for asked in questions(text):
            given = {n: v for n, v in asker.parameters.items() if n in asked.parameters}
            check_parameters([asked], given)
            asker.answer(asked)
    except BisaeError as error:
        say(f"Error: {error}")
