"""Figures of the report as Altair charts, drawn in place and open to changes.

Reads reports/*.vl.json and the views they are named after. The only door to altair.
"""

import json
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import altair as alt
from altair.typing import ChartType as ChartType

from bisae.errors import FigureError
from bisae.formats import Rows
from bisae.query import connect, read_views, rows_of
from bisae.report.figures import figure_files, specification
from bisae.store import Store

DASHES = "dashes"
"""The field that replaces a constant of `strokeDash`."""


def figure_titles() -> dict[str, str]:
    """Return the title of each figure's view by the figure's name."""
    views = read_views()
    return {name: views[name].title for name in figure_files()}


def draw_chart(store: Store, name: str, filters: Mapping[str, Any]) -> ChartType:
    """Return a figure of a store as a chart, with the rows that pass the filters.

    A filter is a column of the view and its value, or a list of values. Raises
    FigureError for an unknown name or column, or if no rows are left, and Unfinished.
    """
    files = figure_files()
    if name not in files:
        msg = f"there is no figure {name!r}: there are {', '.join(files)}"
        raise FigureError(msg)
    rows = _read_rows(store, name)
    for column, value in filters.items():
        rows = _filtered(rows, name, column, value)
    spec = _with_fields(specification(files[name], rows))
    chart: ChartType = alt.Chart.from_dict(spec)
    return chart


def _read_rows(store: Store, name: str) -> Rows:
    """Read the view of a figure. Raises FigureError if the study lacks its tables."""
    with closing(connect(store, query=f"from {name}")) as con:
        tables = rows_of(con, "select table_name from information_schema.tables").values
        if (name,) in tables:
            rows = rows_of(con, f"from {name} order by all")
        else:
            needs = sorted(read_views()[name].reads - {table for (table,) in tables})
            msg = f"{store.path} has no data for {name}: it has no {', '.join(needs)}"
            raise FigureError(msg)
    if not rows.values:
        msg = f"{store.path} has no data for {name}: the view has no rows"
        raise FigureError(msg)
    return rows


def _filtered(rows: Rows, name: str, column: str, value: Any) -> Rows:
    """Keep the rows in which a column has a value, or one of a list of values."""
    if column not in rows.names:
        msg = f"{name} has no column {column!r}: it has {', '.join(rows.names)}"
        raise FigureError(msg)
    number = rows.names.index(column)
    accepted = value if isinstance(value, list | tuple | set | range) else [value]
    kept = [row for row in rows.values if row[number] in accepted]
    if not kept:
        existing = sorted({str(row[number]) for row in rows.values})
        msg = f"{name} has no rows with {column} = {value!r}: {column} is "
        raise FigureError(msg + ", ".join(existing))
    return Rows(rows.names, kept)


def _with_fields(spec: Any) -> Any:
    """Replace each constant of `strokeDash` by a field with that value.

    Vega-Lite draws constants, but its schema, which Altair enforces, forbids them.
    """
    if isinstance(spec, list):
        return [_with_fields(item) for item in spec]
    if not isinstance(spec, dict):
        return spec
    spec = {key: _with_fields(value) for key, value in spec.items()}
    channel = spec.get("encoding", {}).get("strokeDash", {})
    if "datum" in channel:
        constant = {"calculate": json.dumps(channel.pop("datum")), "as": DASHES}
        channel |= {"field": DASHES, "type": "nominal", "title": channel.get("title")}
        spec["transform"] = [*spec.get("transform", []), constant]
    return spec
