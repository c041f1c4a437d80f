"""Who may build what: a lease is held on each checkpoint, and on what cells share.

A lease is a file of the folder `leases`, `<name>.<number>.json`; the highest number
counts. Who finds it given back or its heartbeat old creates the next number, which only
one can. Works the same on a shared file system and in an object store.
"""

import getpass
import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from bisae.disk import target_of
from bisae.errors import Held, StoreError
from bisae.files import Place, create, names, read, remove, replace
from bisae.progress import note

BEAT = 15.0
"""Seconds between two heartbeats."""
OLD = 120.0
"""Seconds after which a heartbeat is old; clocks must agree far better than that."""
POLL = 1.0


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


class Lease:
    """A lease that is held; a thread keeps its heartbeat."""

    def __init__(self, folder: Place, name: str) -> None:
        """Take a lease. Raises Held, naming who has it."""
        self._name = name
        self._folder = (folder / name).parent
        self._stem = (folder / name).name
        self._number = self._take()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise StoreError if somebody else took the lease: this process slept."""
        number = _newest(self._folder, self._stem)
        if number > self._number:
            by = _read(self._file(number))
            msg = f"{self._name} went to {by}: this process gave no sign of life for "
            msg += f"{OLD:.0f} s; what is finished is kept, run it again"
            raise StoreError(msg)

    def give_back(self) -> None:
        """Let others have it."""
        self._done.set()
        self._thread.join()
        with suppress(OSError):  # it is free anyhow once its heartbeat is old
            self._write(GIVEN_BACK)

    def _take(self) -> int:
        number = _newest(self._folder, self._stem)
        if number and (found := _read(self._file(number))).is_live():
            raise Held(_held(self._name, found))
        if not create(self._file(number + 1), _dump(_myself())):
            raise Held(_held(self._name, _read(self._file(number + 1))))
        for one in names(self._folder):
            # A kill may have left a heartbeat half written.
            older = _number(target_of(one), self._stem)
            if 0 < older <= number:
                remove(self._folder / one)
        return number + 1

    def _file(self, number: int) -> Place:
        return self._folder / f"{self._stem}.{number}.json"

    def _beat(self) -> None:
        while not self._done.wait(BEAT):
            with suppress(OSError):  # of a full disk, say: the next one may get there
                self._write(_myself())

    def _write(self, by: Holder) -> None:
        replace(self._file(self._number), _dump(by))


@contextmanager
def waiting_for(folder: Place, name: str) -> Iterator[Lease]:
    """Hold a lease, once whoever has it gives it back."""
    told = ""
    while True:
        try:
            lease = Lease(folder, name)
            break
        except Held as error:
            if str(error) != told:
                told = str(error)
                note(f"{told}; waiting")
            time.sleep(POLL)
    try:
        yield lease
    finally:
        lease.give_back()


def holder(folder: Place, name: str) -> Holder | None:
    """Who holds a lease now."""
    place = folder / name
    number = _newest(place.parent, place.name)
    if not number:
        return None
    found = _read(place.with_name(f"{place.name}.{number}.json"))
    return found if found.is_live() else None


def _held(name: str, by: Holder) -> str:
    return f"{name} is being built by {by}"


def _newest(folder: Place, stem: str) -> int:
    """The highest number of a lease, 0 if it was never taken."""
    return max((_number(one, stem) for one in names(folder)), default=0)


def _number(file: str, stem: str) -> int:
    found = re.fullmatch(rf"{re.escape(stem)}\.(\d+)\.json", file)
    return int(found[1]) if found else 0


def _read(file: Place) -> Holder:
    """What a lease tells; of one that is just being written only its age is known."""
    try:
        found = Holder(**json.loads(read(file)))
        if any(type(v) is not k for v, k in zip(found, KINDS, strict=True)):
            raise TypeError
        if not (found.owner + found.host).isprintable() or not 0 < found.pid < 2**31:
            raise ValueError
        return found
    except (OSError, ValueError, TypeError, RecursionError):
        written = file.stat().st_mtime if file.exists() else 0.0
        return Holder("somebody", "another host", "", 0, written)


def _dump(by: Holder) -> str:
    return json.dumps(by._asdict(), indent=1) + "\n"


def _myself() -> Holder:
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
