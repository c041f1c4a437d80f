"""The holder of a lease: the content of its file, and whether the process is alive.

Reads the files of the folder `leases`.
"""

import getpass
import json
import os
import socket
import time
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from bisae.files import AnyPath, read
from bisae.progress import work_in_progress

STALE_AFTER = 120.0
"""Seconds after which a heartbeat is stale; clocks must agree far better than that."""


class Holder(NamedTuple):
    """The process that holds a lease, as recorded in the lease's file."""

    owner: str
    """The user name."""
    host: str
    machine: str
    """A boot and a process namespace, within which process numbers are comparable."""
    pid: int
    heartbeat: float
    """Seconds since 1970."""
    given_back: bool = False
    advanced: bool = False
    """True once something was finished or saved that the next holder goes on from."""
    task: str = ""
    """The engine's task that this process runs; a new attempt of it takes over."""
    work: str = ""
    """The work in progress, such as `train S/40`."""
    unit: str = ""
    """The unit of the following three; rate is per second."""
    done: float = 0.0
    total: float = 0.0
    rate: float = 0.0

    def __str__(self) -> str:
        if self.given_back:
            return "another process, which has finished"
        return f"{self.owner}, process {self.pid} on {self.host}"

    def is_live(self) -> bool:
        """Say if the heartbeat is fresh and a process of this machine still runs."""
        # A heartbeat from the future (a wrong clock, a forgery) would never go stale.
        if self.given_back or not abs(time.time() - self.heartbeat) <= STALE_AFTER:
            return False
        return self.machine != _machine() or _is_running(self.pid)


GIVEN_BACK = Holder("", "", "", 1, 0.0, given_back=True)
"""The content of a lease that was given back: no user, host or time."""
FIELD_TYPES = tuple(Holder.__annotations__.values())


def read_holder(file: AnyPath) -> Holder:
    """Read a lease's file; if it is only half written, only its age is known."""
    try:
        holder = Holder(**json.loads(read(file)))
        if any(type(v) is not k for v, k in zip(holder, FIELD_TYPES, strict=True)):
            raise TypeError
        texts = holder.owner + holder.host + holder.work + holder.unit
        if not texts.isprintable() or not 0 < holder.pid < 2**31:
            raise ValueError
        if not all(map(isfinite, (holder.done, holder.total, holder.rate))):
            raise ValueError
        return holder
    except (OSError, ValueError, TypeError, RecursionError):
        written = file.stat().st_mtime if file.exists() else 0.0
        return Holder("somebody", "another host", "", 0, written)


def dump_holder(holder: Holder) -> str:
    """Return the text of a lease's file."""
    return json.dumps(holder._asdict(), indent=1) + "\n"


def this_process(task: str = "", *, advanced: bool = False) -> Holder:
    """Return this process as a holder whose heartbeat is now."""
    process = _user(), socket.gethostname(), _machine(), os.getpid(), time.time()
    holder = Holder(*process, advanced=advanced, task=task)
    if work := work_in_progress():
        holder = holder._replace(
            work=work.title,
            unit=work.unit,
            done=float(work.done),
            total=float(work.total),
            rate=float(work.rate),
        )
    return holder


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # in a container a user may have no name
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
