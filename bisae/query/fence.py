"""A read-only window on the store, for DuckDB: a file system that can only read.

Object stores are always read through it: DuckDB's own way there is an extension. For
queries that users write nothing but this window is open: DuckDB's own switches leave
ways to write, a file system under a scheme of its own that only opens for reading does
not.
"""

import io
import os
import re
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import quote as quote_url
from urllib.parse import unquote

from fsspec import AbstractFileSystem

from bisae.files import AnyPath, is_local

SCHEME = "bisae"


PATTERN = re.compile(r"[*?\[]")
quote = partial(quote_url, safe="/=")
"""Escapes what DuckDB or fsspec would take for a pattern."""


class SharedFile(io.RawIOBase):
    """A file that several threads read at once, each from a place of its own.

    DuckDB's threads share a handle, and seek and read in two calls: with one place for
    all, a thread would now and then read where another one went.
    """

    def __init__(
        self, read: Callable[[int, int], bytes], size: int, close: Callable[[], None]
    ) -> None:
        """`read` gives the bytes from one offset to another."""
        self._read = read
        self._size = size
        self._close = close
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
        end = min(place + len(buffer), self._size)
        found = self._read(place, end) if end > place else b""
        buffer[: len(found)] = found
        self._places[threading.get_ident()] = place + len(found)
        return len(found)

    def close(self) -> None:
        """Give the file back."""
        if not self.closed:
            self._close()
        super().close()


class ReadOnlyFiles(AbstractFileSystem):  # type: ignore[misc]
    """The files below one place, for reading."""

    protocol = (SCHEME,)
    cachable = False

    def __init__(self, root: AnyPath) -> None:
        super().__init__()
        self._root = root.resolve()
        self._files = root.fs
        self._is_local = is_local(root)
        self._known: dict[str, Any] = {}
        self._inside: set[str] = set()

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return unquote(path.removeprefix(f"{SCHEME}://"))

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:  # noqa: FBT001, FBT002
        """What is in a folder."""
        name = self._strip_protocol(path)
        self._refuse_beyond(name)
        return self._files.ls(name, detail=detail)

    def glob(self, path: str, *more: Any, **options: Any) -> Any:
        """The files of a pattern; fsspec would pass over a refusal on its way.

        A name with `[` or `*` is told from a pattern by its escapes, here and in what
        is returned.
        """
        name = self._strip_protocol(path)
        self._refuse_beyond(name)
        if not PATTERN.search(path):
            return [quote(name)] if self.exists(path) else []
        return list(map(quote, super().glob(path, *more, **options)))

    def info(self, path: str, **options: Any) -> Any:
        """What is known of a file; an object store is asked once, since DuckDB asks
        ten times for each file.
        """
        return self._info(self._strip_protocol(path))

    def _info(self, name: str) -> Any:
        self._refuse_beyond(name)
        if self._is_local:
            return _described(name)
        if name not in self._known:
            self._known[name] = self._files.info(name)
        return self._known[name]

    def exists(self, path: str, **options: Any) -> bool:
        """Whether there is such a file."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def modified(self, path: str) -> Any:
        """When a file was written."""
        return self.info(path)["LastModified"]

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            msg = f"queries may only read the store's tables, not write {path}"
            raise PermissionError(msg)
        self._refuse_beyond(path)
        if self._is_local:
            return open_local(path)
        files, size = self._files, self._info(path)["size"]
        return SharedFile(
            lambda start, end: files.cat_file(path, start=start, end=end),
            size,
            _nothing,
        )

    def _refuse_beyond(self, path: str) -> None:
        """Raise PermissionError for a path, without scheme or escapes, out of here."""
        if path in self._inside:  # to follow links takes longer than to read
            return
        home = self._root.path.rstrip("/") + "/"
        # On a disk, links and `..` go where they go.
        real = os.path.realpath(path) if self._is_local else path
        if not f"{real}/".startswith(home):
            msg = f"queries may only read the store's tables, not {path}"
            raise PermissionError(msg)
        self._inside.add(path)


def open_local(path: str) -> SharedFile:
    """A file on a disk."""
    descriptor = os.open(path, os.O_RDONLY)
    return SharedFile(
        lambda start, end: os.pread(descriptor, end - start, start),
        os.fstat(descriptor).st_size,
        lambda: os.close(descriptor),
    )


def _described(path: str) -> dict[str, Any]:
    """What is known of a file on a disk, under the names of an object store."""
    found = os.stat(path)  # noqa: PTH116  (asked ten times a file)
    return {
        "name": path,
        "size": found.st_size,
        "type": "directory" if stat.S_ISDIR(found.st_mode) else "file",
        "LastModified": datetime.fromtimestamp(found.st_mtime, tz=UTC),
    }


def _nothing() -> None:
    """An object store keeps no file open."""


def address(file: AnyPath) -> str:
    """A file as a fenced query names it."""
    return f"{SCHEME}://{quote(file.absolute().path)}"


def enclose(con: Any, root: AnyPath) -> None:
    """Let a connection read files below `root`, as `bisae://`, and nothing else."""
    folder = address(root.resolve()).replace("'", "''")
    # Where DuckDB spills, a query may write and attach whatever it likes.
    con.execute("set temp_directory = ''")
    con.execute(f"set allowed_directories = ['{folder}/']")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
