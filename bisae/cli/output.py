"""How `bisae sql` answers: in which form, where to, and what is said beside it."""

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
"""Rows of a table that a terminal is shown."""
LONG = 2.0
"""Seconds after which a query outside the shell says how long it took."""


class Asker(NamedTuple):
    """What runs queries, and how its answers are wanted."""

    runner: Runner
    parameters: Parameters
    style: str
    output: Path | None

    def ask_once(self, text: str) -> None:
        """Answer all that is asked, each in turn. Raises as `answer`, and SqlError."""
        asked = questions(text)
        check_parameters(asked, self.parameters)
        n = sum(one.has_rows for one in asked)
        if n > 1 and (self.output or self.style not in ("table", "markdown")):
            msg = f"{n} queries have {n} answers: ask one at a time, or as tables"
            raise SqlError(msg)
        for one in asked:
            self.answer(one, LONG)

    def answer(self, asked: Question, long: float = 0) -> None:
        """Answer one statement; say how long it took, if that was `long`.

        Raises SqlError, Stopped, TimedOut.
        """
        start = monotonic()
        if self.style == "parquet" and asked.has_rows:
            with self._written() as file:
                batches = self.runner.batches(asked, self.parameters)
                empty = not write_parquet(batches, file)
        else:
            names, values = self.runner.answer(asked, self.parameters)
            first = list(islice(values, 1))
            empty = asked.has_rows and not first
            self._give(asked, Answer(names, chain(first, values)))
        if empty:
            say("no rows")
        if (seconds := monotonic() - start) >= long:
            say(f"{seconds:.3g} s")

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query of our own."""
        return list(self.runner.answer(questions(query)[0], {}).values)

    def _give(self, asked: Question, found: Answer) -> None:
        """Write an answer to where it is wanted."""
        if not asked.has_rows:
            return
        if self.output:
            with self._written() as file, file.open("w", encoding="utf-8") as out:
                out.writelines(pieces(*found, self.style))
        elif asked.is_plan and self.style == "table":
            for _, plan in found.values:
                click.echo(plan, nl=False)
        elif self.style == "table" and is_seen():
            rows = list(islice(found.values, MOST_ROWS + 1))
            more = f"the first {MOST_ROWS} rows" if len(rows) > MOST_ROWS else ""
            way = "pipe the answer or give --output"
            show_fitting(found.names, rows[:MOST_ROWS], more, way=way)
        else:
            for piece in pieces(*found, self.style):
                click.echo(piece, nl=False)

    @contextmanager
    def _written(self) -> Iterator[Path]:
        """Give a file that becomes the output once all is in it."""
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
