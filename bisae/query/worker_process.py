"""The parent's side of `worker.py`: start it, communicate with it, and end it.

It is a fresh interpreter, so that threads of the parent do not matter, in its own
session, so that Ctrl-C in the terminal reaches the parent alone.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import TIMEOUT_MAX, Timer
from typing import IO, Any

import bisae
from bisae.errors import BisaeError, Crashed, OutOfMemory, TimedOut
from bisae.query.frames import Frame, Kind, read_frame, restore_error
from bisae.query.limits import EXCEEDED

ROOT = str(Path(bisae.__file__).parents[1])
RUN = """
import sys
sys.path = sys.argv[1:]
from bisae.query.worker import main
main()
"""
"""The program of the interpreter, which imports from the same paths as this one."""
OPENING = 120.0
"""The most seconds to start the process and open the store."""
LAST = {Kind.READY, Kind.DONE, Kind.ERROR}
"""Kinds of frames that end an answer."""
GOODBYE = 1.0
"""Seconds that an idle process gets to close its files."""


class WorkerProcess:
    """A process that opens a store and waits for statements."""

    def __init__(self) -> None:
        self._reason: BisaeError | None = None
        self._is_open = False
        self._is_busy = False
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", RUN, *filter(None, sys.path), ROOT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Arrow's own pool allocates ahead, which would count as used.
            env=os.environ | {"ARROW_DEFAULT_MEMORY_POOL": "system"},
            start_new_session=True,
        )

    def open(self, opening: Mapping[str, Any]) -> None:
        """Open a store, once, with the arguments of `worker.open_database`.

        Raises the errors of opening a store, and TimedOut.
        """
        if self._is_open:
            return
        too_slow = f"the store was not open after {OPENING:g} s: is its disk working?"
        with self.within(OPENING, TimedOut(too_slow)):
            self.send(opening)
            if (frame := self.receive()).kind == Kind.ERROR:
                self.kill()
                raise restore_error(frame.content)
        self._is_open = True

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    @property
    def is_idle(self) -> bool:
        """True if it waits for a statement: the last answer was received whole."""
        return not self._is_busy and self._process.poll() is None

    def send(self, request: Mapping[str, Any] | None) -> None:
        """Send a request; if the process has ended, `receive` says why."""
        self._is_busy = True
        with suppress(BrokenPipeError):
            self._stdin.write(json.dumps(request).encode() + b"\n")
            self._stdin.flush()

    def receive(self) -> Frame:
        """Wait for the next frame. Raises the reason if there is none."""
        pipe = self._process.stdout
        assert pipe
        if not pipe.closed and (frame := read_frame(pipe)):
            self._is_busy = frame.kind not in LAST
            return frame
        self._process.kill()
        status = self._process.wait()
        if self._reason:
            raise self._reason
        if status == EXCEEDED:
            raise OutOfMemory
        raise Crashed(_status_name(status))

    @contextmanager
    def within(self, seconds: float | None, reason: BisaeError) -> Iterator[None]:
        """End the process for this reason if the block takes longer."""
        if seconds is None:
            yield
            return
        timer = Timer(min(seconds, TIMEOUT_MAX), self.end, [reason])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def end(self, reason: BisaeError) -> None:
        """End the process, from any thread: a reader of frames gets the reason."""
        self._reason = self._reason or reason
        self._process.kill()

    def close(self) -> None:
        """End the process; if it is idle, after it has closed its files."""
        if self.is_idle:
            self.send(None)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(GOODBYE)
        self.kill()

    def kill(self) -> None:
        """End the process, whatever it does, and close its pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):  # from bytes that were not sent yet
                if pipe:
                    pipe.close()

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin
        return self._process.stdin


def _status_name(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"exit status {status}"
