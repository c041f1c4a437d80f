"""Commands that keep a store whole: verify, cp, rm."""

import click

from bisae.cli.options import (
    format_option,
    only_option,
    reports_errors,
    say,
    show,
    store_argument,
)


@click.command()
@store_argument
@only_option
@format_option
@reports_errors
def verify(store: str, only: str | None, style: str) -> None:
    """Look at every byte: checksums, completeness, values, tables against codes.

    Prints what is wrong and where; exit status 1 if anything is.

    Example: bisae verify toy/store
    """
    import bisae
    from bisae.errors import CheckFailed
    from bisae.grid import parse_selection
    from bisae.store.verify import as_rows, verify

    found = verify(bisae.open(store), parse_selection(only))
    looked = f"{found.parts} parts and {found.tables} files of tables looked at"
    if found.unfinished:
        looked += f"; {found.unfinished} parts are not finished"
    if found.findings:
        show(as_rows(found), style)
        msg = f"wrong: {len(found.findings)}; {looked}"
        raise CheckFailed(msg)
    say(f"nothing is wrong; {looked}")


@click.command()
@store_argument
@click.argument("dest", metavar="DEST")
@only_option
@reports_errors
def cp(store: str, dest: str, only: str | None) -> None:
    """Copy finished cells to another folder or object store, verified as they go.

    Example: bisae cp toy/store toy/copy --only size=0.5M
    """
    import bisae
    from bisae.files import any_path
    from bisae.grid import parse_selection
    from bisae.store.transfer import copy_cells

    other, n = copy_cells(bisae.open(store), any_path(dest), parse_selection(only))
    say(f"{n} cells are in {other.path}")


@click.command()
@store_argument
@click.option(
    "--only",
    metavar="KEY=VALUE,...",
    required=True,
    help="Which cells: size=SIZE, step=STEP, layer=LAYER, each as often as you like.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports_errors
def rm(store: str, only: str, yes: bool) -> None:  # noqa: FBT001 - click passes it so
    """Remove cells, their tables too, after asking.

    Example: bisae rm toy/store --only size=0.5M,step=10 --yes
    """
    import bisae
    from bisae.grid import parse_selection
    from bisae.store.transfer import remove_cells

    opened = bisae.open(store)
    cells = parse_selection(only).of(opened.cells)
    told = f"{len(cells)} cells of {opened.path}, {cells[0]} to {cells[-1]}"
    if not yes:
        click.confirm(f"remove {told}?", abort=True, err=True)
    remove_cells(opened, cells)
    say(f"removed {told}")
