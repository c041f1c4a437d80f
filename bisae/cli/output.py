"""The output of `bisae sql`: run statements, and print or write their answers."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import click

from bisae.cli.options import is_seen, say, show_fitting
from bisae.disk import atomic_write
from bisae.disk_errors import disk_trouble
from bisae.errors import BisaeError, SqlError, StoreError
from bisae.formats import pieces
from bisae.query import (
    Answer,
    Parameters,
    Question,
    Runner,
    check_parameters,
    questions,
    write_parquet,
)

MOST_ROWS = 40
"""The most rows of a table that are printed to a terminal."""
LONG = 2.0
"""Seconds after which the time of a query outside the shell is printed."""


class QueryPrinter(NamedTuple):
    """Runs queries, and prints or writes their answers in a style."""

    runner: Runner
    parameters: Parameters
    style: str
    output: Path | None

    def print_answers(self, text: str) -> None:
        """Run each statement of a text. Raises as `print_answer`, and SqlError."""
        statements = questions(text)
        check_parameters(statements, self.parameters)
        n = sum(statement.has_rows for statement in statements)
        if n > 1 and (self.output or self.style not in ("table", "markdown")):
            msg = f"{n} queries have {n} answers: run one at a time, or print tables"
            raise SqlError(msg)
        for statement in statements:
            self.print_answer(statement, LONG)

    def print_answer(self, question: Question, long: float = 0) -> None:
        """Run one statement; print its time too, if that was at least `long` seconds.

        Raises SqlError, Stopped, TimedOut.
        """
        start = monotonic()
        if self.style == "parquet" and question.has_rows:
            with self._output_file() as file:
                batches = self.runner.batches(question, self.parameters)
                empty = not write_parquet(batches, file)
        else:
            names, values = self.runner.answer(question, self.parameters)
            first = list(islice(values, 1))
            empty = question.has_rows and not first
            self._print(question, Answer(names, chain(first, values)))
        if empty:
            say("no rows")
        if (seconds := monotonic() - start) >= long:
            say(f"{seconds:.3g} s")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of one of bisae's own queries."""
        return list(self.runner.answer(questions(query)[0], {}).values)

    def _print(self, question: Question, answer: Answer) -> None:
        """Print an answer, or write it to the output file."""
        if not question.has_rows:
            return
        if self.output:
            with self._output_file() as file, file.open("w", encoding="utf-8") as out:
                out.writelines(pieces(*answer, self.style))
        elif question.is_plan and self.style == "table":
            for _, plan in answer.values:
                click.echo(plan, nl=False)
        elif self.style == "table" and is_seen():
            rows = list(islice(answer.values, MOST_ROWS + 1))
            shown = f"the first {MOST_ROWS} rows" if len(rows) > MOST_ROWS else ""
            remedy = "pipe the answer or give --output"
            show_fitting(answer.names, rows[:MOST_ROWS], shown, remedy=remedy)
        else:
            for piece in pieces(*answer, self.style):
                click.echo(piece, nl=False)

    @contextmanager
    def _output_file(self) -> Iterator[Path]:
        """Yield a file that becomes the output once it is complete."""
        assert self.output
        try:
            with atomic_write(self.output) as file:
                yield file
        except BisaeError:
            raise  # some are an OSError as well
        except OSError as error:
            if trouble := disk_trouble(error, self.output):
                raise StoreError(trouble) from error
            msg = f"cannot write {self.output}: {error.strerror or error}"
            raise SqlError(msg) from error
