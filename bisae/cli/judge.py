"""Commands that judge a store: validate, report."""

import click

from bisae.cli.options import format_option, reports_errors, say, show, store_argument


@click.command()
@store_argument
@format_option
@reports_errors
def validate(store: str, style: str) -> None:
    """Check every promise; exit status 1 when one is broken, 2 when one cannot run.

    Example: bisae validate toy/store
    """
    import bisae
    from bisae.errors import BrokenPromise
    from bisae.validate import as_rows, failures, validate

    outcomes = validate(bisae.open(store))
    show(as_rows(outcomes), style)
    if broken := failures(outcomes):
        msg = f"{len(broken)} of {len(outcomes)} promises are broken"
        raise BrokenPromise(msg)
    say(f"{len(outcomes)} promises kept")


@click.command()
@store_argument
@reports_errors
def report(store: str) -> None:
    """Write tables, figures and one page that shows them.

    Example: bisae report toy/store
    """
    import bisae
    from bisae.report import report

    click.echo(report(bisae.open(store)))
