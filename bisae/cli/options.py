"""What several commands share: arguments, errors as one line, tables on stdout."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click

from bisae.errors import BisaeError

P = ParamSpec("P")
R = TypeVar("R")

study_argument = click.argument(
    "study", type=click.Path(path_type=Path), metavar="STUDY.toml"
)
store_argument = click.argument("store", metavar="STORE")
format_option = click.option(
    "--format", "style", default="table", help="table, csv, json or markdown."
)
only_option = click.option(
    "--only",
    metavar="KEY=VALUE,...",
    help="Some cells: size=SIZE, step=STEP, layer=LAYER, each as often as you like.",
)


class Failure(click.ClickException):
    """A BisaeError on its way to the terminal."""

    def __init__(self, error: BisaeError) -> None:
        notes = getattr(error, "__notes__", [])
        where = [note for note in notes if note.removeprefix("at ") not in str(error)]
        super().__init__("; ".join([str(error), *where]))
        self.exit_code = error.exit_code  # type: ignore[misc]  # click sets it so too


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Show a BisaeError as one clean line instead of a traceback."""

    @wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except BisaeError as error:
            raise Failure(error) from error

    return wrapper


def say(message: str) -> None:
    """Tell the user something that is no result."""
    click.echo(message, err=True)


def show(rows: Any, style: str) -> None:
    """Print rows as a result."""
    from bisae.formats import render

    click.echo(render(rows, style), nl=False)
