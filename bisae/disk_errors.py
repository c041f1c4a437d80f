"""Messages and remedies for a disk that is full, read-only or lost.

Reads and writes nothing.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GONE = (
    "the disk, or the network behind it, failed: check that it is available and run "
    "again"
)
REMEDIES = {
    errno.ENOSPC: "make room and run again",
    errno.EDQUOT: "make room and run again",
    errno.EFBIG: "files cannot be that large on this disk; use another one",
    errno.EACCES: "get permission to write there and run again",
    errno.EPERM: "get permission to write there and run again",
    errno.EROFS: "choose a store on a writable disk",
    errno.ENOTDIR: "a file is in the way; choose another path",
    errno.EEXIST: "a file is in the way; choose another path",
}
"""Remedies for a failed write."""
LOST = dict.fromkeys(
    (
        errno.EIO,
        errno.ESTALE,
        errno.ETIMEDOUT,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.ENODEV,
        errno.ENXIO,
    ),
    GONE,
)
"""Remedies for a disk that can no longer be read or written."""


def disk_trouble(error: OSError, file: Path | None = None) -> str:
    """Say where and how a disk failed, and what to do; "" for any other error.

    `file` is the file to be written if the error names a temporary one.
    """
    remedy = (REMEDIES | LOST).get(error.errno or 0)
    if remedy is None:
        return ""
    name = file or error.filename
    path = f"{name}: " if name else ""
    return f"{path}{os.strerror(error.errno or 0)}; {remedy}"


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Add the file to an OSError, also converting the errors of Rust libraries."""
    try:
        yield
    except OSError as error:
        name_file(error, path)
        raise
    except Exception as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            raise
        code = int(number[1])
        raise OSError(code, os.strerror(code), str(path)) from error


def name_file(error: OSError, file: Path) -> None:
    """Add the file to an error, as a failed write does not name it."""
    if error.errno and error.filename is None:
        error.filename = str(file)
