"""The self-contained page of the report: the study, figures, tables and warnings.

Reads reports/page.html.jinja, which holds all text and styles, and reports/page.js;
returns HTML.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.metadata import version
from itertools import groupby
from typing import Any, NamedTuple

from bisae.assets import asset_dir
from bisae.formats import Rows
from bisae.report.checks import Results, counts
from bisae.report.claims import read_claims, records
from bisae.report.examples import Panel
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
    def inline(self) -> str:
        """The drawing as a part of the page, which has other ids and other widths."""
        start, _, rest = self.drawing.svg.partition(">")
        width = round(ENLARGED * svg_width(start))
        start = re.sub(r' width="[^"]*" height="[^"]*"', f' width="{width}"', start)
        rest = re.sub(r'( id="|url\(#)', rf"\g<1>{self.name}-", rest)
        return f"{start}>{rest}"


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
    examples: Mapping[str, list[Panel]]
    """Features with texts that are shaded by activation, by the name of their view."""
    checks: Results
    has_replicates: bool = False
    """True if the intervals of trends over documents were computed."""


def render_page(contents: Contents) -> str:
    """Fill the template."""
    rate = contents.settings["link_rate"]
    tables = contents.tables
    script = (asset_dir("reports") / "page.js").read_text(encoding="utf-8")
    first = [figure for figure in contents.figures if figure.name == FIRST_FIGURE]
    cells = records(tables.get("cells"))
    imported = [cell for cell in cells if cell["sae_step"] is not None]
    return template("page.html.jinja").render(
        contents._asdict(),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        claims=read_claims(tables),
        overview=_overview(tables),
        first_figure=next(iter(first), None),
        cells=cells,
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


def _overview(tables: Mapping[str, Table]) -> Table | None:
    """Return `overview` with the columns of `trends`, which have intervals."""
    if "overview" not in tables or "trends" not in tables:
        return tables.get("overview")
    trends = {
        _address(row): tuple(row.values())
        for row in records(tables["trends"])
        if row["population"] == "alive"
    }
    rows = [trends[_address(row)] for row in records(tables["overview"])]
    return tables["overview"]._replace(rows=Rows(tables["trends"].rows.names, rows))


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
