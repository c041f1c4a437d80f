"""Commands that show what a store contains: status, views, catalog."""

from contextlib import closing
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill, indent

import click

from bisae.cli.options import (
    cells_are,
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
    """Show which cells are finished and which processes are building.

    Example: bisae status toy/store
    """
    from bisae.pipeline.status import checkpoint_status
    from bisae.store import SHARED, open_store

    opened = open_store(store)
    rows, unfinished = checkpoint_status(opened)
    show(rows, style)
    if holder := opened.holder(SHARED):
        say(f"the shared tables are being written by {holder}")
    say(f"{cells_are(unfinished)} not finished" if unfinished else "all is finished")


@click.command()
@store_argument
@format_option
@reports_errors
def views(store: str, style: str) -> None:
    """List every table and view with its title, grain and columns.

    Example: bisae views toy/store
    """
    from bisae.query import connect, describe
    from bisae.store import open_store

    with closing(connect(open_store(store))) as con:
        rows = describe(con)
    if style == "table" and is_seen():
        for row in rows.values:
            click.echo(_entry(*row))
    else:
        show(rows, style)


def _entry(name: str, title: str, grain: str, columns: str) -> str:
    """Format a view as an entry of a list, since no table would fit the terminal."""
    width = get_terminal_size().columns - 4
    lines = [fill(line, width) for line in (title, f"one row per: {grain}", columns)]
    return name + "\n" + indent("\n".join(lines), "    ")


@click.command()
@store_argument
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="The file; by default STORE's name with .duckdb, in the working folder.",
)
@reports_errors
def catalog(store: str, output: Path | None) -> None:
    """Write one .duckdb file with every view, for any DuckDB client.

    It refers to the store's files and holds none of their rows: write it again when
    cells were added. An existing catalog is replaced; any other file is not.

    Example: bisae catalog toy/store --output toy/store.duckdb
    """
    from bisae.query import missing_cells, write_catalog
    from bisae.store import open_store

    opened = open_store(store)
    if missing := missing_cells(opened):
        say(f"{cells_are(missing)} not finished and not in the catalog")
    file = output or Path(f"{opened.path.absolute().name}.duckdb")
    write_catalog(opened, file)
    click.echo(file)
