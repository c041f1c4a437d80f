"""What a user asks: one statement after another, with parameters, under watch."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from bisae.errors import SqlError
from bisae.query.database import Connection
from bisae.query.failure import named
from bisae.query.watch import Watch

Parameters = Mapping[str, int | float | str]
AT_ONCE = 10_000
"""Rows that are fetched at once: an answer of any length passes through."""


OF_ARROW = {
    "INTERRUPT": duckdb.InterruptException,
    "Out of Memory": duckdb.OutOfMemoryException,
}
"""How the text of an error begins, and its class."""


class Question(NamedTuple):
    """One statement."""

    statement: "str | duckdb.Statement"
    """Its text; DuckDB 1 has none for a PIVOT."""
    lines: int
    """How many lines of what was asked are above it."""
    parameters: frozenset[str]
    has_rows: bool
    is_plan: bool


class Answer(NamedTuple):
    """Rows on their way."""

    names: list[str]
    values: Iterator[tuple[Any, ...]]


def questions(text: str) -> list[Question]:
    """The statements of a text. Raises SqlError."""
    with named():
        found = duckdb.extract_statements(text)
        if not found:
            msg = "there is no query in it"
            raise SqlError(msg)
        asked, start = [], 0
        for one in found:
            start = max(text.find(one.query, start), start)
            asked.append(_question(one, text.count("\n", 0, start)))
        return asked


def _question(one: duckdb.Statement, lines: int) -> Question:
    only_rows = one.expected_result_type == [duckdb.ExpectedResultType.QUERY_RESULT]
    return Question(
        one.query or one,
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


def answer(con: Connection, asked: Question, given: Parameters, watch: Watch) -> Answer:
    """Run a statement. Raises SqlError, Stopped and TimedOut, also as rows are read."""
    used = _used(asked, given)
    with named(lines=asked.lines):
        watch.run(lambda: con.execute(asked.statement, used))
    names = [column[0] for column in con.description or () if asked.has_rows]
    return Answer(names, _rows(con, asked.lines, watch) if names else iter(()))


def _rows(con: Connection, lines: int, watch: Watch) -> Iterator[tuple[Any, ...]]:
    while True:
        with named(lines=lines):
            rows = watch.run(lambda: con.fetchmany(AT_ONCE))
        if not rows:
            return
        yield from rows


def write_parquet(
    con: Connection, asked: Question, given: Parameters, file: Path, watch: Watch
) -> int:
    """Write an answer through Arrow, since a fence lets DuckDB write nothing.

    Gives the number of rows. Raises as `answer`.
    """
    used, rows = _used(asked, given), 0
    with named(lines=asked.lines):
        query = watch.run(lambda: con.sql(asked.statement, params=used))
        reader = watch.run(query.to_arrow_reader)
        with pq.ParquetWriter(file, reader.schema) as writer:
            while (batch := watch.run(lambda: _next(reader))) is not None:
                writer.write_batch(batch)
                rows += batch.num_rows
        return rows


def _next(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    """The next rows. Arrow passes DuckDB's errors on as its own; here they are back."""
    try:
        return next(reader, None)
    except (OSError, pa.ArrowException) as error:
        kinds = (
            kind for start, kind in OF_ARROW.items() if str(error).startswith(start)
        )
        raise next(kinds, duckdb.Error)(str(error)) from error


def _used(asked: Question, given: Parameters) -> dict[str, Any] | None:
    return {name: given[name] for name in asked.parameters if name in given} or None
