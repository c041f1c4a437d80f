"""Commands that ask a store: status, views, sql."""

import sys
from contextlib import closing
from pathlib import Path

import click

from bisae.cli.options import format_option, reports_errors, say, show, store_argument

STYLES = ("table", "csv", "json", "markdown", "parquet")


@click.command()
@store_argument
@format_option
@reports_errors
def status(store: str, style: str) -> None:
    """Show which cells are finished, which are not, and who is building.

    Example: bisae status toy/store
    """
    import bisae
    from bisae.build import checkpoint_status
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
        show(describe(con), style)


@click.command()
@store_argument
@click.argument("query", required=False)
@click.option(
    "-f", "--file", type=click.Path(path_type=Path), help="Read the query here."
)
@click.option("--format", "style", type=click.Choice(STYLES), default="table")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write the result here."
)
@click.option(
    "--codes", metavar="SIZE/STEP/LAYER", help="Add this cell's table `codes`."
)
@click.option(
    "--unsafe", is_flag=True, help="Let the query write and read other files."
)
@reports_errors
def sql(
    store: str,
    query: str | None,
    file: Path | None,
    style: str,
    output: Path | None,
    codes: str | None,
    unsafe: bool,  # noqa: FBT001 - click passes a flag by name
) -> None:
    """Ask a question in SQL; without one, open a shell.

    Example: bisae sql toy/store "select language, count(*) from features group by 1"
    """
    import bisae
    from bisae.errors import SqlError
    from bisae.query import missing_cells, rows_of, write_parquet

    if query and file:
        msg = "give a query or --file, not both"
        raise SqlError(msg)
    opened = bisae.open(store)
    if file:
        query = _read(file)
    elif query is None and not sys.stdin.isatty():
        query = sys.stdin.read()
    con = opened.connect(codes, fenced=not unsafe, query=query)
    if missing := missing_cells(opened):
        say(f"{missing} cells are not finished: their rows are missing")
    if query is None:
        from bisae.cli.shell import run_shell

        run_shell(con, opened.place)
    elif style == "parquet":
        if output is None:
            msg = "--format parquet needs --output FILE"
            raise SqlError(msg)
        write_parquet(con, query, output)
    else:
        from bisae.formats import render

        text = render(rows_of(con, query), style)
        if output:
            output.write_text(text, encoding="utf-8")
        else:
            click.echo(text, nl=False)


def _read(file: Path) -> str:
    from bisae.errors import SqlError

    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"cannot read the query in {file}: {error}"
        raise SqlError(msg) from error
