"""Commands that judge a store: validate, uncertainty, compare, report."""

from typing import TYPE_CHECKING

import click

from bisae.cli.options import (
    format_option,
    only_option,
    reports_errors,
    say,
    show,
    store_argument,
    trust_option,
)

if TYPE_CHECKING:
    from bisae.validate import Outcome


@click.command()
@store_argument
@only_option
@format_option
@trust_option
@reports_errors
def validate(store: str, only: str | None, style: str, *, trust: bool) -> None:
    """Check every promise; exit status 1 when one is broken, 2 when one cannot run.

    Prints what is promised, where, and what became of it; for what is broken also why
    it matters, and rows that break it. Promises over codes, weights, firings and
    clusters were checked when their cell was built: with --only those of some cells are
    checked afresh, and those over other tables for these cells alone.

    Example: bisae validate toy/store --only size=0.5M,step=900
    """
    import bisae
    from bisae.errors import BrokenPromise
    from bisae.grid import parse_selection
    from bisae.promises import validate_cells
    from bisae.validate import failures, validate

    opened = bisae.open(store, trust_remote_code=trust)
    if only is None:
        outcomes = validate(opened)
    else:
        outcomes = validate_cells(opened, parse_selection(only))
    _show(outcomes, style)
    if broken := failures(outcomes):
        msg = f"{len(broken)} of {len(outcomes)} promises are broken"
        raise BrokenPromise(msg)
    say(f"{len(outcomes)} promises kept")


def _show(outcomes: "list[Outcome]", style: str) -> None:
    """Print outcomes; people get a narrow table, and below it what is not kept."""
    from bisae.formats import Rows
    from bisae.validate import as_rows, in_short

    if style != "table":
        show(as_rows(outcomes), style)
        return
    show(in_short(outcomes), style)
    for one in outcomes:
        if one.status != "pass":
            click.echo(f"\n{one.status}: {one.promise} ({one.where})")
            click.echo(f"why: {one.why}\nexpected: {one.expected}")
            click.echo(f"observed: {one.observed}")
        if one.rows:
            values = [tuple(row.values()) for row in one.rows]
            show(Rows(list(one.rows[0]), values), style)


@click.command()
@store_argument
@only_option
@click.option(
    "--replicates",
    type=click.IntRange(min=2),
    default=200,
    show_default=True,
    help="How many texts are drawn.",
)
@click.option("--seed", default=0, show_default=True, help="Of the drawing.")
@format_option
@reports_errors
def uncertainty(
    store: str, only: str | None, replicates: int, seed: int, style: str
) -> None:
    """Draw the documents again and again: how far do trends hang on them?

    Writes the table `replicates`, cell by cell, where it is not made yet; prints the
    mixed share of alive features. All trends are in the view `uncertainty`, the
    paper's findings in `findings_uncertainty`.

    Example: bisae uncertainty toy/store --only step=900
    """
    import bisae
    from bisae.grid import parse_selection
    from bisae.uncertainty import draw_replicates, mixed_shares

    opened = bisae.open(store)
    if cells := draw_replicates(opened, parse_selection(only), replicates, seed):
        show(mixed_shares(opened, cells), style)


@click.command()
@click.argument("stores", nargs=-1, metavar="STORE STORE...")
@format_option
@reports_errors
def compare(stores: tuple[str, ...], style: str) -> None:
    """Show the spread of every trend between stores that differ in [sae] seed alone.

    Example: bisae compare toy/store toy/seed-1 --format csv
    """
    import bisae
    from bisae.compare import compare

    show(compare([bisae.open(store) for store in stores]), style)


@click.command()
@store_argument
@reports_errors
def report(store: str) -> None:
    """Write tables, figures, one page that shows them, and one of the promises.

    Example: bisae report toy/store
    """
    import bisae
    from bisae.report import report
    from bisae.validate import as_records, validate

    opened = bisae.open(store)
    click.echo(report(opened, as_records(validate(opened))))
