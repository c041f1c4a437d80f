"""Set the rows of a view for a printed table.

A value and its interval share a column, digits follow the interval, and the best values
of a view whose header has `Best` are bold. Reads reports/columns.toml: the heads of
columns, and which are shown.
"""

import math
import re
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, NamedTuple

from bisae.assets import asset_dir
from bisae.formats import Rows
from bisae.formats.markup import MarkupCell
from bisae.formats.table import has_numbers, readable
from bisae.report.best import best_cells
from bisae.report.numbers import UNGROUPED, decimal_places, interval_ends, rounded

P_VALUES = ("p", "p_family")
SMALLEST_P = 1e-4
"""p-values below this are printed as such: the tests' normal tails say no more."""


class PrintedTable(NamedTuple):
    """The text of a table: `bisae.formats.markup` formats it."""

    heads: list[str]
    lines: list[list[MarkupCell]]
    is_number: list[bool]


class Column(NamedTuple):
    """A column and, if it has intervals, the columns of their ends."""

    name: str
    values: Sequence[Any]
    ends: tuple[Sequence[Any], Sequence[Any]] | None


def printed_table(
    rows: Rows,
    best: str = "",
    shown: Sequence[str] = (),
    n_rows: int | None = None,
) -> PrintedTable:
    """Set rows; `best` is the header's field that says which values are bold.

    `shown` has patterns of the names of the columns to set, and `n_rows` is how many
    rows to set; by default all are.
    """
    every = _columns(Rows(rows.names, rows.values[:n_rows]))
    columns = [
        column
        for pattern in shown or ["*"]
        for column in every
        if fnmatchcase(column.name, pattern)
    ]
    bold = best_cells(rows, best)
    texts = [_cells(column, every) for column in columns]
    return PrintedTable(
        heads=[_head(column) for column in columns],
        lines=[
            [
                cell._replace(is_bold=(number, column.name) in bold)
                for cell, column in zip(line, columns, strict=True)
            ]
            for number, line in enumerate(zip(*texts, strict=True))
        ],
        is_number=[has_numbers(column.values) for column in columns],
    )


def _columns(rows: Rows) -> list[Column]:
    """Group columns: the ends of an interval belong to its value."""
    by_name = dict(zip(rows.names, zip(*rows.values, strict=True), strict=True))
    ends = interval_ends(rows.names)
    grouped = {name for pair in ends.values() for name in pair}
    columns = []
    for name in rows.names:
        if name in grouped:
            continue
        low, high = ends.get(name, (None, None))
        interval = (by_name[low], by_name[high]) if low and high else None
        columns.append(Column(name, by_name[name], interval))
    return columns


def _cells(column: Column, columns: Sequence[Column]) -> list[MarkupCell]:
    """Format a column; the null of a value is rounded as the value is."""
    measured = _measured(column, columns)
    cells = []
    for number, value in enumerate(column.values):
        ends = _interval(column, number)
        rounding = _interval(measured, number)
        places = decimal_places(_half(rounding)) if rounding else None
        interval = ""
        if ends and value is not None and places is not None:
            low, high = (rounded(end, places) for end in ends)
            interval = f"[{low}, {high}]"
        text = _text(value, places)
        if column.name in P_VALUES and value is not None and value < SMALLEST_P:
            text = f"<{SMALLEST_P:.4f}"
        cells.append(MarkupCell(text, interval))
    return cells


def _measured(column: Column, columns: Sequence[Column]) -> Column:
    """Return the column whose intervals say how to round a column.

    It is the column itself, or one with intervals whose name its name begins with:
    `mixed_share` for `mixed_share_null`.
    """
    candidates = [
        other
        for other in columns
        if other.ends and f"{column.name}_".startswith(f"{other.name}_")
    ]
    return max(candidates, key=lambda other: len(other.name), default=column)


def _interval(column: Column, number: int) -> tuple[float, float] | None:
    """Return the interval of a row, or None if an end is missing or infinite."""
    if column.ends is None:
        return None
    low, high = column.ends[0][number], column.ends[1][number]
    if low is None or high is None or not math.isfinite(high - low):
        return None
    return float(low), float(high)


def _half(interval: tuple[float, float]) -> float:
    return abs(interval[1] - interval[0]) / 2


def _text(value: Any, places: int | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= UNGROUPED:
        return f"{value:,}"
    if isinstance(value, float | Decimal) and places is not None:
        return rounded(float(value), places)
    if isinstance(value, list):
        return ", ".join(map(readable, value))
    return readable(value)


def _head(column: Column) -> str:
    head = column_head(column.name)
    return f"{head} [95 %]" if column.ends else head


def column_head(name: str) -> str:
    """Return the words for a column, as reports/columns.toml has them."""
    heads = _columns_file()
    words = re.sub("^n_", "", name).split("_")
    head: str = heads["names"].get(name) or " ".join(
        heads["words"].get(word, word) for word in words
    )
    return head


def shown_columns(view: str) -> list[str]:
    """Return patterns of the main columns of a view; none if all are shown."""
    patterns: list[str] = _columns_file()["shown"].get(view, [])
    return patterns


@cache
def _columns_file() -> dict[str, dict[str, Any]]:
    text = (asset_dir("reports") / "columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
