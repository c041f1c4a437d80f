"""Who may build what: a lease is held on each checkpoint, and on what cells share.

A lease is a file of the folder `leases`, `<name>.<number>.json`; the highest number
counts. Who finds it given back or its heartbeat old creates the next number, which only
one can. Works the same on a shared file system and in an object store.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bisae.disk import target_of
from bisae.errors import Held, LeaseLost
from bisae.files import Place, create, names, remove, replace
from bisae.progress import SHOWN_AFTER, note
from bisae.store import holder as holders
from bisae.store.holder import (
    GIVEN_BACK,
    Holder,
    dump_holder,
    read_holder,
    this_process,
)

BEAT = 15.0
"""Seconds between two heartbeats."""
POLL = 1.0


class Lease:
    """A lease that is held; a thread keeps its heartbeat."""

    def __init__(self, folder: Place, name: str) -> None:
        """Take a lease. Raises Held, naming who has it."""
        self.name = name
        self._folder = (folder / name).parent
        self._stem = (folder / name).name
        self.number = self._take()
        self._checked = time.time()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise LeaseLost if somebody else took the lease: this process slept."""
        number = _newest(self._folder, self._stem)
        if number > self.number:
            by = read_holder(self._file(number))
            msg = f"{self.name} went to {by}: this process gave no sign of life for "
            msg += f"{holders.OLD:.0f} s; what is finished is kept, run it again"
            raise LeaseLost(msg)
        self._checked = time.time()

    def check_after_sleep(self) -> None:
        """Check the lease unless it was checked so recently that nobody can have it.

        Costs nothing, so that long work can call it often. Raises LeaseLost.
        """
        if abs(time.time() - self._checked) > BEAT:
            self.check()

    @contextmanager
    def explaining_failures(self) -> Iterator[None]:
        """Raise LeaseLost instead of whatever fails because somebody took over."""
        try:
            yield
        except (BrokenPipeError, Held, LeaseLost):
            raise
        except Exception as error:
            lost = self._loss()
            if lost:
                raise lost from error
            raise

    def _loss(self) -> LeaseLost | None:
        try:
            self.check()
        except LeaseLost as error:
            return error
        except Exception:
            return None
        return None

    def give_back(self) -> None:
        """Let others have it."""
        self._done.set()
        self._thread.join()
        with suppress(OSError):  # it is free anyhow once its heartbeat is old
            self._write(GIVEN_BACK)

    def _take(self) -> int:
        number = _newest(self._folder, self._stem)
        if number and (by := read_holder(self._file(number))).is_live():
            raise Held(_held(self.name, by))
        mine = self._file(number + 1)
        try:
            create(mine, dump_holder(this_process()))
        except FileExistsError:
            raise Held(_held(self.name, read_holder(mine))) from None
        for file in names(self._folder):
            # A kill may have left a heartbeat half written.
            older = _number(target_of(file), self._stem)
            if 0 < older <= number:
                remove(self._folder / file)
        return number + 1

    def _file(self, number: int) -> Place:
        return self._folder / f"{self._stem}.{number}.json"

    def _beat(self) -> None:
        while not self._done.wait(BEAT):
            with suppress(OSError):  # of a full disk, say: the next one may get there
                self._write(this_process())

    def _write(self, by: Holder) -> None:
        replace(self._file(self.number), dump_holder(by))


@contextmanager
def waiting_for(folder: Place, name: str) -> Iterator[Lease]:
    """Hold a lease, once whoever has it gives it back."""
    started, noted = time.monotonic(), ""
    while True:
        try:
            lease = Lease(folder, name)
            break
        except Held as error:
            if str(error) != noted and time.monotonic() - started >= SHOWN_AFTER:
                noted = str(error)
                note(f"{noted}; waiting")
            time.sleep(POLL)
    try:
        yield lease
    finally:
        lease.give_back()


def holder(folder: Place, name: str) -> Holder | None:
    """Who holds a lease now."""
    path = folder / name
    number = _newest(path.parent, path.name)
    if not number:
        return None
    by = read_holder(path.with_name(f"{path.name}.{number}.json"))
    return by if by.is_live() else None


def _held(name: str, by: Holder) -> str:
    return f"{name} is being built by {by}"


def _newest(folder: Place, stem: str) -> int:
    """The highest number of a lease, 0 if it was never taken."""
    return max((_number(file, stem) for file in names(folder)), default=0)


def _number(file: str, stem: str) -> int:
    match = re.fullmatch(rf"{re.escape(stem)}\.(\d+)\.json", file)
    return int(match[1]) if match else 0
