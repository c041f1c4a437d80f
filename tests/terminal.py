"""A command in a terminal of its own: what a user types and sees."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager

PATIENCE = 60.0
WIDTH = 80
ENDLESS = "select count(*) from range(100000000) a, range(100000) b where "
ENDLESS += "a.range * b.range % 7 = 1"


class Terminal:
    """A running command."""

    def __init__(self, process: int, descriptor: int) -> None:
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

    def end(self) -> tuple[int, str]:
        """The exit status, and what is shown until then."""
        while self._read():
            pass
        _, status = os.waitpid(self._process, 0)
        return os.waitstatus_to_exitcode(status), self._unread

    def _read(self) -> bool:
        if not select.select([self._descriptor], [], [], PATIENCE)[0]:
            return False
        try:
            found = os.read(self._descriptor, 65536)
        except OSError:  # what Linux says when the other side is closed
            return False
        self._unread += found.decode(errors="replace").replace("\r\n", "\n")
        return bool(found)


@contextmanager
def terminal(*words: object, home: object = "/nowhere") -> Iterator[Terminal]:
    """Start `bisae` with these words in a terminal of 80 columns."""
    process, descriptor = pty.fork()
    if process == 0:
        os.environ |= {"HOME": str(home), "PROMPT_TOOLKIT_NO_CPR": "1"}
        command = [sys.executable, "-m", "bisae", *map(str, words)]
        os.execv(sys.executable, command)
    size = struct.pack("HHHH", 40, WIDTH, 0, 0)
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, size)
    try:
        yield Terminal(process, descriptor)
    finally:
        os.close(descriptor)  # hangs up on what still runs
