"""The fence around users' queries: a read-only file system for DuckDB.

Object stores are always read through it, since DuckDB's support for them is an
extension. Queries that users write can use nothing else: DuckDB's settings alone leave
ways to write, but a file system with its own URL scheme that opens files only for
reading does not.
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
"""Escapes characters that DuckDB or fsspec would take for a pattern."""


class SharedFile(io.RawIOBase):
    """A file that several threads read at once, each from its own position.

    DuckDB's threads share a handle, and seek and read in two calls: with one position
    for all, a thread would sometimes read where another one had moved.
    """

    def __init__(
        self, read: Callable[[int, int], bytes], size: int, close: Callable[[], None]
    ) -> None:
        """`read` returns the bytes from one offset to another."""
        self._read = read
        self._size = size
        self._close = close
        self._offsets: dict[int, int] = {}

    def seekable(self) -> bool:
        """Return true."""
        return True

    def readable(self) -> bool:
        """Return true."""
        return True

    def tell(self) -> int:
        """Return the position of this thread."""
        return self._offsets.get(threading.get_ident(), 0)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position of this thread."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self.tell(), os.SEEK_END: self._size}
        position = self._offsets[threading.get_ident()] = start[whence] + offset
        return position

    def readinto(self, buffer: Any) -> int:
        """Read from the position of this thread."""
        offset = self.tell()
        end = min(offset + len(buffer), self._size)
        data = self._read(offset, end) if end > offset else b""
        buffer[: len(data)] = data
        self._offsets[threading.get_ident()] = offset + len(data)
        return len(data)

    def close(self) -> None:
        """Close the underlying file."""
        if not self.closed:
            self._close()
        super().close()


class ReadOnlyFiles(AbstractFileSystem):  # type: ignore[misc]
    """The files below one folder, for reading."""

    protocol = (SCHEME,)
    cachable = False

    def __init__(self, root: AnyPath) -> None:
        super().__init__()
        self._root = root.resolve()
        self._files = root.fs
        self._is_local = is_local(root)
        self._info_cache: dict[str, Any] = {}
        self._inside: set[str] = set()

    @classmethod
    def _strip_protocol(cls, path: str) -> Any:
        return unquote(path.removeprefix(f"{SCHEME}://"))

    def ls(self, path: str, detail: bool = True, **options: Any) -> Any:  # noqa: FBT001, FBT002
        """List the files of a folder."""
        name = self._strip_protocol(path)
        self._refuse_outside(name)
        return self._files.ls(name, detail=detail)

    def glob(self, path: str, *more: Any, **options: Any) -> Any:
        """Return the files that match a pattern; fsspec would hide a refusal.

        Escapes distinguish a name with `[` or `*` from a pattern, here and in the
        returned names.
        """
        name = self._strip_protocol(path)
        self._refuse_outside(name)
        if not PATTERN.search(path):
            return [quote(name)] if self.exists(path) else []
        return list(map(quote, super().glob(path, *more, **options)))

    def info(self, path: str, **options: Any) -> Any:
        """Return size, type and time of a file.

        Cached for object stores, since DuckDB asks ten times for each file.
        """
        return self._info(self._strip_protocol(path))

    def _info(self, name: str) -> Any:
        self._refuse_outside(name)
        if self._is_local:
            return _local_info(name)
        if name not in self._info_cache:
            self._info_cache[name] = self._files.info(name)
        return self._info_cache[name]

    def exists(self, path: str, **options: Any) -> bool:
        """Return true if there is such a file."""
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    def modified(self, path: str) -> Any:
        """Return the time when a file was written."""
        return self.info(path)["LastModified"]

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if mode != "rb":
            msg = f"queries may only read the store's tables, not write {path}"
            raise PermissionError(msg)
        self._refuse_outside(path)
        if self._is_local:
            return open_local(path)
        files, size = self._files, self._info(path)["size"]
        return SharedFile(
            lambda start, end: files.cat_file(path, start=start, end=end),
            size,
            _close_nothing,
        )

    def _refuse_outside(self, path: str) -> None:
        """Raise PermissionError for a path outside the folder.

        `path` has neither scheme nor escapes.
        """
        if path in self._inside:  # following links takes longer than reading
            return
        home = self._root.path.rstrip("/") + "/"
        # On a local disk, resolve links and `..`.
        real = os.path.realpath(path) if self._is_local else path
        if not f"{real}/".startswith(home):
            msg = f"queries may only read the store's tables, not {path}"
            raise PermissionError(msg)
        self._inside.add(path)


def open_local(path: str) -> SharedFile:
    """Open a file on a local disk."""
    descriptor = os.open(path, os.O_RDONLY)
    return SharedFile(
        lambda start, end: os.pread(descriptor, end - start, start),
        os.fstat(descriptor).st_size,
        lambda: os.close(descriptor),
    )


def _local_info(path: str) -> dict[str, Any]:
    """Describe a file on a local disk with the keys that object stores use."""
    status = os.stat(path)  # noqa: PTH116  (called ten times per file)
    return {
        "name": path,
        "size": status.st_size,
        "type": "directory" if stat.S_ISDIR(status.st_mode) else "file",
        "LastModified": datetime.fromtimestamp(status.st_mtime, tz=UTC),
    }


def _close_nothing() -> None:
    """Close nothing: an object store keeps no file open."""


def address(file: AnyPath) -> str:
    """Return the address of a file in a fenced query."""
    return f"{SCHEME}://{quote(file.absolute().path)}"


def enclose(con: Any, root: AnyPath) -> None:
    """Let a connection read files below `root`, as `bisae://`, and nothing else."""
    folder = address(root.resolve()).replace("'", "''")
    # In the folder where DuckDB spills, a query could write and attach anything.
    con.execute("set temp_directory = ''")
    con.execute(f"set allowed_directories = ['{folder}/']")
    con.execute("set enable_external_access = false")
    con.execute("set lock_configuration = true")
