"""Queries in a separate process, which can be ended whatever DuckDB is doing.

For queries with limits and for untrusted queries: `bisae sql` with a limit, the Python
API, a server. Some functions of DuckDB neither stop when interrupted nor count what
they allocate, so the process has a limit on its memory and is killed at the time limit.
The SQL in `sql/` and `validations/` is bisae's own and needs no such limits.
"""

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any, Self

import duckdb
import pyarrow as pa

from bisae.errors import BisaeError, OutOfMemory, SqlError, Stopped, TimedOut
from bisae.grid import Cell
from bisae.progress import bar
from bisae.query.answer import Answer, Batches
from bisae.query.database import MEMORY
from bisae.query.failure import explain_errors
from bisae.query.frames import NO_ROWS, Frame, Kind, Piece, restore_error
from bisae.query.limits import parse_bytes
from bisae.query.question import Parameters, Question, arguments
from bisae.query.worker_process import WorkerProcess

if TYPE_CHECKING:
    import pandas as pd

LESS = "read fewer rows or columns, aggregate in steps, or join smaller tables"


class QueryProcess:
    """Runs statements over one store, one at a time. See `Runner`.

    The process starts with the first statement. If a statement is ended, the next one
    starts a new process, without the tables and views that were created before.
    """

    def __init__(
        self,
        store: str,
        codes: Cell | None = None,
        *,
        fenced: bool = True,
        query: str | None = None,
        timeout: float | None = None,
        memory: str | None = None,
        shows_progress: bool = False,
    ) -> None:
        """Limit a statement to `timeout` seconds, the process to `memory`, e.g. "2GiB".

        `codes`, `fenced` and `query` are as for `connect`. Raises SqlError.
        """
        if timeout is not None and not timeout > 0:
            msg = f"a time limit of {timeout:g} s: give one above 0"
            raise SqlError(msg)
        self._memory = MEMORY if memory is None else memory
        self._n_bytes = parse_bytes(self._memory)
        self._timeout = timeout
        self._opening = {
            "store": store,
            "codes": codes,
            "fenced": fenced,
            "query": query,
            "memory": self._n_bytes,
        }
        self._shows_progress = shows_progress
        self._worker: WorkerProcess | None = None
        self._is_stopped = False
        # Converts Arrow to the values that DuckDB would have returned in this process.
        self._converter = duckdb.connect(config={"threads": 1})
        self._converter.execute("set enable_external_access = false")

    def __enter__(self) -> Self:
        """Return itself; it is closed at the end of the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def pid(self) -> int | None:
        """The id of the running process, if any."""
        return self._worker.pid if self._worker else None

    def answer(self, question: Question, parameters: Parameters) -> Answer:
        """Run a statement and return its rows as Python values.

        Raises SqlError, OutOfMemory, Stopped, TimedOut and Crashed, also while rows are
        read.
        """
        pieces = self._pieces(question, parameters)
        first = next(pieces, None)
        if first is None:
            return Answer([], iter(()))
        rows = (row for piece in chain([first], pieces) for row in self._rows(piece))
        return Answer(first.names, rows)

    def batches(self, question: Question, parameters: Parameters) -> Batches:
        """Run a statement and return its rows as Arrow. Raises as `answer`."""
        pieces = self._pieces(question, parameters)
        tables = (piece.relation(self._converter).to_arrow_table() for piece in pieces)
        first = next(tables)
        batches = (b for table in chain([first], tables) for b in table.to_batches())
        return Batches(first.schema, batches)

    def frame(self, question: Question, parameters: Parameters) -> "pd.DataFrame":
        """Run a statement and return a pandas frame. Raises as `answer`.

        The answer may be as large as the query's memory limit.
        """
        pieces, n_bytes = [], 0
        for piece in self._pieces(question, parameters):
            pieces.append(piece)
            n_bytes += piece.table.nbytes
            if n_bytes > self._n_bytes:
                raise self._out_of_memory()
        if not pieces:
            pieces = [NO_ROWS]
        table = pa.concat_tables([piece.table for piece in pieces])
        with explain_errors():
            frame: pd.DataFrame = (
                pieces[0]._replace(table=table).relation(self._converter).df()
            )
        return frame

    def stop(self) -> None:
        """End the running statement, from any thread: its reader gets Stopped.

        If none is running, the next one is ended as it starts.
        """
        self._is_stopped = True
        if worker := self._worker:
            worker.end(Stopped("the query was stopped"))

    def close(self) -> None:
        """End the process."""
        if self._worker:
            self._worker.close()
            self._worker = None
        self._converter.close()

    def _rows(self, piece: Piece) -> list[tuple[Any, ...]]:
        with explain_errors():
            return piece.relation(self._converter).fetchall()

    def _pieces(self, question: Question, parameters: Parameters) -> Iterator[Piece]:
        """Run a statement; yield its rows in pieces, at least one if it has rows."""
        worker = self._idle_worker()
        try:
            worker.open(self._opening)
            if self._is_stopped:
                self.stop()
            with worker.within(self._timeout, self._timed_out()):
                values = arguments(question, parameters)
                request = {"text": question.text, "number": question.number}
                worker.send(request | {"parameters": values})
                columns: dict[str, list[str]] = {}
                while (frame := self._receive(worker)).kind != Kind.DONE:
                    if frame.kind == Kind.ERROR:
                        raise restore_error(frame.content)
                    if frame.kind == Kind.COLUMNS:
                        columns = frame.content
                    else:
                        yield Piece(**columns, table=frame.rows)
        except OutOfMemory as error:
            raise self._out_of_memory() from error
        except KeyboardInterrupt as error:
            msg = "the query was stopped"
            raise Stopped(msg) from error
        finally:
            self._is_stopped = False
            if not worker.is_idle:
                worker.kill()

    def _idle_worker(self) -> WorkerProcess:
        """Return the worker, or a new one if it ended or its answer was not read."""
        if self._worker and not self._worker.is_idle:
            self._worker.end(Stopped("another query began before all rows were read"))
            self._worker.kill()
            self._worker = None
        self._worker = self._worker or WorkerProcess()
        return self._worker

    def _receive(self, worker: WorkerProcess) -> Frame:
        """Wait for the next frame; show the query's progress meanwhile."""
        with bar(100, "query", "%") if self._shows_progress else nullcontext() as shown:
            while (frame := worker.receive()).kind == Kind.PROGRESS:
                if shown:
                    shown.update(max(frame.content - shown.n, 0))
        return frame

    def _timed_out(self) -> BisaeError:
        limit = f"the query was ended after {self._timeout or 0:g} s"
        return TimedOut(f"{limit}: raise the time limit (--timeout), or {LESS}")

    def _out_of_memory(self) -> BisaeError:
        limit = f"the query needed more than {self._memory}"
        return OutOfMemory(f"{limit}: raise the memory limit (--memory), or {LESS}")
