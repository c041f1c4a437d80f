"""Answers on their way from whatever runs a query: as rows or as Arrow batches."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from bisae.query.question import Parameters, Question

AT_ONCE = 10_000
"""Rows that are fetched at once: an answer of any length passes through."""


class Answer(NamedTuple):
    """Rows on their way."""

    names: list[str]
    values: Iterator[tuple[Any, ...]]


class Batches(NamedTuple):
    """Arrow batches on their way."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]


class Runner(Protocol):
    """Runs one statement at a time, in this process or in another."""

    def answer(self, question: Question, parameters: Parameters) -> Answer:
        """Run a statement; its rows as Python has them.

        Raises SqlError, OutOfMemory, Stopped, TimedOut, also as rows are read.
        """

    def batches(self, question: Question, parameters: Parameters) -> Batches:
        """Run a statement; its rows as Arrow has them. Raises as `answer`."""

    def close(self) -> None:
        """End it."""


def write_parquet(answer: Batches, file: Path) -> int:
    """Write an answer through Arrow, since a fence lets DuckDB write nothing.

    Returns the number of rows. Raises as `Runner.answer`.
    """
    n_rows = 0
    with pq.ParquetWriter(file, answer.schema) as writer:
        for batch in answer.batches:
            writer.write_batch(batch)
            n_rows += batch.num_rows
    return n_rows
