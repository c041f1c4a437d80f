"""A query under watch: how far it is, and Ctrl-C that stops it alone."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from threading import current_thread, main_thread
from typing import TypeVar

import duckdb

from bisae.errors import Stopped
from bisae.progress import Progress, bar
from bisae.query.database import Connection

T = TypeVar("T")
LOOK = 0.1
"""Seconds between two looks at a query."""


class Watch:
    """Watches what one connection does."""

    def __init__(self, con: Connection) -> None:
        self._con = con
        self._asked_to_stop = False

    def run(self, work: Callable[[], T]) -> T:
        """Do a piece of the work. Raises Stopped after Ctrl-C.

        It is done in another thread: this one, which gets the signal, stays free.
        """
        with (
            _on_ctrl_c(self._ask_to_stop),
            ThreadPoolExecutor(1) as pool,
            bar(100, "query", "%") as shown,
        ):
            task = pool.submit(work)
            while not task.done():
                self._look(task, shown)
        try:
            return task.result()
        except duckdb.InterruptException as error:
            msg = "the query was stopped"
            raise Stopped(msg) from error

    def _ask_to_stop(self) -> None:
        self._asked_to_stop = True

    def _look(self, task: "Future[T]", shown: Progress) -> None:
        """Wait a little; stop the query, again and again until it hears, or draw."""
        wait([task], LOOK)
        if self._asked_to_stop:
            self._con.interrupt()
        else:  # also where DuckDB cannot tell: the time goes on
            shown.update(max(self._con.query_progress() - shown.n, 0))


@contextmanager
def _on_ctrl_c(act: Callable[[], None]) -> Iterator[None]:
    """Call a function instead of raising wherever this thread happens to be."""
    if current_thread() is not main_thread():  # which gets no signals
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: act())
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
