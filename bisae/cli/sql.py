"""The command sql: answer a query, or open a shell."""

import re
import sys
from contextlib import closing
from pathlib import Path

import click

from bisae.cli.options import cells_are, reports_errors, say, store_argument
from bisae.errors import SqlError

STYLES = ("table", "csv", "json", "markdown", "parquet")


@click.command()
@store_argument
@click.argument("query", required=False)
@click.option(
    "-f", "--file", type=click.Path(path_type=Path), help="Read the query from a file."
)
@click.option("--format", "style", type=click.Choice(STYLES), default="table")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write the result to a file."
)
@click.option(
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="The value of $NAME in the query; may be repeated.",
)
@click.option(
    "--codes", metavar="SIZE/STEP/LAYER", help="Add this cell's table `codes`."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End a query that takes longer.",
)
@click.option(
    "--memory",
    metavar="SIZE",
    help="End a query that needs more, e.g. 2GiB. A limit means a separate process.",
)
@click.option(
    "--unsafe", is_flag=True, help="Let the query read and write other files."
)
@reports_errors
def sql(
    store: str,
    query: str | None,
    file: Path | None,
    style: str,
    output: Path | None,
    parameters: tuple[str, ...],
    codes: str | None,
    timeout: float | None,
    memory: str | None,
    unsafe: bool,  # noqa: FBT001 - click passes a flag by name
) -> None:
    """Ask a question in SQL; without one, open a shell.

    Example: bisae sql toy/store "select language, count(*) from features group by 1"
    """
    from bisae.cli.output import QueryPrinter
    from bisae.grid import parse_cell
    from bisae.query import InProcess, QueryProcess, Runner, connect, missing_cells
    from bisae.store import open_store

    values = dict(_parameter(text) for text in parameters)
    query = _query(query, file)
    if output is None and style == "parquet":
        msg = "--format parquet needs --output FILE"
        raise SqlError(msg)
    if output is not None and query is None:
        msg = "--output needs a query"
        raise SqlError(msg)
    opened = open_store(store)
    cell = parse_cell(codes) if codes else None
    runner: Runner
    if timeout is None and memory is None:
        runner = InProcess(connect(opened, cell, fenced=not unsafe, query=query))
    else:
        runner = QueryProcess(
            str(opened.path),
            cell,
            fenced=not unsafe,
            query=query,
            timeout=timeout,
            memory=memory,
            shows_progress=True,
        )
    if missing := missing_cells(opened):
        say(f"{cells_are(missing)} not finished: rows are missing")
    printer = QueryPrinter(runner, values, style, output)
    with closing(runner):
        if query is None:
            from bisae.cli.shell import run_shell

            run_shell(printer, opened.path)
        else:
            printer.print_answers(query)


def _query(query: str | None, file: Path | None) -> str | None:
    """Return the text of the query; None for a shell."""
    if query is not None and file:
        msg = "give a query or --file, not both"
        raise SqlError(msg)
    if file:
        try:
            return file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"cannot read the query in {file}: {error}"
            raise SqlError(msg) from error
    return sys.stdin.read() if query is None and not sys.stdin.isatty() else query


def _parameter(text: str) -> tuple[str, int | float | str]:
    """Parse NAME=VALUE; a value that looks like a number becomes one."""
    name, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"\w+", name):
        msg = f"--param {text}: give NAME=VALUE"
        raise SqlError(msg)
    if re.fullmatch(r"[+-]?\d+", value):
        return name, int(value)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", value):
        return name, float(value)
    return name, value
