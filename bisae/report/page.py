"""The self-contained page of the report: the study, figures, tables and warnings.

Reads reports/page.html.jinja, which holds all text and styles; returns HTML.
"""

import base64
from collections.abc import Mapping
from importlib.metadata import version
from itertools import groupby
from typing import Any, NamedTuple

from bisae.formats import Rows
from bisae.report.checks import Results, counts
from bisae.report.claims import read_claims, records
from bisae.report.figures import Drawing
from bisae.report.fit import svg_width
from bisae.report.tables import Table
from bisae.report.template import template
from bisae.study import Study

ROWS_SHOWN = 60
FIRST_FIGURE = "figure_3"
"""The figure at the head of the page, next to the claims."""
ENLARGED = 1.35
LINKED_BY_CHANCE = 1e-3
"""Above this share of random token pairs in one cluster, the page warns."""


class Figure(NamedTuple):
    """A drawn figure and the table that it shows."""

    table: Table
    drawing: Drawing

    @property
    def name(self) -> str:
        """The stem of its files."""
        return self.table.view.name

    @property
    def source(self) -> str:
        """The drawing as a data URL, which needs no other file."""
        data = base64.b64encode(self.drawing.svg.encode()).decode()
        return f"data:image/svg+xml;base64,{data}"

    @property
    def description(self) -> str:
        """Its title and caption, for those who do not see it."""
        return f"{self.table.view.title} {self.drawing.caption}"

    @property
    def width(self) -> int:
        """Its width on the page in pixels; a narrower page scales it down."""
        return round(ENLARGED * svg_width(self.drawing.svg))


class Contents(NamedTuple):
    """The contents of the page."""

    study: Study
    settings: Mapping[str, Any]
    n_finished: int
    n_cells: int
    figures: list[Figure]
    tables: Mapping[str, Table]
    left_out: Mapping[str, str]
    """The reason why each missing view or figure is left out, by name."""
    checks: Results
    has_replicates: bool = False
    """True if the intervals of trends over documents were computed."""


def render_page(contents: Contents) -> str:
    """Fill the template."""
    rate = contents.settings["link_rate"]
    tables = contents.tables
    first = [figure for figure in contents.figures if figure.name == FIRST_FIGURE]
    cells = records(tables.get("cells"))
    imported = [cell for cell in cells if cell["sae_step"] is not None]
    return template("page.html.jinja").render(
        contents._asdict(),
        claims=read_claims(tables),
        overview=_overview(tables),
        first_figure=next(iter(first), None),
        sizes=_by_size(cells),
        n_imported=len(imported),
        n_applied=sum(cell["sae_step"] != cell["step"] for cell in imported),
        version=version("bisae"),
        counts=counts(contents.checks),
        rows_shown=ROWS_SHOWN,
        linked_by_chance=LINKED_BY_CHANCE,
        warns=rate is not None and rate > LINKED_BY_CHANCE,
        token_links=_only_row(tables.get("token_links")),
    )


def _overview(tables: Mapping[str, Table]) -> Rows | None:
    """Return the rows of `trends` that `overview` selects: they have intervals."""
    if "overview" not in tables or "trends" not in tables:
        return None
    trends = {
        _address(row): tuple(row.values())
        for row in records(tables["trends"])
        if row["population"] == "alive"
    }
    rows = [trends[_address(row)] for row in records(tables["overview"])]
    return Rows(tables["trends"].rows.names, rows)


def _address(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["size"], row["step"], row["layer"]


def _by_size(cells: list[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """Group the cells of each size, in the order of the rows."""
    return {size: list(rows) for size, rows in groupby(cells, lambda row: row["size"])}


def _only_row(table: Table | None) -> Mapping[str, Any] | None:
    """Return the row of a table that has one; None without the table."""
    if table is None:
        return None
    (row,) = records(table)
    return row
