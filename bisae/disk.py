"""Write to this machine's disk atomically, and never through a link.

A store may come from anybody, and a link in it could direct a write to any of the
user's files. So temporary files are new, with random names, and folders reached through
a link are refused.
"""

import errno
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bisae.disk_errors import name_file
from bisae.errors import StoreError

ABANDONED = 86_400.0
"""Age in seconds at which a temporary file is taken to be left by a killed writer."""
TEMPORARY = re.compile(r"\.(.+?)(\.[0-9a-f]{16})?\.partial")
"""Names of temporary files; those of earlier versions of bisae had no random part."""


@contextmanager
def atomic_write(final: Path) -> Iterator[Path]:
    """Yield an empty file that replaces `final` on exit unless an error is raised."""
    partial = final.with_name(f".{final.name}.{secrets.token_hex(8)}.partial")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    try:
        yield partial
        sync_path(partial)
        partial.replace(final)
        sync_path(final.parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            name_file(error, final)
        raise
    _remove_abandoned(final)


def create_new(file: Path, data: bytes) -> None:
    """Write a new file. Raises FileExistsError."""
    make_real_folder(file.parent)
    with file.open("xb") as opened:
        try:
            opened.write(data)
            opened.flush()
        except OSError:
            file.unlink()
            raise
    sync_path(file)


def move_new(source: Path, target: Path) -> None:
    """Move a folder to a new path in one step. Raises FileExistsError."""
    make_real_folder(target.parent)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        raise FileExistsError(errno.EEXIST, "it is there already", target) from error
    sync_path(target.parent)


def make_real_folder(folder: Path) -> None:
    """Make a folder with its parents. Raises what `refuse_links` raises."""
    refuse_links(folder)
    folder.mkdir(parents=True, exist_ok=True)


def refuse_links(folder: Path) -> None:
    """Raise StoreError for a folder that is a link or below one.

    Links in the path that a user gives for a store are resolved beforehand.
    """
    resolved = os.path.realpath(folder)
    if resolved != os.path.abspath(folder):  # noqa: PTH100  (Path.absolute keeps `..`)
        msg = (
            f"{folder} leads through a link to {resolved}; nothing is written through "
        )
        msg += "a store's links: put the folder itself there"
        raise StoreError(msg)


def read_small(file: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes, without ever blocking.

    Raises FileNotFoundError, NotADirectoryError; StoreError for a folder, a pipe, a
    device, a larger file, or one without read permission.
    """
    try:
        check_ordinary(file, most)
        with file.open("rb") as opened:
            data = opened.read(most + 1)
    except (StoreError, FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        msg = f"{file}: {error.strerror}"
        raise StoreError(msg) from error
    check_size(file, len(data), most)  # it may have grown since
    return data


def check_ordinary(file: Path, most: int) -> None:
    """Raise StoreError unless this is an ordinary file of at most `most` bytes."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        msg = f"{file}: it is {kind}, not a file"
        raise StoreError(msg)
    check_size(file, status.st_size, most)


def check_size(file: object, size: int, most: int) -> None:
    """Raise StoreError for a file that is larger than allowed for its kind."""
    if size > most:
        msg = f"{file}: it is larger than the {most:,} bytes that such a file may have"
        raise StoreError(msg)


def remove_below(where: Path) -> None:
    """Remove a file, a link, or a folder with its content, if it exists."""
    refuse_links(where.parent)
    if where.is_dir() and not where.is_symlink():
        shutil.rmtree(where)
    else:
        where.unlink(missing_ok=True)


def is_abandoned(temporary: Path) -> bool:
    """Say if a temporary file or folder was last changed a day ago or earlier."""
    try:
        changed = temporary.stat(follow_symlinks=False).st_mtime
    except FileNotFoundError:  # its writer moved or removed it meanwhile
        return False
    return changed < time.time() - ABANDONED


def target_of(name: str) -> str:
    """Return the name of the file that a temporary file replaces, or `name`."""
    match = TEMPORARY.fullmatch(name)
    return match[1] if match else name


def sync_path(path: Path) -> None:
    """Force the data of a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(file: Path) -> None:
    """Remove temporary files for `file` left by killed writers."""
    with suppress(OSError), os.scandir(file.parent) as entries:
        for entry in entries:
            temporary = Path(entry.path)
            is_of_file = entry.name != file.name == target_of(entry.name)
            if is_of_file and is_abandoned(temporary):
                temporary.unlink()
