"""Write to this machine's disk: whole or not at all, and never through a link.

A store may come from anybody, and a link in it would lead a write to any file of ours.
So a temporary file is new, under a random name, and a folder that is reached through a
link is refused.
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
"""Seconds after which a temporary file is taken for that of a writer who was killed."""
TEMPORARY = re.compile(r"\.(.+?)(\.[0-9a-f]{16})?\.partial")
"""The name of a temporary file; earlier versions of bisae had no random part."""


@contextmanager
def exchanged(final: Path) -> Iterator[Path]:
    """Yield a new, empty file, which replaces `final` unless an error is raised."""
    partial = final.with_name(f".{final.name}.{secrets.token_hex(8)}.partial")
    os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666))
    try:
        yield partial
        sync_one(partial)
        partial.replace(final)
        sync_one(final.parent)
    except BaseException as error:
        partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            name_file(error, final)
        raise
    _remove_abandoned(final)


def create_new(file: Path, data: bytes) -> None:
    """Write a file that is not there yet. Raises FileExistsError."""
    make_real_folder(file.parent)
    with file.open("xb") as opened:
        try:
            opened.write(data)
            opened.flush()
        except OSError:
            file.unlink()
            raise
    sync_one(file)


def move_new(source: Path, target: Path) -> None:
    """Move a folder to where none is, in one step. Raises FileExistsError."""
    make_real_folder(target.parent)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
        raise FileExistsError(errno.EEXIST, "it is there already", target) from error
    sync_one(target.parent)


def make_real_folder(folder: Path) -> None:
    """Make a folder with its parents. Raises StoreError as `refuse_links`."""
    refuse_links(folder)
    folder.mkdir(parents=True, exist_ok=True)


def refuse_links(folder: Path) -> None:
    """Raise StoreError for a folder that is a link, or is below one.

    What a user names as a store may be reached through links: it is resolved first.
    """
    real = os.path.realpath(folder)
    if real != os.path.abspath(folder):  # noqa: PTH100  (Path.absolute keeps `..`)
        msg = f"{folder} leads through a link to {real}; nothing is written through a "
        msg += "store's links: put the folder itself there"
        raise StoreError(msg)


def read_small(file: Path, most: int) -> bytes:
    """Read a file of at most `most` bytes, and never wait for one.

    Raises FileNotFoundError, NotADirectoryError; StoreError for a folder, a pipe, a
    device, a larger file, or one that may not be read.
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
    check_size(file, len(data), most)  # it may have grown
    return data


def check_ordinary(file: Path, most: int) -> None:
    """Raise StoreError for what is no file of at most `most` bytes."""
    status = file.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        msg = f"{file}: it is {kind}, not a file"
        raise StoreError(msg)
    check_size(file, status.st_size, most)


def check_size(file: object, size: int, most: int) -> None:
    """Raise StoreError for a file that is larger than its kind can be."""
    if size > most:
        msg = f"{file}: it is larger than the {most:,} bytes that such a file may have"
        raise StoreError(msg)


def remove_below(where: Path) -> None:
    """Remove a file, a link, or a folder with all in it; nothing if there is none."""
    refuse_links(where.parent)
    if where.is_dir() and not where.is_symlink():
        shutil.rmtree(where)
    else:
        where.unlink(missing_ok=True)


def target_of(name: str) -> str:
    """Return the name of the file that a temporary file is to replace, or `name`."""
    match = TEMPORARY.fullmatch(name)
    return match[1] if match else name


def sync_one(path: Path) -> None:
    """Force a file's or folder's own data to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(file: Path) -> None:
    """Remove temporary files for `file` that killed writers left."""
    oldest = time.time() - ABANDONED
    with suppress(OSError), os.scandir(file.parent) as entries:
        for entry in entries:
            is_temporary = entry.name != file.name == target_of(entry.name)
            if is_temporary and entry.stat(follow_symlinks=False).st_mtime < oldest:
                Path(entry.path).unlink()
