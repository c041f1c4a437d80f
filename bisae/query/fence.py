"""A read-only window on the store for queries that users write.

DuckDB's own switches leave ways to write; a file system that can only open for reading,
under a scheme of its own and with everything else forbidden, does not.
"""

import io
import os
import threading
from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

SCHEME = "bisae"


class SharedFile(io.RawIOBase):
    """A file that several threads read at once, each from a place of its own.

    DuckDB's threads share a handle, and seek and read in two calls: with one place for
    all, a thread would now and then read where another one went.
    """

    def __init__(self, path: str) -> None:
        self._descriptor = os.open(path, os.O_RDONLY)
        self._size = os.fstat(self._descriptor).st_size
        self._places: dict[int, int] = {}

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where this thread reads next."""
        return self._places.get(threading.get_ident(), 0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move this thread's place."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}
        place = self._places[threading.get_ident()] = start[whence] + offset
        return place

    def readinto(self, buffer: Any) -> int:
        """Read from this thread's place on."""
        place = self.tell()
        got = os.preadv(self._descriptor, [buffer], place)
        self._places[threading.get_ident()] = place + got
        return got

    def close(self) -> None:
        """Give the file back."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class ReadOnlyFiles(LocalFileSystem):  # type: ignore[misc]
    """The local files below one folder, for reading."""

    protocol = (SCHEME,)
    cachable = False

    def __init__(self, root: Path) -> None:
        super().__init__(auto_mkdir=False)
        self._allowed = root.resolve()

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return super()._strip_protocol(path.removeprefix(f"{SCHEME}://"))

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb" or not Path(path).resolve().is_relative_to(self._allowed):
            msg = f"queries may only read the store's tables, not {path} ({mode})"
            raise PermissionError(msg)
        return SharedFile(path)


def enclose(con: Any, root: Path) -> None:
    """Let a connection read files below `root`, as `bisae://`, and nothing else."""
    folder = f"{SCHEME}://{root.resolve()}".replace("'", "''")
    con.execute(f"set allowed_directories = ['{folder}/']")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
