"""Write the report of a store: `<store>/reports/` with tables, figures and two pages.

Reads the views. The same store gives the same bytes, except in PDFs.
"""

import re
from collections.abc import Mapping
from contextlib import closing

from bisae.files import AnyPath
from bisae.query import Connection, connect, missing_cells, rows_of
from bisae.report.checks import Results, render_checks
from bisae.report.examples import read_panels
from bisae.report.figures import draw, figure_files
from bisae.report.files import write
from bisae.report.page import Contents, Figure, render_page
from bisae.report.tables import (
    Table,
    describe_source,
    existing_names,
    read_tables,
    write_tables,
)
from bisae.store import Store


def report(store: Store, checks: Results) -> AnyPath:
    """Write tables, figures and both pages; return the path of the main page.

    `checks` are the results of all checks.
    """
    with store.lease("reports", wait=True), closing(connect(store)) as con:
        return _write(store, con, checks)


def _write(store: Store, con: Connection, checks: Results) -> AnyPath:
    folder = store.path / "reports"
    store.check_leases()
    # This page comes first: if a check fails, there may be nothing else to show.
    write(folder / "validation.html", render_checks(store.study.name, checks))
    tables, left_out = read_tables(con, figure_files())
    write_tables(tables, folder / "tables", describe_source(store))
    figures = _figures(tables)
    store.check_leases()
    for figure in figures:
        _write_figure(figure, folder / "figures")
    n_cells = len(store.cells)
    existing = existing_names(con)
    (settings,) = rows_of(con, "from settings").records()
    contents = Contents(
        study=store.study,
        settings=settings,
        n_finished=n_cells - missing_cells(store),
        n_cells=n_cells,
        figures=figures,
        tables=tables,
        left_out=left_out,
        examples=read_panels(store, con) if "figure_examples" in existing else {},
        checks=checks,
        has_replicates="uncertainty" in existing,
    )
    store.check_leases()
    page = folder / "index.html"
    write(page, render_page(contents))
    return page


def _figures(tables: Mapping[str, Table]) -> list[Figure]:
    """Draw every figure that has rows, in the paper's order."""
    drawn = [
        Figure(tables[name], draw(file, tables[name].rows))
        for name, file in figure_files().items()
        if name in tables
    ]
    return sorted(drawn, key=lambda figure: (_number(figure.table), figure.name))


def _write_figure(figure: Figure, folder: AnyPath) -> None:
    """Write a figure for a screen and, below `paper`, in the widths of a paper."""
    name, drawing = figure.name, figure.drawing
    write(folder / f"{name}.svg", drawing.svg)
    write(folder / f"{name}.png", drawing.png)
    write(folder / f"{name}.pdf", drawing.pdf)
    write(folder / "paper" / f"{name}.svg", drawing.paper_svg)
    write(folder / "paper" / f"{name}.pdf", drawing.paper_pdf)


def _number(table: Table) -> float:
    """Return the table's number in the paper; one that is not in it comes last."""
    match = re.search(r"\d+", table.paper)
    return int(match[0]) if match else float("inf")
