"""Commands that show what a store contains: status, views, explore, catalog."""

from contextlib import closing
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill, indent
from time import sleep
from typing import TYPE_CHECKING

import click

from bisae.cli.options import (
    cells_are,
    format_option,
    is_seen,
    only_option,
    reports_errors,
    say,
    show,
    store_argument,
    trust_option,
)

if TYPE_CHECKING:
    from bisae.pipeline.status import CheckpointStatus
    from bisae.store import Store

WATCH_EVERY = 15.0
"""Seconds between two looks at a store, as between two heartbeats of a builder."""


@click.command()
@store_argument
@click.option("--watch", is_flag=True, help="Show it again until nothing is left.")
@format_option
@click.pass_context
@reports_errors
def status(ctx: click.Context, store: str, style: str, *, watch: bool) -> None:
    """Show which layers are finished, who builds what, and what failed.

    Reads the store alone, so it works from any machine. The exit status is 0 if all is
    finished, 1 if the rest failed, and 3 while something is left to build.

    Example: bisae status toy/store
    """
    from bisae.pipeline.status import UNFINISHED, checkpoint_status, exit_status
    from bisae.store import open_store

    while True:
        opened = open_store(store)
        statuses = checkpoint_status(opened)
        if watch and is_seen():
            click.clear()
        _show_status(opened, statuses, style)
        code = exit_status(statuses)
        if not watch or code != UNFINISHED:
            ctx.exit(code)
        sleep(WATCH_EVERY)


def _show_status(
    store: "Store", statuses: "list[CheckpointStatus]", style: str
) -> None:
    """Print the grid, who builds what and what failed; in other styles all as rows."""
    from bisae.pipeline.status import as_rows, failed, grid, running
    from bisae.pipeline.time_left import seconds_left
    from bisae.progress import duration
    from bisae.store import SHARED

    if style == "table":
        tables = [grid(statuses), running(statuses), failed(statuses)]
        for number, rows in enumerate(rows for rows in tables if rows.values):
            click.echo("\n" * (number > 0), nl=False)
            show(rows, style)
    else:
        show(as_rows(statuses), style)
    if holder := store.holder(SHARED):
        say(f"the shared tables are being written by {holder}")
    unfinished = sum(status.layers - status.exported for status in statuses)
    say(f"{cells_are(unfinished)} not finished" if unfinished else "all is finished")
    if seconds := seconds_left(store, statuses):
        say(
            f"about {duration(seconds)} left, at the rate of the checkpoints built last"
        )


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


@click.command()
@store_argument
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The address to listen on."
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8320,
    show_default=True,
    help="The port; 0 is any free one.",
)
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path),
    help="Serve nothing; write a sample of the pages to this new folder.",
)
@click.option(
    "--features",
    type=click.IntRange(min=1),
    default=100,
    show_default=True,
    help="With --export: the most features of each class of a cell.",
)
@only_option
@trust_option
@reports_errors
def explore(
    store: str,
    host: str,
    port: int,
    folder: Path | None,
    features: int,
    only: str | None,
    *,
    trust: bool,
) -> None:
    """Walk through every feature of every checkpoint in a browser.

    Serves pages to this machine alone, until Ctrl-C. They read the store and change
    nothing; nothing is loaded from another machine. With --export, writes a site of
    files instead: a random sample of the features of each class, in the cells that
    --only selects, or in each size's middle layer at its last step.

    Example: bisae explore toy/store
    """
    from bisae.browser import export_site, serve
    from bisae.grid import parse_selection
    from bisae.store import open_store

    opened = open_store(store, trust_remote_code=trust)
    if folder is None:
        serve(opened, host, port)
    else:
        selection = parse_selection(only) if only else None
        click.echo(export_site(opened, folder, selection, features))
