"""Shared parts of commands: arguments, errors as one line, tables on stdout."""

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
from bisae.errors import BisaeError, Interrupted, StoreError, with_location
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
    help="Some cells: size=SIZE, step=STEP, layer=LAYER; each may be repeated.",
)

trust_option = click.option(
    "--trust-remote-code",
    "trust",
    is_flag=True,
    help="Run the Python code of checkpoints. No file can give this permission.",
)


READING = frozenset(
    {
        "catalog",
        "compare",
        "explore",
        "fingerprint",
        "plan",
        "sql",
        "status",
        "validate",
        "verify",
        "views",
    }
)
"""Commands that change no store."""


class Failure(click.ClickException):
    """A BisaeError on its way to the terminal."""

    def __init__(self, error: BisaeError, cause: BaseException | None = None) -> None:
        """Append what the error, or one of its causes, says about where it happened."""
        super().__init__(with_location(error, cause))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click sets it so too


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Show a BisaeError, a signal or a failing disk as one line, not a traceback."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        with ending_on_signals() as ending:
            try:
                with _raise_failures():
                    result = command(*args, **kwargs)
                if ending.signal:  # a library swallowed the interrupt
                    raise KeyboardInterrupt
            except BaseException as error:
                if ending.signal:  # whatever error it led to
                    raise _stopped_failure(ending.signal, error) from error
                raise
        return result

    return wrapper


@contextmanager
def _raise_failures() -> Iterator[None]:
    """Raise Failure for errors of bisae and of disks."""
    try:
        yield
    except BisaeError as error:
        raise Failure(error) from error
    except OSError as error:
        if trouble := disk_trouble(error):
            raise Failure(StoreError(trouble), error) from error
        raise


def _stopped_failure(number: Signals, error: BaseException) -> Failure:
    """Return an error that names the stopped command, its progress and what to do."""
    command = click.get_current_context().info_name
    msg = f"`bisae {command}` was stopped by {number.name}"
    if command in READING:
        return Failure(Interrupted(f"{msg}; nothing was changed", number))
    msg += "; what is finished is kept, run it again and it goes on"
    return Failure(Interrupted(msg, number), error)


def say(message: str) -> None:
    """Print a message that is not a result, to standard error."""
    click.echo(message, err=True)


def counted(n: int, noun: str) -> str:
    """Return a number and its noun, in the plural unless it is 1."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def cells_are(n: int) -> str:
    """Return the beginning of a sentence about some cells."""
    return f"{counted(n, 'cell')} {'is' if n == 1 else 'are'}"


def is_seen() -> bool:
    """Return true if results go to a terminal."""
    return sys.stdout.isatty()


def show(rows: Any, style: str) -> None:
    """Print rows as a result: on a terminal those that fit, otherwise all."""
    from bisae.formats import render

    if style == "table" and is_seen():
        show_fitting(rows.names, rows.values, remedy="pipe the answer")
    else:
        click.echo(render(rows, style), nl=False)


def show_fitting(
    names: list[str], values: Any, rows_shown: str = "", *, remedy: str
) -> None:
    """Print a table as wide as the terminal.

    `rows_shown` says which rows these are, if not all; `remedy` how to see the rest.
    """
    from bisae.formats.table import table

    text, shown = table(names, values, get_terminal_size().columns)
    click.echo(text, nl=False)
    columns = f"{shown} of {len(names)} columns" if shown < len(names) else ""
    if part_shown := " and ".join(filter(None, (rows_shown, columns))):
        say(f"{part_shown} are shown; to see all, {remedy}")
