"""A user's questions: the statements of a text, and their parameters."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import duckdb

from bisae.errors import SqlError
from bisae.query.failure import explain_errors

Parameters = Mapping[str, int | float | str]


class Question(NamedTuple):
    """One statement."""

    statement: "str | duckdb.Statement"
    """Its text, or the statement if DuckDB 1 has no text, as for a PIVOT."""
    text: str
    """The whole text that it is a statement of."""
    number: int
    """Its index in the text, from 0."""
    lines: int
    """The number of lines above it in the text."""
    parameters: frozenset[str]
    has_rows: bool
    is_plan: bool


def questions(text: str) -> list[Question]:
    """Split a text into statements. Raises SqlError."""
    with explain_errors():
        statements = duckdb.cursor().extract_statements(text)  # of this thread alone
        if not statements:
            msg = "there is no query in it"
            raise SqlError(msg)
        result, start = [], 0
        for number, statement in enumerate(statements):
            start = max(text.find(statement.query, start), start)
            result.append(
                _question(statement, text, number, text.count("\n", 0, start))
            )
        return result


def _question(
    statement: duckdb.Statement, text: str, number: int, lines: int
) -> Question:
    only_rows = statement.expected_result_type == [
        duckdb.ExpectedResultType.QUERY_RESULT
    ]
    return Question(
        statement.query or statement,
        text,
        number,
        lines,
        frozenset(statement.named_parameters),
        only_rows or statement.type.name == "MULTI",  # a PIVOT in DuckDB 2
        statement.type == duckdb.StatementType.EXPLAIN,
    )


def check_parameters(statements: Sequence[Question], values: Parameters) -> None:
    """Raise SqlError unless every parameter has a value and every value a parameter."""
    needed = frozenset[str]().union(*(question.parameters for question in statements))
    if unused := sorted(values.keys() - needed):
        near = get_close_matches(unused[0], sorted(needed), 1)
        hint = f"; nearest: ${near[0]}" if near else ""
        msg = f"--param {unused[0]}: the query has no ${unused[0]}{hint}"
        raise SqlError(msg)
    if missing := sorted(needed - values.keys()):
        msg = f"the query's ${missing[0]} has no value: give --param {missing[0]}=VALUE"
        raise SqlError(msg)


def arguments(question: Question, values: Parameters) -> dict[str, Any] | None:
    """Return the values of a statement's parameters, for DuckDB."""
    return {
        name: values[name] for name in question.parameters if name in values
    } or None
