"""Choose the best values of a table, by the field `Best` of its view's header.

`lowest of mse by size` compares the rows of each size; without `by`, all rows.
`lowest of perplexity*, highest of bleu*, chrf*` has patterns of columns' names.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from bisae.errors import SqlError
from bisae.formats import Rows

PART = re.compile(r"(?:(lowest|highest) of )?(\S+)")


class BestRule(NamedTuple):
    """Columns by a pattern of their names, and whether their lowest value is best."""

    pattern: str
    is_lowest: bool


def best_cells(rows: Rows, field: str) -> set[tuple[int, str]]:
    """Return the row numbers and columns of best values. Raises SqlError.

    Only a row that is compared with another is best; equal values are best together.
    """
    if not field:
        return set()
    rules, keys = _parse(field)
    if missing := [key for key in keys if key not in rows.names]:
        msg = f"Best: {field}: there is no column {missing[0]}"
        raise SqlError(msg)
    groups = _groups(rows, keys)
    return {
        (number, name)
        for rule in rules
        for name in rows.names
        if fnmatchcase(name, rule.pattern)
        for group in groups
        for number in _best_rows(rows, group, name, is_lowest=rule.is_lowest)
    }


def _parse(field: str) -> tuple[list[BestRule], list[str]]:
    text, _, keys = field.partition(" by ")
    rules: list[BestRule] = []
    direction = ""
    for part in text.split(", "):
        match = PART.fullmatch(part)
        direction = (match and match[1]) or direction
        if not match or not direction:
            msg = f"Best: {field}: write `lowest of COLUMN, ... by COLUMN, ...`"
            raise SqlError(msg)
        rules.append(BestRule(match[2], direction == "lowest"))
    return rules, keys.split(", ") if keys else []


def _groups(rows: Rows, keys: Sequence[str]) -> list[list[int]]:
    """Return the numbers of the rows that are compared with each other."""
    places = [rows.names.index(key) for key in keys]
    groups = defaultdict(list)
    for number, row in enumerate(rows.values):
        groups[tuple(row[place] for place in places)].append(number)
    return list(groups.values())


def _best_rows(
    rows: Rows, group: Sequence[int], name: str, *, is_lowest: bool
) -> Iterator[int]:
    column = rows.names.index(name)
    values = {number: rows.values[number][column] for number in group}
    values = {number: value for number, value in values.items() if value is not None}
    if len(values) > 1:
        best = (min if is_lowest else max)(values.values())
        yield from (number for number, value in values.items() if value == best)
