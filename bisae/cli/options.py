"""What several commands share: arguments, errors as one line, tables on stdout."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from shutil import get_terminal_size
from signal import Signals
from typing import Any, ParamSpec, TypeVar

import click

from bisae.disk_errors import disk_trouble
from bisae.errors import BisaeError, Interrupted, StoreError
from bisae.interrupts import ending_on_signals

P = ParamSpec("P")
R = TypeVar("R")

study_argument = click.argument(
    "study", type=click.Path(path_type=Path), metavar="STUDY.toml"
)
store_argument = click.argument("store", metavar="STORE")
format_option = click.option(
    "--format",
    "style",
    type=click.Choice(["table", "csv", "json", "markdown"]),
    default="table",
)
only_option = click.option(
    "--only",
    metavar="KEY=VALUE,...",
    help="Some cells: size=SIZE, step=STEP, layer=LAYER, each as often as you like.",
)

trust_option = click.option(
    "--trust-remote-code",
    "trust",
    is_flag=True,
    help="Run Python code that checkpoints bring. What a file says does not count.",
)


READING = frozenset(
    {"catalog", "compare", "plan", "sql", "status", "validate", "verify", "views"}
)
"""Commands that leave every store as it is."""


class Failure(click.ClickException):
    """A BisaeError on its way to the terminal."""

    def __init__(self, error: BisaeError, cause: BaseException | None = None) -> None:
        """Say also what it was at: the error itself knows, or its causes."""
        notes = list[str]()
        source: BaseException | None = cause or error
        while source and not notes:
            notes = getattr(source, "__notes__", [])
            source = source.__context__
        where = [note for note in notes if note.removeprefix("at ") not in str(error)]
        super().__init__("; ".join([str(error), *where]))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click sets it so too


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Show a BisaeError, a signal or a failing disk as one line, not a traceback."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with ending_on_signals() as ending:
            try:
                with _failures():
                    result = command(*args, **kwargs)
                if ending.signal:  # some library took it for an error of its own
                    raise KeyboardInterrupt
            except BaseException as error:
                if ending.signal:  # whatever the work inside made of it
                    raise _stopped(ending.signal, error) from error
                raise
        return result

    return wrapper


@contextmanager
def _failures() -> Iterator[None]:
    """Raise Failure for errors of bisae and of disks."""
    try:
        yield
    except BisaeError as error:
        raise Failure(error) from error
    except OSError as error:
        if trouble := disk_trouble(error):
            raise Failure(StoreError(trouble), error) from error
        raise


def _stopped(number: Signals, error: BaseException) -> Failure:
    """Say which command a signal ended, where it was, and what the next run does."""
    command = click.get_current_context().info_name
    msg = f"`bisae {command}` was stopped by {number.name}"
    if command in READING:
        return Failure(Interrupted(f"{msg}; nothing was changed", number))
    msg += "; what is finished is kept, run it again and it goes on"
    return Failure(Interrupted(msg, number), error)


def say(message: str) -> None:
    """Tell the user something that is no result."""
    click.echo(message, err=True)


def is_seen() -> bool:
    """Whether results go to a terminal, where somebody reads them."""
    return sys.stdout.isatty()


def show(rows: Any, style: str) -> None:
    """Print rows as a result: on a terminal what fits it, else all."""
    from bisae.formats import render

    if style == "table" and is_seen():
        show_fitting(rows.names, rows.values, way="pipe the answer")
    else:
        click.echo(render(rows, style), nl=False)


def show_fitting(names: list[str], values: Any, more: str = "", *, way: str) -> None:
    """Print a table as wide as the terminal; `more` is said of rows left out.

    `way` says how to have what does not fit.
    """
    from bisae.formats.table import table

    text, shown = table(names, values, get_terminal_size().columns)
    click.echo(text, nl=False)
    columns = f"{shown} of {len(names)} columns" if shown < len(names) else ""
    if left_out := " and ".join(filter(None, (more, columns))):
        say(f"{left_out} are shown; to have all, {way}")
