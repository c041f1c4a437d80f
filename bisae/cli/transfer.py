"""Commands that verify, copy, remove and hand on cells: verify, cp, rm, export-sae."""

from pathlib import Path

import click

from bisae.cli.options import (
    cells_are,
    counted,
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
    """Verify every byte: checksums, completeness, values, tables against codes.

    Prints what is wrong and where; exit status 1 if anything is.

    Example: bisae verify toy/store
    """
    from bisae.errors import CheckFailed
    from bisae.grid import parse_selection
    from bisae.store import open_store
    from bisae.store.verify import as_rows, verify

    verification = verify(open_store(store), parse_selection(only))
    summary = f"{counted(verification.parts, 'part')} and "
    summary += f"{counted(verification.tables, 'file')} of tables verified"
    if verification.unfinished:
        summary += f"; {verification.unfinished} not finished"
    if verification.findings:
        show(as_rows(verification), style)
        msg = f"wrong: {len(verification.findings)}; {summary}"
        raise CheckFailed(msg)
    say(f"nothing is wrong; {summary}")


@click.command()
@store_argument
@click.argument("dest", metavar="DEST")
@only_option
@reports_errors
def cp(store: str, dest: str, only: str | None) -> None:
    """Copy finished cells to another folder or object store, and verify each.

    Example: bisae cp toy/store toy/copy --only size=0.5M
    """
    from bisae.files import any_path
    from bisae.grid import parse_selection
    from bisae.store import open_store
    from bisae.store.transfer import copy_cells

    copy, n = copy_cells(open_store(store), any_path(dest), parse_selection(only))
    say(f"{cells_are(n)} in {copy.path}")


@click.command()
@store_argument
@click.option(
    "--only",
    metavar="KEY=VALUE,...",
    required=True,
    help="The cells: size=SIZE, step=STEP, layer=LAYER; each may be repeated.",
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@reports_errors
def rm(store: str, only: str, yes: bool) -> None:  # noqa: FBT001 - click passes it so
    """Remove cells and their tables, after confirmation.

    Example: bisae rm toy/store --only size=0.5M,step=10 --yes
    """
    from bisae.grid import parse_selection
    from bisae.store import open_store
    from bisae.store.transfer import remove_cells

    opened = open_store(store)
    cells = parse_selection(only).of(opened.cells)
    description = (
        f"{counted(len(cells), 'cell')} of {opened.path}, {cells[0]} to {cells[-1]}"
    )
    if not yes:
        click.confirm(f"remove {description}?", abort=True, err=True)
    remove_cells(opened, cells)
    say(f"removed {description}")


TARGETS = ("saelens", "sparsify", "dictionary_learning", "llm-jp", "delphi")


@click.command("export-sae")
@store_argument
@only_option
@click.option(
    "--to", "target", type=click.Choice(TARGETS), required=True, help="The format."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="The folder to write to.",
)
@reports_errors
def export_sae(store: str, only: str | None, target: str, output: Path) -> None:
    """Write autoencoders for other projects, one folder a cell.

    Each has the weights, a config, and a README.md with the model, the layer and the
    scaling of its input. `--to delphi` writes the codes of the evaluation text in the
    layout of Delphi's cache. Prints the folders (docs/import.md).

    Example: bisae export-sae toy/store --only size=0.5M --to saelens --output saes
    """
    from bisae.grid import parse_selection
    from bisae.interop.export import export_saes
    from bisae.store import open_store

    opened = open_store(store)
    cells = parse_selection(only).of(opened.cells)
    for folder in export_saes(opened, cells, target, output):
        click.echo(folder)
