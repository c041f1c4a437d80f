"""Commands that tell what a store has: status, views, catalog."""

from contextlib import closing
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill, indent

import click

from bisae.cli.options import (
    format_option,
    is_seen,
    reports_errors,
    say,
    show,
    store_argument,
)


@click.command()
@store_argument
@format_option
@reports_errors
def status(store: str, style: str) -> None:
    """Show which cells are finished, which are not, and who is building.

    Example: bisae status toy/store
    """
    import bisae
    from bisae.pipeline.status import checkpoint_status
    from bisae.store import SHARED

    opened = bisae.open(store)
    rows, unfinished = checkpoint_status(opened)
    show(rows, style)
    if by := opened.holder(SHARED):
        say(f"what all cells share is being written by {by}")
    say(f"{unfinished} cells are not finished" if unfinished else "all is finished")


@click.command()
@store_argument
@format_option
@reports_errors
def views(store: str, style: str) -> None:
    """List every table and view with its title, grain and columns.

    Example: bisae views toy/store
    """
    import bisae
    from bisae.query import describe

    with closing(bisae.open(store).connect(fenced=False)) as con:
        rows = describe(con)
    if style == "table" and is_seen():
        for row in rows.values:
            click.echo(_entry(*row))
    else:
        show(rows, style)


def _entry(name: str, title: str, grain: str, columns: str) -> str:
    """A view as an entry of a list, as wide as the terminal: no table would fit it."""
    width = get_terminal_size().columns - 4
    told = [fill(line, width) for line in (title, f"one row per: {grain}", columns)]
    return name + "\n" + indent("\n".join(told), "    ")


@click.command()
@store_argument
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The file; by default STORE's name and .duckdb, here.",
)
@reports_errors
def catalog(store: str, output: Path | None) -> None:
    """Write one .duckdb file with every view, for any DuckDB client.

    It names the store's files and holds none of their rows: make it again when cells
    were added. A catalog that is there is replaced, nothing else is.

    Example: bisae catalog toy/store --output toy/store.duckdb
    """
    import bisae
    from bisae.query import missing_cells, write_catalog

    opened = bisae.open(store)
    if missing := missing_cells(opened):
        say(f"{missing} cells are not finished: they are not in it")
    file = output or Path(f"{opened.path.absolute().name}.duckdb")
    write_catalog(opened, file)
    click.echo(file)
