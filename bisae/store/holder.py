"""Who holds a lease: what its file says, and whether that process is still at work.

Reads the files of the folder `leases`.
"""

import getpass
import json
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

from bisae.files import Place, read

OLD = 120.0
"""Seconds after which a heartbeat is old; clocks must agree far better than that."""


class Holder(NamedTuple):
    """Who holds a lease, as its file tells."""

    owner: str
    """The user."""
    host: str
    machine: str
    """Where process numbers mean the same: a boot and a namespace of processes."""
    pid: int
    heartbeat: float
    """Seconds since 1970."""
    given_back: bool = False

    def __str__(self) -> str:
        if self.given_back:
            return "another process, which has finished"
        return f"{self.owner}, process {self.pid} on {self.host}"

    def is_live(self) -> bool:
        """Whether it is at work: its heartbeat is fresh, its process there if here."""
        # One from the future is a wrong clock's, or a lie: it would never grow old.
        if self.given_back or not abs(time.time() - self.heartbeat) <= OLD:
            return False
        return self.machine != _machine() or _is_running(self.pid)


GIVEN_BACK = Holder("", "", "", 1, 0.0, given_back=True)
"""What a lease says once it is given back: no user, host or time."""
KINDS = tuple(Holder.__annotations__.values())


def read_holder(file: Place) -> Holder:
    """Read a lease; of one that is just being written only its age is known."""
    try:
        holder = Holder(**json.loads(read(file)))
        if any(type(v) is not k for v, k in zip(holder, KINDS, strict=True)):
            raise TypeError
        if not (holder.owner + holder.host).isprintable() or not 0 < holder.pid < 2**31:
            raise ValueError
        return holder
    except (OSError, ValueError, TypeError, RecursionError):
        written = file.stat().st_mtime if file.exists() else 0.0
        return Holder("somebody", "another host", "", 0, written)


def dump_holder(holder: Holder) -> str:
    """Return the text of a lease's file."""
    return json.dumps(holder._asdict(), indent=1) + "\n"


def this_process() -> Holder:
    """Return this process as a holder whose heartbeat is now."""
    return Holder(_user(), socket.gethostname(), _machine(), os.getpid(), time.time())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container, a number without a name
        return "somebody"


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return socket.gethostname()


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
