"""Progress on standard error: a bar on a terminal, plain lines in a file or a log.

Nothing is written about work that takes less than two seconds.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from math import inf
from time import monotonic
from types import TracebackType
from typing import ClassVar, NamedTuple, Protocol, Self, TypeVar

from tqdm import tqdm

T = TypeVar("T")
SHOWN_AFTER = 2.0
LINE_EVERY = 10.0
"""Seconds between two progress lines of a process."""
RATED_FROM = 1e-3
"""Share of the work below which its rate would mislead."""


class Progress(Protocol):
    """A counter of finished work, used as a context manager."""

    n: float
    """Units of work done."""

    def update(self, n: float = 1) -> object:
        """Count more finished work."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


class Work(NamedTuple):
    """Work in progress, as other processes are told of it."""

    title: str
    unit: str
    total: int
    before: int
    """Units that were done before it began."""
    progress: Progress
    began: float

    @property
    def done(self) -> float:
        """Units that are done."""
        return self.progress.n

    @property
    def rate(self) -> float:
        """Units a second, since it began."""
        return (self.done - self.before) / max(monotonic() - self.began, 1e-9)


_running: list[Work] = []
"""The work of this process, the outermost first."""


def work_in_progress() -> Work | None:
    """Return the outermost work of this process, or None."""
    return next(iter(_running), None)


@contextmanager
def bar(total: int, title: str, unit: str, done: int = 0) -> Iterator[Progress]:
    """Show progress: a bar where standard error is a terminal, else plain lines."""
    with _shown(total, title, unit, done) as progress:
        work = Work(title, unit, total, done, progress, monotonic())
        _running.append(work)
        try:
            yield progress
        finally:
            _running.remove(work)


def _shown(total: int, title: str, unit: str, done: int) -> Progress:
    if Lines.always or not sys.stderr.isatty():
        return Lines(total, title, unit, done)
    return tqdm(
        total=total,
        initial=done,
        desc=title,
        unit=f" {unit}",
        unit_scale=True,
        delay=SHOWN_AFTER,
        leave=False,
        dynamic_ncols=True,
    )


def use_plain_lines() -> None:
    """Write plain lines on a terminal too, as other processes share it."""
    Lines.always = True


def track(items: Iterable[T], total: int, title: str, unit: str) -> Iterator[T]:
    """Yield items and count them."""
    with bar(total, title, unit) as shown:
        for item in items:
            yield item
            shown.update()


def note(message: str) -> None:
    """Write a message on standard error, above a progress bar if there is one."""
    tqdm.write(message, file=sys.stderr)


class Lines:
    """Progress as plain lines, written at intervals and at the end."""

    always: ClassVar = False
    """True to write lines even where a bar could be drawn."""
    last_line: ClassVar = -inf
    """Time of this process's last line; all its work shares the interval."""

    def __init__(
        self,
        total: int,
        title: str,
        unit: str,
        done: int = 0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`done` of `total` was finished before; `clock` counts seconds."""
        self.n: float = done
        self._total, self._title, self._unit = total, title, unit
        self._before = done
        self._clock = clock
        self._start = clock()

    def __enter__(self) -> Self:
        """Start counting."""
        return self

    def update(self, n: float = 1) -> None:
        """Count more; write a line if the last one is old enough."""
        self.n += n
        now = self._clock()
        quiet = now - max(self._start, Lines.last_line)
        if self.n < self._total and quiet >= LINE_EVERY:
            self._write(f"{self._share()}{self._pace(now)}", now)

    def __exit__(self, error: object, *_: object) -> None:
        """Write how much was done in what time, if it took long.

        Writes nothing for work that ends early without an error, such as a query.
        """
        now = self._clock()
        seconds = now - self._start
        if seconds <= SHOWN_AFTER:
            return
        if error:
            self._write(f"stopped at {self._share()} after {duration(seconds)}", now)
        elif self.n >= self._total:
            count = f"{self.n - self._before:,.0f} {self._unit}"
            self._write(f"{count} in {duration(seconds)}{self._rate(seconds)}", now)

    def _write(self, text: str, now: float) -> None:
        Lines.last_line = now
        note(f"{self._title}: {text}")

    def _share(self) -> str:
        return f"{self.n:,.0f} of {self._total:,} {self._unit}"

    def _pace(self, now: float) -> str:
        seconds, counted = now - self._start, self.n - self._before
        if counted <= RATED_FROM * self._total:
            return ""
        remaining = (self._total - self.n) * seconds / counted
        return f"{self._rate(seconds)}, {duration(remaining)} left"

    def _rate(self, seconds: float) -> str:
        counted = self.n - self._before
        if counted <= 0:
            return ""
        if counted < seconds:
            return f", one every {duration(seconds / counted)}"
        return f", {_rounded(counted / seconds)} a second"


def duration(seconds: float) -> str:
    """Format a time in its two largest units: 2.5 s, 40 s, 3 min 20 s, 5 h 10 min.

    Below ten seconds with a tenth, unless it is zero.
    """
    if seconds < 9.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, seconds_rest = divmod(round(seconds), 60)
    hours, minutes_rest = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes_rest} min"
    return f"{minutes} min {seconds_rest} s" if minutes else f"{seconds_rest} s"


def _rounded(number: float) -> str:
    """Format a number with two significant digits: 35,000, 8.3, 12."""
    digits = 0 if number >= 9.95 else 1
    return f"{float(f'{number:.2g}'):,.{digits}f}".removesuffix(".0")
