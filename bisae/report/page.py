"""The self-contained page of the report: the study, figures, tables and warnings.

Reads reports/page.html.jinja, which holds all text and styles; returns HTML.
"""

import base64
from collections.abc import Mapping
from typing import Any, NamedTuple

from bisae.report.checks import Results, counts
from bisae.report.figures import Drawing
from bisae.report.fit import svg_width
from bisae.report.tables import Table
from bisae.report.template import template
from bisae.study import Study

ROWS_SHOWN = 60
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


def render_page(contents: Contents) -> str:
    """Fill the template."""
    rate = contents.settings["link_rate"]
    return template("page.html.jinja").render(
        contents._asdict(),
        counts=counts(contents.checks),
        rows_shown=ROWS_SHOWN,
        linked_by_chance=LINKED_BY_CHANCE,
        warns=rate is not None and rate > LINKED_BY_CHANCE,
        token_links=_only_row(contents.tables.get("token_links")),
    )


def _only_row(table: Table | None) -> dict[str, Any] | None:
    """Return the row of a table that has one; None without the table."""
    if table is None:
        return None
    (values,) = table.rows.values
    return dict(zip(table.rows.names, values, strict=True))
