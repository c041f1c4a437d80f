"""Format rows as a terminal table, CSV, JSON, Markdown or LaTeX."""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from itertools import chain
from typing import Any, NamedTuple

from bisae.formats.markup import MarkupCell, markdown
from bisae.formats.table import NUMBER, has_numbers, readable, table

PLAIN = re.compile(r"\w([\w .:/-]*\w)?")
"""Text that CSV needs not quote; other characters may be special to some readers."""

Values = Iterable[tuple[Any, ...]]


class Rows(NamedTuple):
    """The result of a query."""

    names: list[str]
    values: list[tuple[Any, ...]]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows by column."""
        return [dict(zip(self.names, row, strict=True)) for row in self.values]


def render(rows: Rows, style: str) -> str:
    """Format rows in one of `STYLES`, ending in a line break."""
    return "".join(pieces(rows.names, rows.values, style))


def pieces(names: list[str], values: Values, style: str) -> Iterator[str]:
    """Format rows piece by piece; only CSV and JSON do so without holding all rows."""
    return STYLES[style](names, values)


def _table(names: list[str], values: Values) -> Iterator[str]:
    yield table(names, list(values))[0]


def _markdown(names: list[str], values: Values) -> Iterator[str]:
    rows = list(values)
    is_number = [has_numbers([row[i] for row in rows]) for i in range(len(names))]
    lines = [[MarkupCell(readable(value)) for value in row] for row in rows]
    yield markdown(names, lines, is_number)


def _csv(names: list[str], values: Values) -> Iterator[str]:
    """Write CSV that every reader reads back equal: text that is not plain is quoted.

    Python's own writer leaves carriage returns bare, and empty text like a null.
    """
    for row in chain([names], values):
        fields = [_field(value) for value in row]
        yield ('""' if fields == [""] else ",".join(fields)) + "\n"


def _field(value: Any) -> str:
    text = "" if value is None else str(value)
    is_plain = value is None or PLAIN.fullmatch(text) or isinstance(value, NUMBER)
    return text if is_plain else '"' + text.replace('"', '""') + '"'


def _json(names: list[str], values: Values) -> Iterator[str]:
    yield "["
    between = "\n"
    for row in values:
        record = json_safe(dict(zip(names, row, strict=True)))
        text = json.dumps(record, ensure_ascii=False, indent=1)
        yield between + " " + text.replace("\n", "\n ")
        between = ",\n"
    yield "\n]\n" if between != "\n" else "]\n"


def json_safe(value: Any) -> Any:
    """Return a value as JSON can express it, also within lists and structs.

    NaN and infinity become null, as in JavaScript; dates and other types become text.
    """
    if isinstance(value, dict):
        return {str(name): json_safe(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_safe(inner) for inner in value]
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


STYLES: dict[str, Callable[[list[str], Values], Iterator[str]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
    "markdown": _markdown,
}
