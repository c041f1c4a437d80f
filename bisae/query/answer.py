"""A query's answer as a stream of rows or of Arrow batches, from any process."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from bisae.query.question import Parameters, Question

ROWS_AT_ONCE = 10_000
"""Number of rows fetched at a time, so that an answer of any length fits in memory."""


class Answer(NamedTuple):
    """An answer as a stream of rows."""

    names: list[str]
    values: Iterator[tuple[Any, ...]]


class Batches(NamedTuple):
    """An answer as a stream of Arrow batches."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


class Runner(Protocol):
    """Runs one statement at a time, in this process or in another."""

    def answer(self, question: Question, parameters: Parameters) -> Answer:
        """Run a statement and return its rows as Python values.

        Raises SqlError, OutOfMemory, Stopped, TimedOut, also while rows are read.
        """

    def batches(self, question: Question, parameters: Parameters) -> Batches:
        """Run a statement and return its rows as Arrow. Raises as `answer`."""

    def close(self) -> None:
        """Close the connection or the process."""


def write_parquet(answer: Batches, file: Path) -> int:
    """Write an answer through Arrow, since a fenced DuckDB may not write.

    Returns the number of rows. Raises as `Runner.answer`.
    """
    n_rows = 0
    with pq.ParquetWriter(file, answer.schema) as writer:
        for batch in answer.batches:
            writer.write_batch(batch)
            n_rows += batch.num_rows
    return n_rows
