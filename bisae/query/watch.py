"""Watch a query: show its progress, and let Ctrl-C stop the query alone."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType
from typing import TypeVar

import duckdb

from bisae.errors import Stopped
from bisae.interrupts import handlers
from bisae.progress import Progress, bar
from bisae.query.create import Connection

T = TypeVar("T")
POLL_EVERY = 0.1
"""Seconds between two polls of a query."""


class Watch:
    """Watches the queries of one connection."""

    def __init__(self, con: Connection) -> None:
        self._con = con
        self._signal = 0
        """The signal that asked to stop the query, or 0."""

    def run(self, work: Callable[[], T]) -> T:
        """Do a piece of work. Raises Stopped after Ctrl-C.

        It is done in another thread, so that this one is free to receive the signal.
        After SIGTERM the process ends as it would without a query.
        """
        with (
            _on_signals(self._ask_to_stop),
            ThreadPoolExecutor(1) as pool,
            bar(100, "query", "%") as shown,
        ):
            task = pool.submit(work)
            while not task.done():
                self._look(task, shown)
        try:
            return task.result()
        except duckdb.InterruptException as error:
            if self._signal == signal.SIGTERM:
                signal.raise_signal(signal.SIGTERM)
            msg = "the query was stopped"
            raise Stopped(msg) from error

    def _ask_to_stop(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number

    def _look(self, task: "Future[T]", shown: Progress) -> None:
        """Wait a little; then stop the query, repeatedly, or show its progress."""
        wait([task], POLL_EVERY)
        if self._signal:
            self._con.interrupt()
        else:  # also if DuckDB does not know: the elapsed time advances
            shown.update(max(self._con.query_progress() - shown.n, 0))


@contextmanager
def _on_signals(handle: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle signals with a function instead of raising in this thread."""
    if current_thread() is not main_thread():  # which gets no signals
        yield
        return
    previous = handlers()
    for number in previous:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
