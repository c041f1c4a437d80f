"""Set the rows of a view for a printed table.

A value and its interval share a column, digits follow the interval, and the best values
of a view whose header has `Best` are bold. Reads reports/columns.toml: the heads of
columns.
"""

import math
import re
import tomllib
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple

from bisae.assets import asset_dir
from bisae.formats import Rows
from bisae.formats.markup import MarkupCell
from bisae.formats.table import has_numbers, readable
from bisae.report.best import best_cells
from bisae.report.numbers import end_names

SIGNIFICANT = 2
"""Digits of half an interval's width, as the GUM recommends for uncertainties."""
UNGROUPED = 10_000
"""From this integer on, thousands are separated."""


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


def printed_table(rows: Rows, best: str = "") -> PrintedTable:
    """Set rows; `best` is the header's field that says which values are bold."""
    columns = _columns(rows)
    bold = best_cells(rows, best)
    texts = [_cells(column, columns) for column in columns]
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
    ends = {name: end_names(name) for name in rows.names}
    ends = {name: pair for name, pair in ends.items() if by_name.keys() >= set(pair)}
    grouped = {name for pair in ends.values() for name in pair}
    columns = []
    for name in by_name.keys() - grouped:
        low, high = ends.get(name, (None, None))
        interval = (by_name[low], by_name[high]) if low and high else None
        columns.append(Column(name, by_name[name], interval))
    return sorted(columns, key=lambda column: rows.names.index(column.name))


def _cells(column: Column, columns: Sequence[Column]) -> list[MarkupCell]:
    """Format a column; the null of a value is rounded as the value is."""
    cells = []
    for number, value in enumerate(column.values):
        ends = _interval(column, number)
        places = _decimal_places(_interval(_measured(column, columns), number))
        interval = ""
        if ends and value is not None and places is not None:
            low, high = (_rounded(end, places) for end in ends)
            interval = f"[{low}, {high}]"
        cells.append(MarkupCell(_text(value, places), interval))
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


def _decimal_places(interval: tuple[float, float] | None) -> int | None:
    """Return the decimal places to which half an interval has two significant digits.

    A negative number rounds to tens, hundreds and so on. None for a single point.
    """
    if interval is None or interval[0] == interval[1]:
        return None
    half = abs(interval[1] - interval[0]) / 2
    exponent = int(f"{half:.{SIGNIFICANT - 1}e}".partition("e")[2])
    return SIGNIFICANT - 1 - exponent


def _text(value: Any, places: int | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and abs(value) >= UNGROUPED:
        return f"{value:,}"
    if isinstance(value, float | Decimal) and places is not None:
        return _rounded(float(value), places)
    if isinstance(value, list):
        return ", ".join(map(readable, value))
    return readable(value)


def _rounded(value: float, places: int) -> str:
    rounded = round(value, places) + 0.0  # not -0.0
    comma = "," if abs(rounded) >= UNGROUPED else ""
    return f"{rounded:{comma}.{max(places, 0)}f}"


def _head(column: Column) -> str:
    head = column_head(column.name)
    return f"{head} [95 %]" if column.ends else head


def column_head(name: str) -> str:
    """Return the words for a column, as reports/columns.toml has them."""
    heads = _heads()
    words = re.sub("^n_", "", name).split("_")
    return heads["names"].get(name) or " ".join(
        heads["words"].get(word, word) for word in words
    )


@cache
def _heads() -> dict[str, dict[str, str]]:
    text = (asset_dir("reports") / "columns.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
