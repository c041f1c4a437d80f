"""Queries that run in this process: quick to start, but not always possible to stop.

For users at a terminal. Some functions of DuckDB neither stop when interrupted nor
count what they allocate; a query with limits runs in a `QueryProcess`.
"""

from collections.abc import Iterator
from typing import Any

import duckdb
import pyarrow as pa

from bisae.query.answer import ROWS_AT_ONCE, Answer, Batches
from bisae.query.create import Connection
from bisae.query.failure import explain_errors
from bisae.query.once import compute_once
from bisae.query.question import Parameters, Question, arguments
from bisae.query.views import read_often
from bisae.query.watch import Watch

OF_ARROW = {
    "INTERRUPT": duckdb.InterruptException,
    "Out of Memory": duckdb.OutOfMemoryException,
}
"""The beginning of an error's text, and its class."""


class InProcess:
    """Runs statements on a connection, under watch. See `Runner`."""

    def __init__(self, con: Connection) -> None:
        self._con = con

    def answer(self, question: Question, parameters: Parameters) -> Answer:
        """Run a statement and return Python values. Raises SqlError, Stopped."""
        con, watch = self._con, Watch(self._con)
        values = arguments(question, parameters)
        watch.run(lambda: compute_once(con, read_often(question.text)))
        with explain_errors(lines=question.lines):
            watch.run(lambda: con.execute(question.statement, values))
        names = [column[0] for column in con.description or () if question.has_rows]
        rows = self._rows(question.lines, watch) if names else iter(())
        return Answer(names, rows)

    def batches(self, question: Question, parameters: Parameters) -> Batches:
        """Run a statement and return Arrow batches. Raises SqlError, Stopped."""
        con, watch = self._con, Watch(self._con)
        values = arguments(question, parameters)
        watch.run(lambda: compute_once(con, read_often(question.text)))
        with explain_errors(lines=question.lines):
            query = watch.run(lambda: relation_of(con, question, values))
            reader = watch.run(query.to_arrow_reader)
        return Batches(reader.schema, self._batches(reader, question.lines, watch))

    def close(self) -> None:
        """Close the connection."""
        self._con.close()

    def _rows(self, lines: int, watch: Watch) -> Iterator[tuple[Any, ...]]:
        while True:
            with explain_errors(lines=lines):
                rows = watch.run(lambda: self._con.fetchmany(ROWS_AT_ONCE))
            if not rows:
                return
            yield from rows

    def _batches(
        self, reader: pa.RecordBatchReader, lines: int, watch: Watch
    ) -> Iterator[pa.RecordBatch]:
        while True:
            with explain_errors(lines=lines):
                batch = watch.run(lambda: next_batch(reader))
            if batch is None:
                return
            yield batch


def relation_of(
    con: Connection, question: Question, parameters: dict[str, Any] | None
) -> duckdb.DuckDBPyRelation:
    """Return the relation of a statement with rows. Raises duckdb.Error."""
    try:
        return con.sql(question.statement, params=parameters)
    except (
        duckdb.BinderException,
        duckdb.CatalogException,
        duckdb.PermissionException,
    ):
        con.execute(question.statement, parameters)  # its error names the line
        raise


def next_batch(reader: pa.RecordBatchReader) -> pa.RecordBatch | None:
    """Return the next rows. Raises DuckDB's errors, which Arrow wraps in its own."""
    try:
        return next(reader, None)
    except (OSError, pa.ArrowException) as error:
        kinds = (
            kind for start, kind in OF_ARROW.items() if str(error).startswith(start)
        )
        raise next(kinds, duckdb.Error)(str(error)) from error
