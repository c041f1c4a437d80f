"""Let Ctrl-C and SIGTERM end a command at any point, even in a DuckDB query.

Python handles a signal only between two of its own instructions. So a thread that the
operating system's handler wakes at once interrupts what runs outside of Python.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, Protocol
from weakref import WeakSet

SIGNALS = (signal.SIGINT, signal.SIGTERM)
AGAIN = 0.1
"""Seconds between two attempts to end a query: it may only be about to start."""


class Stoppable(Protocol):
    """Something that runs outside of Python, such as a database connection."""

    def interrupt(self) -> None:
        """End the running work with an error."""


_running: WeakSet[Stoppable] = WeakSet()
_endings: list["Ending"] = []
"""The handlers of the commands that run within each other, the innermost last."""


def is_ending() -> bool:
    """Say if a signal is ending this process's command, whatever error that raised."""
    return any(ending.signal for ending in _endings)


def end_on_signal(connection: Stoppable) -> None:
    """Register a connection whose work a signal is to interrupt."""
    _running.add(connection)


class Ending:
    """The handler of signals; `signal` is the one that ends the command, if any."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._raised = threading.Event()

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Record the signal and raise KeyboardInterrupt or SystemExit."""
        self.signal = signal.Signals(number)
        self._raised.set()
        if self.signal is signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(status_of(self.signal))

    def watch(self, woken: int) -> None:
        """Interrupt queries whenever a signal writes its number to the pipe."""
        while number := os.read(woken, 1):
            # While a query or a training run has its own handler, that one acts.
            while signal.getsignal(number[0]) == self.handle:
                for connection in list(_running):
                    with suppress(Exception):  # it may be closed
                        connection.interrupt()
                if self._raised.wait(AGAIN):
                    break


def status_of(number: int) -> int:
    """Return the exit status that a shell gives for a command ended by a signal."""
    return 128 + number


def handlers() -> dict[signal.Signals, Any]:
    """Return the handler of each of our signals that is not ignored."""
    current = {number: signal.getsignal(number) for number in SIGNALS}
    return {
        n: handler for n, handler in current.items() if handler is not signal.SIG_IGN
    }


@contextmanager
def ending_on_signals() -> Iterator[Ending]:
    """Let Ctrl-C and SIGTERM end the work within; the yielded object says which did.

    A signal that is ignored, as under `nohup`, stays ignored. Signals reach only the
    main thread.
    """
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = handlers()
    woken, wakes = os.pipe()
    os.set_blocking(wakes, False)
    watcher = threading.Thread(target=ending.watch, args=(woken,), daemon=True)
    watcher.start()
    old_pipe = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    for number in before:
        signal.signal(number, ending.handle)
    _endings.append(ending)
    try:
        yield ending
    finally:
        _endings.remove(ending)
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_pipe)
        os.close(wakes)
        watcher.join()
        os.close(woken)
