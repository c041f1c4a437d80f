"""What a disk that is full, read-only or lost says, and what to do about it.

Reads and writes nothing.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GONE = "the disk, or the network behind it, failed: see that it is there and run again"
REMEDIES = {
    errno.ENOSPC: "make room and run again",
    errno.EDQUOT: "make room and run again",
    errno.EFBIG: "files may not grow so large here; run again where they may",
    errno.EACCES: "give yourself the right to write there and run again",
    errno.EPERM: "give yourself the right to write there and run again",
    errno.EROFS: "choose a store on a disk that can be written",
    errno.ENOTDIR: "a file is in the way; choose another place",
    errno.EEXIST: "a file is in the way; choose another place",
}
"""What to do about a write that failed."""
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
"""What to do where a disk cannot be read or written any more."""


def disk_trouble(error: OSError, file: Path | None = None) -> str:
    """Say where a disk failed, how, and what to do; "" if it is no such error.

    `file` is what was to be written, where the error names a temporary one.
    """
    remedy = (REMEDIES | LOST).get(error.errno or 0)
    if remedy is None:
        return ""
    name = file or error.filename
    path = f"{name}: " if name else ""
    return f"{path}{os.strerror(error.errno or 0)}; {remedy}"


@contextmanager
def os_errors(path: Path) -> Iterator[None]:
    """Name the file of an OSError, also where a library in Rust has its own error."""
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
    """Complete an error: a write that fails does not say which file it was."""
    if error.errno and error.filename is None:
        error.filename = str(file)
