"""Staging: parts are written to a private folder, then moved into place when finished.

Writes `unfinished/<lease>.<number>/`, a folder that no other holder writes to. Moving a
finished part fails if its target exists, so a builder that slept past its lease notices
its successor and damages nothing.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bisae.files import (
    AnyPath,
    checksum_file,
    create,
    is_local,
    names,
    put_new,
    read,
    relative,
    remove,
)
from bisae.store.layout import DOCUMENT
from bisae.store.lease import Lease

FOLDER = "unfinished"
CLEARINGS, PAUSE = 20, 0.1
"""Attempts to clear a folder that is still being written to, and seconds in between."""


class Staging:
    """The unfinished parts of a lease's holder."""

    def __init__(self, home: AnyPath, lease: Lease) -> None:
        """`home` is the store's folder."""
        self._home, self.lease = home, lease
        self._stem = lease.name.replace("/", "-")
        self._folder = home / FOLDER / f"{self._stem}.{lease.number}"

    def path_of(self, target: AnyPath) -> AnyPath:
        """Return where a part is written until it is finished and moved to `target`."""
        return self._folder / relative(target, self._home)

    def publish(self, target: AnyPath) -> None:
        """Move a finished part to `target`, replacing what is there. Raises LeaseLost.

        Its metadata come last. Only what was seen while the lease was held is replaced,
        by removing it before the part is moved.
        """
        staged = self.path_of(target)
        while True:
            self.lease.check()
            if checksum_file(target).exists() or target.exists():
                discard(target)
            with suppress(FileExistsError):  # a builder that slept interfered
                create(checksum_file(target), read(checksum_file(staged)))
                put_new(staged, target, last=DOCUMENT)
                self.lease.advanced = True
                return

    def clear_older(self) -> None:
        """Remove what earlier holders of this lease left, killed or asleep."""
        for name in names(self._folder.parent):
            match = re.fullmatch(rf"{re.escape(self._stem)}\.(\d+)", name)
            if match and int(match[1]) < self.lease.number:
                remove(self._folder.parent / name)

    def clear(self) -> None:
        """Remove all unfinished parts, which would fill the disk.

        What cannot be removed now is left to the next holder of the lease.
        """
        for _ in range(CLEARINGS if is_local(self._home) else 1):
            with suppress(
                Exception
            ):  # clients of object stores raise errors of their own
                remove(self._folder)
                return
            time.sleep(PAUSE)


@contextmanager
def open_staging(home: AnyPath, lease: Lease) -> Iterator[Staging]:
    """Provide a staging folder for the lease's holder, and clear it afterwards."""
    folder = Staging(home, lease)
    folder.clear_older()
    try:
        yield folder
    except BaseException:
        time.sleep(PAUSE)  # Zarr's other writes may go on after one has failed
        raise
    finally:
        folder.clear()


def discard(folder: AnyPath) -> None:
    """Remove a part in such an order that it counts as unfinished at once."""
    remove(checksum_file(folder))
    remove(folder / DOCUMENT)
    remove(folder)
