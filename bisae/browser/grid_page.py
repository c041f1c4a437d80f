"""The first page: the grid as a heat map of any trend, and the table of trends.

Reads the trends of the library.
"""

from itertools import groupby
from typing import Any, NamedTuple

from bisae.browser.colors import Scale
from bisae.browser.library import Library
from bisae.browser.page import Block, Page
from bisae.browser.report_pages import figure_names
from bisae.browser.trends import POPULATIONS, TREND_KEYS
from bisae.errors import AddressError, Unfinished
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.report.numbers import end_names, join_intervals, select_columns

MEASURE = "mixed_share"


class Map(NamedTuple):
    """The heat map of one size."""

    size: str
    steps: list[int]
    layers: list[int]
    """From the highest down."""
    values: dict[tuple[int, int], Any]
    """The trend of each finished cell, by step and layer."""


def grid_page(library: Library, query: Any) -> Page:
    """Show a trend of every cell. Raises AddressError for one that does not exist."""
    trends, cells = library.trends, library.store.cells
    if not (finished := library.trends.refresh()):
        msg = "no cell is finished yet; `bisae status` shows the progress"
        raise Unfinished(msg)
    measure = _chosen("measure", query.get("measure", MEASURE), trends.measures())
    population = _chosen("population", query.get("population", "alive"), POPULATIONS)
    rows = _selected(trends.rows(population), measure)
    values = {
        Cell(row["size"], row["step"], row["layer"]): row
        for row in rows.records()
        if row[measure] is not None
    }
    numbers = [float(row[measure]) for row in values.values()] or [0.0]
    columns = ", ".join(name for name in rows.names if name != "population")
    sql = f"select {columns} from trends where population = '{population}' order by all"
    return Page(
        "grid",
        f"{library.store.study.name}: the grid",
        {"trends": Block(rows, sql)},
        {
            "maps": [_map(size, list(of), values) for size, of in _by_size(cells)],
            "scale": Scale(min(numbers), max(numbers)),
            "measure": measure,
            "measures": trends.measures(),
            "population": population,
            "populations": POPULATIONS,
            "n_finished": len(finished),
            "n_cells": len(cells),
        },
    )


def trends_page(library: Library, query: Any) -> Page:
    """Show all trends as a table, and the figures of the report."""
    library.trends.refresh()
    population = _chosen("population", query.get("population", "alive"), POPULATIONS)
    sql = f"from trends where population = '{population}' order by all"
    rows = library.trends.rows(population)
    return Page(
        "trends",
        "Trends",
        {"trends": Block(rows, sql)},
        {
            "joined": join_intervals(rows),
            "figures": figure_names(),
            "population": population,
            "populations": POPULATIONS,
        },
    )


def _chosen(name: str, value: str, choices: Any) -> str:
    if value not in choices:
        msg = f"no {name} {value[:40]!r}: there are {', '.join(choices)}"
        raise AddressError(msg)
    return value


def _selected(rows: Rows, measure: str) -> Rows:
    """Return the address, a measure and the ends of its interval."""
    return select_columns(rows, [*TREND_KEYS, measure, *end_names(measure)])


def _by_size(cells: list[Cell]) -> Any:
    return groupby(cells, lambda cell: cell.size)


def _map(size: str, cells: list[Cell], values: dict[Cell, Any]) -> Map:
    return Map(
        size,
        sorted({cell.step for cell in cells}),
        sorted({cell.layer for cell in cells}, reverse=True),
        {cell[1:]: values.get(cell) for cell in cells},
    )
