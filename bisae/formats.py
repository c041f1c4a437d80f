"""Rows as text: a table for the terminal, CSV, JSON, Markdown or LaTeX."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple


class Rows(NamedTuple):
    """The result of a query."""

    names: list[str]
    values: list[tuple[Any, ...]]


def render(rows: Rows, style: str) -> str:
    """Format rows in one of `STYLES`, ending in a line break."""
    return STYLES[style](rows)


def _tabulated(style: str) -> Callable[[Rows], str]:
    def write(rows: Rows) -> str:
        from tabulate import tabulate

        values = [[_short(value) for value in row] for row in rows.values]
        names = [
            name.replace("_", " ") if "latex" in style else name for name in rows.names
        ]
        return tabulate(values, names, style, missingval="") + "\n"

    return write


def _short(value: Any) -> Any:
    """Four significant digits are enough to read; CSV and JSON keep all."""
    return float(f"{value:.4g}") if isinstance(value, float | Decimal) else value


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else str(value)


def _csv(rows: Rows) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(rows.names)
    writer.writerows(rows.values)
    return file.getvalue()


def _json(rows: Rows) -> str:
    records: Sequence[Any] = [
        dict(zip(rows.names, row, strict=True)) for row in rows.values
    ]
    return json.dumps(records, ensure_ascii=False, default=_plain, indent=1) + "\n"


STYLES: dict[str, Callable[[Rows], str]] = {
    "table": _tabulated("simple"),
    "csv": _csv,
    "json": _json,
    "markdown": _tabulated("github"),
    "latex": _tabulated("latex_booktabs"),
}
