"""Leases: one process at a time builds a checkpoint, or what all cells share.

A lease is a file `<name>.<number>.json` in the folder `leases`; the highest number
counts. Once it is given back or its heartbeat is stale, the next number can be created,
which only one process succeeds in. Works on shared file systems and in object stores.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bisae.disk import target_of
from bisae.errors import LeaseHeld, LeaseLost
from bisae.files import AnyPath, create, names, remove, replace
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
    """A lease held by this process, with a thread that renews its heartbeat."""

    def __init__(self, folder: AnyPath, name: str, task: str = "") -> None:
        """Take a lease, also from an earlier attempt of the same task of an engine.

        Raises LeaseHeld, naming the holder.
        """
        self.name, self._task = name, task
        self.advanced = False
        """True once something was finished or saved under this lease."""
        self.died: Holder | None = None
        """The previous holder if it ended before it had advanced, and gave no sign."""
        self._folder = (folder / name).parent
        self._stem = (folder / name).name
        self.number = self._take()
        self._checked = time.time()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def check(self) -> None:
        """Raise LeaseLost if another process took the lease while this one slept."""
        number = _newest(self._folder, self._stem)
        if number > self.number:
            successor = read_holder(self._file(number))
            msg = f"{self.name} was taken over by {successor}: this process was silent "
            msg += f"for {holders.STALE_AFTER:.0f} s; what is finished is kept; run "
            msg += "the command again"
            raise LeaseLost(msg)
        self._checked = time.time()

    def check_after_sleep(self) -> None:
        """Check the lease unless it was checked too recently to have been lost.

        It costs nothing, so long work can call it often. Raises LeaseLost.
        """
        if abs(time.time() - self._checked) > BEAT:
            self.check()

    @contextmanager
    def explain_failures(self) -> Iterator[None]:
        """Raise LeaseLost in place of errors caused by the loss of the lease."""
        try:
            yield
        except (BrokenPipeError, LeaseHeld, LeaseLost):
            raise
        except Exception as error:
            lost = self._loss_error()
            if lost:
                raise lost from error
            raise

    def _loss_error(self) -> LeaseLost | None:
        try:
            self.check()
        except LeaseLost as error:
            return error
        except Exception:
            return None
        return None

    def give_back(self) -> None:
        """Give the lease back, so that others can take it."""
        self._done.set()
        self._thread.join()
        with suppress(OSError):  # it is free anyway once its heartbeat is stale
            self._write(GIVEN_BACK)

    def _take(self) -> int:
        number = _newest(self._folder, self._stem)
        if number:
            current = read_holder(self._file(number))
            is_same_task = bool(self._task) and current.task == self._task
            if current.is_live() and not is_same_task:
                raise LeaseHeld(_held_by(self.name, current))
            # The deaths of a task are counted by its engine.
            if not (current.given_back or current.advanced or is_same_task):
                self.died = current
        mine = self._file(number + 1)
        try:
            create(mine, dump_holder(this_process(self._task)))
        except FileExistsError:
            raise LeaseHeld(_held_by(self.name, read_holder(mine))) from None
        for file in names(self._folder):
            # A killed process may have left a half-written heartbeat.
            older = _number(target_of(file), self._stem)
            if 0 < older <= number:
                remove(self._folder / file)
        return number + 1

    def _file(self, number: int) -> AnyPath:
        return self._folder / f"{self._stem}.{number}.json"

    def _beat(self) -> None:
        while not self._done.wait(BEAT):
            with suppress(
                OSError
            ):  # for example a full disk: the next beat may succeed
                self._write(this_process(self._task, advanced=self.advanced))

    def _write(self, holder: Holder) -> None:
        replace(self._file(self.number), dump_holder(holder))


@contextmanager
def wait_for_lease(folder: AnyPath, name: str, task: str = "") -> Iterator[Lease]:
    """Wait for a lease to become free, then hold it."""
    started, noted = time.monotonic(), ""
    while True:
        try:
            lease = Lease(folder, name, task)
            break
        except LeaseHeld as error:
            if str(error) != noted and time.monotonic() - started >= SHOWN_AFTER:
                noted = str(error)
                note(f"{noted}; waiting")
            time.sleep(POLL)
    try:
        yield lease
    finally:
        lease.give_back()


def current_holder(folder: AnyPath, name: str) -> Holder | None:
    """Return the present holder of a lease, or None."""
    path = folder / name
    number = _newest(path.parent, path.name)
    if not number:
        return None
    current = read_holder(path.with_name(f"{path.name}.{number}.json"))
    return current if current.is_live() else None


def _held_by(name: str, holder: Holder) -> str:
    return f"{name} is being built by {holder}"


def _newest(folder: AnyPath, stem: str) -> int:
    """Return the highest number of a lease, 0 if it was never taken."""
    return max((_number(file, stem) for file in names(folder)), default=0)


def _number(file: str, stem: str) -> int:
    match = re.fullmatch(rf"{re.escape(stem)}\.(\d+)\.json", file)
    return int(match[1]) if match else 0
