"""A command in a terminal of its own: what a user types and sees."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 300.0
"""Seconds to wait for what must come: on a busy machine an import takes one minute."""
WIDTH = 80
ENDLESS = "select count(*) from range(100000000) a, range(100000) b where "
ENDLESS += "a.range * b.range % 7 = 1"


class Terminal:
    """A running command."""

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        self._process = process
        self._descriptor = descriptor
        self._unread = ""

    def type(self, text: str) -> None:
        os.write(self._descriptor, text.encode())

    def read_to(self, text: str) -> str:
        """What is shown up to some text, which must come."""
        end = time.monotonic() + PATIENCE
        while text not in self._unread:
            assert time.monotonic() < end, f"no {text!r} in {self._unread!r}"
            assert self._read(), f"no {text!r} in {self._unread!r}, and it ended"
        seen, text, self._unread = self._unread.partition(text)
        return seen + text

    def children(self) -> list[int]:
        """The processes that it has started."""
        pid = self._process.pid
        files = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(word) for file in files for word in file.read_text().split()]

    def end(self) -> tuple[int, str]:
        """The exit status, and what is shown until then."""
        while self._read():
            pass
        return self._process.wait(PATIENCE), self._unread

    def _read(self) -> bool:
        if not select.select([self._descriptor], [], [], PATIENCE)[0]:
            return False
        try:
            actual = os.read(self._descriptor, 65536)
        except OSError:  # what Linux says when the other side is closed
            return False
        self._unread += actual.decode(errors="replace").replace("\r\n", "\n")
        return bool(actual)


# The terminal becomes that of the new session: there Ctrl-C is a signal.
IN_ITS_TERMINAL = """
import fcntl, runpy, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
runpy.run_module("bisae", run_name="__main__", alter_sys=True)
"""


@contextmanager
def terminal(*words: object, home: object = "/nowhere") -> Iterator[Terminal]:
    """Start `bisae` with these words in a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    size = struct.pack("HHHH", 40, WIDTH, 0, 0)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, size)
    process = subprocess.Popen(
        [sys.executable, "-c", IN_ITS_TERMINAL, *map(str, words)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env=os.environ | {"HOME": str(home), "PROMPT_TOOLKIT_NO_CPR": "1"},
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        os.close(ours)
        process.kill()
        process.wait()
