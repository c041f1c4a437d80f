"""Results that take longer than a page may: computed once, in a thread of their own."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple

PATIENCE = 0.2
"""Seconds that a page waits for a result before it says that it is being computed."""


class Waiting(NamedTuple):
    """A result that is not there yet."""

    seconds: float
    """Seconds since its computation was asked for."""


class _Task(NamedTuple):
    version: Hashable
    started: float
    future: "Future[Any]"


class Background:
    """The last result of each computation; a new version is computed when asked for."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="results")
        self._lock = Lock()
        self._tasks: dict[str, _Task] = {}

    def result(
        self,
        name: str,
        version: Hashable,
        compute: Callable[[], Any],
        patience: float = PATIENCE,
    ) -> Any | Waiting:
        """Return a result, or Waiting. Raises what `compute` raised."""
        with self._lock:
            task = self._tasks.get(name)
            if task is None or task.version != version:
                task = _Task(version, monotonic(), self._pool.submit(compute))
                self._tasks[name] = task
        try:
            return task.future.result(patience)
        except TimeoutError:
            if task.future.done():  # the computation itself ran into a time limit
                raise
            return Waiting(monotonic() - task.started)

    def close(self) -> None:
        """Start nothing any more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
