"""Read and write files of a store atomically, in a folder or an object store.

A path may be a URL that fsspec supports, such as s3://bucket/prefix. On a disk a file
is written under a temporary name, synced and renamed; an object store writes objects
atomically. Nothing is written through a link: paths to write to must contain none
(`resolve_links` resolves them). The only door to universal_pathlib.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from upath import UPath

from bisae.disk import (
    atomic_write,
    check_ordinary,
    check_size,
    create_new,
    make_real_folder,
    move_new,
    read_small,
    refuse_links,
    remove_below,
    sync_path,
)

AnyPath = UPath
CHECKSUM_SUFFIX = ".sha256"
PIECE = 2**22
AT_ONCE = 8
"""Files uploaded to an object store in parallel."""
LARGEST = 2**32
"""Maximum bytes of any file of a store."""
SMALL = 2**22
"""Maximum bytes of a file that is read whole: metadata, checksums, leases."""


def any_path(where: str | os.PathLike[str] | AnyPath) -> AnyPath:
    """Return the path object of a path or URL."""
    text = str(where)
    if "://" in text:
        # Without a cache of listings, so that files written by others are seen.
        return UPath(text, use_listings_cache=False)
    return UPath(text)


def is_local(where: AnyPath | Path) -> bool:
    """Say if a path is on a disk, not in an object store."""
    return isinstance(where, Path)


def local(where: AnyPath | Path) -> Path:
    """Return a path on a disk as a standard `Path`."""
    return Path(str(where))


def resolve_links(where: AnyPath) -> AnyPath:
    """Resolve the links in a path; return the path itself if it has none.

    Call it on paths given by the user before anything below them is written.
    """
    if not is_local(where):
        return where
    resolved = os.path.realpath(local(where))
    has_no_links = resolved == os.path.abspath(local(where))  # noqa: PTH100
    return where if has_no_links else UPath(resolved)


def literal(path: str) -> str:
    """Escape a path as a glob pattern that matches only this path."""
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def make_folder(where: AnyPath | Path) -> None:
    """Make a folder; an object store has none and needs none."""
    if is_local(where):
        make_real_folder(local(where))


def read(file: AnyPath | Path, most: int = SMALL) -> bytes:
    """Read a whole small file, even while others replace it.

    Raises FileNotFoundError, and StoreError for what is not a file of `most` bytes or
    fewer.
    """
    if isinstance(file, Path):
        return read_small(file, most)
    data = bytes(file.fs.cat_file(file.path, start=0, end=most + 1))
    check_size(file, len(data), most)
    return data


def replace(file: AnyPath | Path, data: str | bytes) -> None:
    """Write a file atomically; the old one stays until the new one is on disk."""
    data = data.encode() if isinstance(data, str) else data
    if is_local(file):
        refuse_links(local(file.parent))
        with atomic_write(local(file)) as partial:
            partial.write_bytes(data)
    else:
        file.write_bytes(data)


def create(file: AnyPath, data: str | bytes) -> None:
    """Write a new file. Raises FileExistsError."""
    data = data.encode() if isinstance(data, str) else data
    if is_local(file):
        create_new(local(file), data)
    else:
        file.fs.pipe_file(file.path, data, mode="create")


def put_new(source: AnyPath, target: AnyPath, *, last: str) -> None:
    """Move a folder to a new path, its file `last` after all others.

    Raises FileExistsError if the target exists: nothing is ever replaced, not even by a
    process that was stopped halfway and continues much later. In an object store, which
    cannot move files, each is therefore read and created again.
    """
    if is_local(source):
        move_new(local(source), local(target))
        return
    files = [file for file in below(source) if file != source / last]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in pool.map(lambda file: _put_new(file, source, target), files):
            pass
    _put_new(source / last, source, target)


def _put_new(file: AnyPath, source: AnyPath, target: AnyPath) -> None:
    data = bytes(file.fs.cat_file(file.path))
    create(target / relative(file, source), data)


@contextmanager
def write_with_checksum(file: AnyPath, check: Callable[[], None]) -> Iterator[Path]:
    """Yield a temporary local path; on exit move it into place, with a checksum file.

    The checksum file has the format of `sha256sum`. While a file is replaced it has the
    checksums of both versions, so that it matches at every moment. `check` raises once
    this process may no longer write, and is called before each step.
    """
    if is_local(file):
        make_folder(file.parent)
        with atomic_write(local(file)) as partial:
            yield partial
            sync(partial)
            check()
            line = _announce(file, partial)
            check()
    else:
        with TemporaryDirectory() as folder:
            partial = Path(folder) / file.name
            yield partial
            check()
            line = _announce(file, partial)
            check()
            file.fs.put_file(str(partial), file.path)
    check()
    if read(checksum_file(file)).decode() != line:
        replace(checksum_file(file), line)


def _announce(file: AnyPath, partial: Path) -> str:
    """Add the checksum of the new version of a file above that of the old one."""
    line = f"{sha256(partial)}  {file.name}\n"
    before = read(checksum_file(file)).decode() if file.exists() else ""
    replace(checksum_file(file), line + before)
    return line


def checksum_file(file: AnyPath) -> AnyPath:
    """Return the path of the checksum file of a file or of a part."""
    return file.with_name(file.name + CHECKSUM_SUFFIX)


def stored_checksum(file: AnyPath) -> str:
    """Return the SHA-256 that a file's checksum file gives."""
    return read(checksum_file(file)).decode().split()[0]


def matches_checksum(file: AnyPath) -> bool:
    """Say if a file matches its checksum. Raises FileNotFoundError."""
    lines = read(checksum_file(file)).decode(errors="replace").splitlines()
    return f"{sha256(file)}  {file.name}" in lines


def sha256(file: AnyPath | Path) -> str:
    """Return the sha256 of a file's bytes."""
    total = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            total.update(piece)
    return total.hexdigest()


def sync(where: AnyPath | Path) -> None:
    """Force a file, or all files and folders below a folder, to disk."""
    if not is_local(where):
        return
    if where.is_file():
        sync_path(local(where))
    for directory, _, files in os.walk(str(where)):
        for name in (*files, "."):
            sync_path(Path(directory) / name)


def remove(where: AnyPath) -> None:
    """Remove a file, or a folder with its content, if it exists."""
    if is_local(where):
        remove_below(local(where))
    elif where.fs.exists(where.path):
        where.fs.rm(where.path, recursive=True)


@contextmanager
def local_copy(file: AnyPath) -> Iterator[Path]:
    """Yield a local path of a file: the file itself, or a temporary copy.

    Memory maps of the copy stay valid after it is removed.
    """
    if is_local(file):
        yield Path(str(file))
        return
    with TemporaryDirectory() as folder:
        copied = Path(folder) / file.name
        file.fs.get_file(file.path, str(copied))
        yield copied


def copy(
    source: AnyPath, target: AnyPath, check: Callable[[], None] = lambda: None
) -> None:
    """Copy a file atomically. Raises StoreError for one that could be read without end.

    `check` is called last, and raises once this process may no longer write.
    """
    if is_local(source):
        check_ordinary(local(source), LARGEST)
    with source.open("rb") as opened:
        if is_local(target):
            make_folder(target.parent)
            with atomic_write(local(target)) as partial, partial.open("wb") as out:
                shutil.copyfileobj(opened, out, PIECE)
                check()
        else:
            with target.open("wb") as out:
                shutil.copyfileobj(opened, out, PIECE)
                check()


def below(folder: AnyPath) -> list[AnyPath]:
    """List all files below a folder, sorted."""
    home = folder.absolute().path
    names = folder.fs.find(home)
    return [folder / name.removeprefix(home).lstrip("/") for name in names]


def relative(file: AnyPath, folder: AnyPath) -> str:
    """Return the path of a file relative to a folder."""
    return str(file).removeprefix(str(folder)).lstrip("/")


def names(folder: AnyPath) -> list[str]:
    """List the names in a folder; empty if it does not exist."""
    try:
        return [entry.name for entry in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def listing(folder: AnyPath) -> Callable[[AnyPath], bool]:
    """Return a function that says if a file below a folder exists.

    It asks a disk for each file, once; an object store, which is slow, is listed once.
    """
    if is_local(folder):
        return cache(lambda file: file.is_file())
    paths = {file.path for file in below(folder)}
    return lambda file: file.path in paths
