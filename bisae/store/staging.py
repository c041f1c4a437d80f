"""Where the holder of a lease writes a part before it counts, and its way into place.

Writes `unfinished/<lease>.<number>/`, a folder that no other holder writes to. A whole
part is put into place by operations that fail where something is there already, so a
builder that slept past its lease finds what came after it, and damages nothing.
"""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from bisae.files import (
    Place,
    beside,
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
"""How often a folder is cleared that is still written to, and seconds between."""


class Staging:
    """The unfinished parts of one lease's holder."""

    def __init__(self, home: Place, lease: Lease) -> None:
        """`home` is the store's folder."""
        self._home, self.lease = home, lease
        self._stem = lease.name.replace("/", "-")
        self._folder = home / FOLDER / f"{self._stem}.{lease.number}"

    def of(self, part: Place) -> Place:
        """Return where a part of the store is written until it is whole."""
        return self._folder / relative(part, self._home)

    def publish(self, part: Place) -> None:
        """Put a finished part into place, instead of what is there. Raises LeaseLost.

        Its metadata come last. Nothing is replaced but what was seen while the lease
        was held, and removed before the part is put there.
        """
        staged = self.of(part)
        while True:
            self.lease.check()
            if beside(part).exists() or part.exists():
                discard(part)
            with suppress(FileExistsError):  # a builder that slept came in between
                create(beside(part), read(beside(staged)))
                put_new(staged, part, last=DOCUMENT)
                return

    def clear_older(self) -> None:
        """Remove what holders of this lease left who were killed, or still sleep."""
        for name in names(self._folder.parent):
            match = re.fullmatch(rf"{re.escape(self._stem)}\.(\d+)", name)
            if match and int(match[1]) < self.lease.number:
                remove(self._folder.parent / name)

    def clear(self) -> None:
        """Remove all that is unfinished: it would fill the disk.

        What cannot be removed now, the next holder of the lease removes.
        """
        for _ in range(CLEARINGS if is_local(self._home) else 1):
            with suppress(Exception):  # clients of object stores have their own
                remove(self._folder)
                return
            time.sleep(PAUSE)


@contextmanager
def open_staging(home: Place, lease: Lease) -> Iterator[Staging]:
    """Give a lease's holder a folder for unfinished parts, empty now and afterwards."""
    folder = Staging(home, lease)
    folder.clear_older()
    try:
        yield folder
    except BaseException:
        time.sleep(PAUSE)  # writes that Zarr began beside a failed one may go on
        raise
    finally:
        folder.clear()


def discard(part: Place) -> None:
    """Remove a part; it is unfinished from the first moment on."""
    remove(beside(part))
    remove(part / DOCUMENT)
    remove(part)
