"""What a user asks: one statement after another, with parameters."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import duckdb

from bisae.errors import SqlError
from bisae.query.failure import named

Parameters = Mapping[str, int | float | str]


class Question(NamedTuple):
    """One statement."""

    statement: "str | duckdb.Statement"
    """Its text; DuckDB 1 has none for a PIVOT."""
    text: str
    """All that was asked, of which it is one statement."""
    number: int
    """Which one, counted from 0."""
    lines: int
    """How many lines of what was asked are above it."""
    parameters: frozenset[str]
    has_rows: bool
    is_plan: bool


def questions(text: str) -> list[Question]:
    """The statements of a text. Raises SqlError."""
    with named():
        found = duckdb.extract_statements(text)
        if not found:
            msg = "there is no query in it"
            raise SqlError(msg)
        asked, start = [], 0
        for number, one in enumerate(found):
            start = max(text.find(one.query, start), start)
            asked.append(_question(one, text, number, text.count("\n", 0, start)))
        return asked


def _question(one: duckdb.Statement, text: str, number: int, lines: int) -> Question:
    only_rows = one.expected_result_type == [duckdb.ExpectedResultType.QUERY_RESULT]
    return Question(
        one.query or one,
        text,
        number,
        lines,
        frozenset(one.named_parameters),
        only_rows or one.type.name == "MULTI",  # a PIVOT in DuckDB 2
        one.type == duckdb.StatementType.EXPLAIN,
    )


def check_parameters(asked: Sequence[Question], given: Parameters) -> None:
    """Every parameter has a value, every value a parameter. Raises SqlError."""
    needed = frozenset[str]().union(*(one.parameters for one in asked))
    if unused := sorted(given.keys() - needed):
        near = get_close_matches(unused[0], sorted(needed), 1)
        hint = f"; nearest: ${near[0]}" if near else ""
        msg = f"--param {unused[0]}: the query has no ${unused[0]}{hint}"
        raise SqlError(msg)
    if missing := sorted(needed - given.keys()):
        msg = f"the query's ${missing[0]} has no value: give --param {missing[0]}=VALUE"
        raise SqlError(msg)


def arguments(asked: Question, given: Parameters) -> dict[str, Any] | None:
    """Return the values of a statement's own parameters, for DuckDB."""
    return {name: given[name] for name in asked.parameters if name in given} or None
