"""The SQL shell: history, completion, several lines until a semicolon."""

from pathlib import Path
from typing import Any

import click
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory

from bisae.cli.options import say, show
from bisae.errors import BisaeError
from bisae.query import rows_of, words

HISTORY = ".bisae_history"


def run_shell(con: Any, place: object) -> None:
    """Answer queries until end of input."""
    history = FileHistory(str(Path.home() / HISTORY))
    completer = WordCompleter(words(con), ignore_case=True)
    session: PromptSession[str] = PromptSession(history=history, completer=completer)
    say(f"{place}: end a query with a semicolon; Ctrl-D leaves")
    held = ""
    while True:
        try:
            held += session.prompt("     > " if held else "bisae> ") + "\n"
        except KeyboardInterrupt:
            held = ""
            continue
        except EOFError:
            return
        if held.rstrip().endswith(";"):
            _answer(con, held)
            held = ""


def _answer(con: Any, query: str) -> None:
    try:
        show(rows_of(con, query), "table")
    except BisaeError as error:
        click.echo(f"Error: {error}", err=True)
