"""Commands that check a store and report on it, and the stage that checks codes."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bisae.cli.build import run_stage
from bisae.cli.options import (
    counted,
    format_option,
    only_option,
    reports_errors,
    say,
    show,
    store_argument,
    study_argument,
    trust_option,
)

if TYPE_CHECKING:
    from bisae.checks import CheckResult


@click.command()
@study_argument
@only_option
@trust_option
@reports_errors
def check(study: Path, only: str | None, *, trust: bool) -> None:
    """Check the codes of exported cells and record the results for `validate`.

    Encodes a sample of tokens again where the checkpoint is on this machine.

    Example: bisae check toy/toy.toml
    """
    run_stage(study, only, "check", trust=trust)


@click.command()
@store_argument
@only_option
@format_option
@trust_option
@reports_errors
def validate(store: str, only: str | None, style: str, *, trust: bool) -> None:
    """Run every check; exit status 1 if one fails, 2 if one cannot run.

    Prints each check's result, statement and table; for a failed check also why it
    matters and rows that violate it. Codes, weights, firings and clusters were checked
    when their cell was built; with --only, those of the selected cells are checked
    again, and all other tables for these cells alone.

    Example: bisae validate toy/store --only size=0.5M,step=900
    """
    from bisae.checks import failures, validate
    from bisae.errors import CheckFailed
    from bisae.grid import parse_selection
    from bisae.store import open_store

    opened = open_store(store, trust_remote_code=trust)
    if only is None:
        results = validate(opened)
    else:
        from bisae.checks.recorded import validate_cells  # torch

        results = validate_cells(opened, parse_selection(only))
    _show(results, style)
    if failed := failures(results):
        msg = f"{len(failed)} of {len(results)} checks failed"
        raise CheckFailed(msg)
    say(f"all {len(results)} checks passed")


def _show(results: "list[CheckResult]", style: str) -> None:
    """Print results; as a table, a narrow one, followed by what did not pass."""
    from bisae.checks import as_rows, in_short
    from bisae.formats import Rows

    if style != "table":
        show(as_rows(results), style)
        return
    show(in_short(results), style)
    for result in results:
        if result.status != "pass":
            click.echo(f"\n{result.status}: {result.description} ({result.where})")
            click.echo(f"check: {result.check}\nwhy: {result.why}")
            click.echo(f"expected: {result.expected}\nobserved: {result.observed}")
        if result.rows:
            values = [tuple(row.values()) for row in result.rows]
            show(Rows(list(result.rows[0]), values), style)


@click.command()
@store_argument
@only_option
@click.option(
    "--replicates",
    type=click.IntRange(min=2),
    default=200,
    show_default=True,
    help="Number of bootstrap replicates.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")
@format_option
@reports_errors
def uncertainty(
    store: str, only: str | None, replicates: int, seed: int, style: str
) -> None:
    """Bootstrap over documents: how much do the trends depend on the sampled text?

    Writes the table `replicates` of each cell that lacks it; prints the mixed share of
    alive features. All trends are in the view `uncertainty`, simultaneous bands over
    the steps of a layer in `bands`.

    Example: bisae uncertainty toy/store --only step=900
    """
    from bisae.grid import parse_selection
    from bisae.store import open_store
    from bisae.tables.bootstrap import draw_replicates, mixed_shares

    opened = open_store(store)
    if cells := draw_replicates(opened, parse_selection(only), replicates, seed):
        show(mixed_shares(opened, cells), style)


@click.command()
@store_argument
@only_option
@click.option(
    "--replicate",
    metavar="STORE",
    help="A store of the same study with another [sae] seed, as a ceiling.",
)
@reports_errors
def lineage(store: str, only: str | None, replicate: str | None) -> None:
    """Follow features over steps, layers and sizes, by the tokens on which they fire.

    Matches the features of each cell with those of the same layer at the next step and
    at the last one, with the next layer, and with the next size: of the cells that
    --only selects, so that any two steps can be compared. Writes `feature_matches` and
    `matched_features`. Without a replicate, a feature without a match is no more than
    unmatched: another seed shows what a second autoencoder would have found.

    Example: bisae lineage toy/store --only size=0.5M,layer=2
    """
    from bisae.grid import parse_selection
    from bisae.store import open_store
    from bisae.tables.lineage import export_lineage

    opened = open_store(replicate) if replicate else None
    n = export_lineage(open_store(store), parse_selection(only), opened)
    pairs = f"{counted(n, 'pair')} of cells {'is' if n == 1 else 'are'}"
    say(f"{pairs} in `feature_matches`")


@click.command()
@click.argument("stores", nargs=-1, metavar="STORE STORE...")
@click.option(
    "--findings", is_flag=True, help="Show the verdicts of the findings over all seeds."
)
@click.option(
    "--features",
    is_flag=True,
    help="Show how many features of the first store the other seeds find again.",
)
@format_option
@reports_errors
def compare(
    stores: tuple[str, ...], *, findings: bool, features: bool, style: str
) -> None:
    """Show the spread of every trend between stores that differ only in [sae] seed.

    Features are compared by the matches of `bisae lineage STORE --replicate STORE`, and
    their directions by PW-MCC.

    Example: bisae compare toy/store toy/seed-1 --findings
    """
    from bisae.store import open_store
    from bisae.tables.compare import compare, compare_features, compare_findings

    if findings and features:
        msg = "give one of --findings and --features"
        raise click.UsageError(msg)
    opened = [open_store(store) for store in stores]
    if features:
        show(compare_features(opened), style)
    else:
        show(compare_findings(opened) if findings else compare(opened), style)


@click.command()
@store_argument
@reports_errors
def report(store: str) -> None:
    """Write tables, figures, a page that shows them, and a page of the checks.

    Example: bisae report toy/store
    """
    from bisae.checks import as_records, validate
    from bisae.report import report
    from bisae.store import open_store

    opened = open_store(store)
    click.echo(report(opened, as_records(validate(opened))))
