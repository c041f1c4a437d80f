"""Rows as text: a table for the terminal, CSV, JSON, Markdown or LaTeX."""

import csv
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

from bisae.formats.table import table

Values = Iterable[tuple[Any, ...]]


class Rows(NamedTuple):
    """The result of a query."""

    names: list[str]
    values: list[tuple[Any, ...]]


def render(rows: Rows, style: str) -> str:
    """Format rows in one of `STYLES`, ending in a line break."""
    return "".join(pieces(rows.names, rows.values, style))


def pieces(names: list[str], values: Values, style: str) -> Iterator[str]:
    """Format rows piece by piece; only CSV and JSON do not hold all rows for it."""
    return STYLES[style](names, values)


def _table(names: list[str], values: Values) -> Iterator[str]:
    yield table(names, list(values))[0]


def _tabulated(style: str) -> Callable[[list[str], Values], Iterator[str]]:
    def write(names: list[str], values: Values) -> Iterator[str]:
        from tabulate import tabulate

        short = [[_short(value) for value in row] for row in values]
        if "latex" in style:
            names = [name.replace("_", " ") for name in names]
        yield tabulate(short, names, style, missingval="") + "\n"

    return write


def _short(value: Any) -> Any:
    """Four significant digits are enough to read; CSV and JSON keep all."""
    return float(f"{value:.4g}") if isinstance(value, float | Decimal) else value


def _csv(names: list[str], values: Values) -> Iterator[str]:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in chain([names], values):
        writer.writerow(row)
        yield file.getvalue()
        file.seek(file.truncate(0))


def _json(names: list[str], values: Values) -> Iterator[str]:
    yield "["
    between = "\n"
    for row in values:
        record = {n: _finite(value) for n, value in zip(names, row, strict=True)}
        text = json.dumps(record, ensure_ascii=False, default=_plain, indent=1)
        yield between + " " + text.replace("\n", "\n ")
        between = ",\n"
    yield "\n]\n" if between != "\n" else "]\n"


def _finite(value: Any) -> Any:
    """JSON has no name for what is no finite number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


STYLES: dict[str, Callable[[list[str], Values], Iterator[str]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "markdown": _tabulated("github"),
    "latex": _tabulated("latex_booktabs"),
}
