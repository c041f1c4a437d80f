"""Numbers for readers: rounded to the digits that their interval supports.

Reads and writes nothing; the CSV files have every digit.
"""

import math
from collections.abc import Collection
from typing import Any, NamedTuple

from bisae.formats import Rows

SIGNIFICANT = 2
"""Digits of half an interval's width, as the GUM recommends for uncertainties."""
UNGROUPED = 10_000
"""From this number on, thousands are separated in a table."""


class Interval(NamedTuple):
    """A value and its interval, which share a cell of a table."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        """Return all three, with the digits that the interval supports."""
        half = (self.high - self.low) / 2
        texts = [as_precise(number, half) for number in self]
        return f"{texts[0]} [{texts[1]}, {texts[2]}]"


def end_names(name: str) -> tuple[str, str]:
    """Return the names of an interval's ends; those of `estimate` have no prefix."""
    return ("low", "high") if name == "estimate" else (f"{name}_low", f"{name}_high")


def interval_ends(names: Collection[str]) -> dict[str, tuple[str, str]]:
    """Return the columns of an interval's ends, by the column that they belong to."""
    ends = {name: end_names(name) for name in names}
    return {name: pair for name, pair in ends.items() if {*pair} <= {*names}}


def decimal_places(half: float) -> int | None:
    """Return the decimal places to which half an interval has two significant digits.

    A negative number rounds to tens, hundreds and so on. None if there is no interval.
    """
    if not (math.isfinite(half) and half > 0):
        return None
    exponent = int(f"{half:.{SIGNIFICANT - 1}e}".partition("e")[2])
    return SIGNIFICANT - 1 - exponent


def rounded(value: float, places: int) -> str:
    """Round a value to decimal places."""
    number = round(value, places) + 0.0  # not -0.0
    comma = "," if abs(number) >= UNGROUPED else ""
    return f"{number:{comma}.{max(places, 0)}f}"


def as_precise(value: float, half: float) -> str:
    """Format a value to the second significant digit of half of its interval."""
    places = decimal_places(half)
    return readable(value) if places is None else minus(rounded(value, places))


def readable(value: Any) -> str:
    """Format any value in a sentence or a list of settings."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return minus(f"{value:,}")
    if isinstance(value, float):
        return minus(_number(value))
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def join_intervals(rows: Rows) -> Rows:
    """Let a value and its interval share a column: x with x_low and x_high."""
    index = {name: number for number, name in enumerate(rows.names)}
    bounds = interval_ends(rows.names)
    inner = {bound for pair in bounds.values() for bound in pair}
    names = [name for name in rows.names if name not in inner]

    def joined(row: tuple[Any, ...], name: str) -> Any:
        value = row[index[name]]
        low, high = (row[index[bound]] for bound in bounds.get(name, (name, name)))
        if name not in bounds or None in (value, low, high):
            return value
        return Interval(value, low, high)

    return Rows(
        names, [tuple(joined(row, name) for name in names) for row in rows.values]
    )


def select_columns(rows: Rows, names: list[str]) -> Rows:
    """Return the columns of these names that the rows have."""
    index = [rows.names.index(name) for name in names if name in rows.names]
    columns = [rows.names[number] for number in index]
    return Rows(columns, [tuple(row[i] for i in index) for row in rows.values])


def minus(text: str) -> str:
    """Write a true minus sign, also that of an exponent."""
    return text.replace("-", "\N{MINUS SIGN}")


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2g}"
