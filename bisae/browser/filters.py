"""The filters, order and pages of a list of features: from an address to SQL.

Values become literals of the SQL that the page shows, so each is checked or quoted.
"""

import math
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bisae.browser.library import number
from bisae.errors import AddressError
from bisae.query import quoted

OPERATORS = {"eq": "=", "ne": "<>", "ge": ">=", "le": "<="}
PAGE_ROWS = 50
MOST_FILTERS = 20


class Filter(NamedTuple):
    """One condition on a column of `features`."""

    column: str
    operator: str
    value: str


class Selection(NamedTuple):
    """The features that a list shows, their order, and its first row."""

    filters: list[Filter]
    token: str
    """Text that one of the feature's tokens contains; "" for any."""
    sort: str
    descending: bool
    first: int
    histogram: str

    def where(self, address: str, types: Mapping[str, str]) -> str:
        """Return the condition in SQL."""
        terms = [address, *(_condition(item, types) for item in self.filters)]
        if self.token:
            text = quoted(self.token.lower())
            terms.append(
                f"feature in (select feature from feature_vocabulary where {address} "
                f"and contains(lower(token), {text}))"
            )
        return " and ".join(terms)

    @property
    def order(self) -> str:
        """Return the order in SQL: nulls last, equal ones by number."""
        direction = "desc" if self.descending else "asc"
        rest = "" if self.sort == "feature" else ", feature"
        return f"order by {self.sort} {direction} nulls last{rest}"

    def address(self, **changes: Any) -> str:
        """Return the query string of this selection with some parts changed."""
        changed = self._replace(**changes)
        pairs = [
            (name, value)
            for item in changed.filters
            for name, value in zip(("column", "is", "value"), item, strict=True)
        ]
        parts = {
            "token": changed.token,
            "sort": changed.sort,
            "order": "desc" if changed.descending else "asc",
            "first": changed.first or "",
            "histogram": changed.histogram,
        }
        return urlencode([*pairs, *((k, v) for k, v in parts.items() if v)])


def read_selection(query: Any, types: Mapping[str, str]) -> Selection:
    """Read the parts of an address. Raises AddressError for an unknown column."""
    parts = [query.getlist(name) for name in ("column", "is", "value")]
    filters = [
        Filter(_column(column, types), _operator(operator), value)
        for column, operator, value in list(zip(*parts, strict=False))[:MOST_FILTERS]
        if column and value
    ]
    for item in filters:
        _condition(item, types)
    return Selection(
        filters,
        query.get("token", ""),
        _column(query.get("sort", "n_firings"), types),
        query.get("order", "desc") == "desc",
        number("first", query.get("first", "0") or "0"),
        _column(query.get("histogram", "monosemanticity"), types),
    )


def _column(name: str, types: Mapping[str, str]) -> str:
    if name not in types:
        near = get_close_matches(name, types, 1)
        hint = f"; the nearest is {near[0]}" if near else ""
        msg = f"features have no column {name[:40]!r}{hint}"
        raise AddressError(msg)
    return name


def _operator(name: str) -> str:
    if name not in OPERATORS:
        msg = f"no comparison {name[:40]!r}: there are {', '.join(OPERATORS)}"
        raise AddressError(msg)
    return name


def _condition(item: Filter, types: Mapping[str, str]) -> str:
    return f"{item.column} {OPERATORS[item.operator]} {_literal(item, types)}"


def _literal(item: Filter, types: Mapping[str, str]) -> str:
    """Return a value as the column's type has it. Raises AddressError."""
    kind, text = types[item.column], item.value.strip()
    if kind == "VARCHAR":
        return quoted(text)
    if kind == "BOOLEAN":
        if text.lower() in ("true", "false", "yes", "no"):
            return str(text.lower() in ("true", "yes")).lower()
        msg = f"{item.column} is true or false, not {text[:40]!r}"
        raise AddressError(msg)
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        msg = f"{item.column} is a number, and {text[:40]!r} is none"
        raise AddressError(msg)
    return repr(value)
