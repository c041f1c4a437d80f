"""Files of a store, in a folder or an object store: there whole or not at all.

A place is a path or a URL that fsspec knows, such as s3://bucket/prefix. On a disk a
file is written under a temporary name, synced and renamed; an object store keeps what
it is given whole or not at all. Nothing is written through a link: a path given to a
function that writes must have none (`real` resolves them). The only door to
universal_pathlib.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from upath import UPath

from bisae.disk import (
    check_ordinary,
    check_size,
    create_new,
    exchanged,
    make_real_folder,
    move_new,
    read_small,
    refuse_links,
    remove_below,
    sync_one,
)

AnyPath = UPath
SUM = ".sha256"
PIECE = 2**22
AT_ONCE = 8
"""Files that are put into an object store side by side."""
LARGEST = 2**32
"""Bytes of any one file of a store, at most."""
SMALL = 2**22
"""Bytes of a file that is read whole, at most: metadata, sums, leases."""


def any_path(where: str | os.PathLike[str] | AnyPath) -> AnyPath:
    """The place that a path or a URL names."""
    text = str(where)
    if "://" in text:
        # What others write must be seen: listings are asked for anew every time.
        return UPath(text, use_listings_cache=False)
    return UPath(text)


def is_local(where: AnyPath | Path) -> bool:
    """Whether a place is on a disk, not in an object store."""
    return isinstance(where, Path)


def local(where: AnyPath | Path) -> Path:
    """The path on a disk, as what the standard library takes."""
    return Path(str(where))


def real(where: AnyPath) -> AnyPath:
    """Return the place that a path leads to through links, or the path if it has none.

    To be called on what a user names, before anything below it is written.
    """
    if not is_local(where):
        return where
    resolved = os.path.realpath(local(where))
    same = resolved == os.path.abspath(local(where))  # noqa: PTH100
    return where if same else UPath(resolved)


def literal(path: str) -> str:
    """Return the pattern that matches one path, whatever characters it has."""
    return re.sub(r"[*?\[]", r"[\g<0>]", path)


def make_folder(where: AnyPath | Path) -> None:
    """Make a folder; an object store has none and needs none."""
    if is_local(where):
        make_real_folder(local(where))


def read(file: AnyPath | Path, most: int = SMALL) -> bytes:
    """A whole small file, also while others replace it.

    Raises FileNotFoundError, and StoreError for what is no file of `most` bytes.
    """
    if isinstance(file, Path):
        return read_small(file, most)
    data = bytes(file.fs.cat_file(file.path, start=0, end=most + 1))
    check_size(file, len(data), most)
    return data


def replace(file: AnyPath | Path, data: str | bytes) -> None:
    """Write a file whole: what was there stays until the new one is on the disk."""
    data = data.encode() if isinstance(data, str) else data
    if is_local(file):
        refuse_links(local(file.parent))
        with exchanged(local(file)) as partial:
            partial.write_bytes(data)
    else:
        file.write_bytes(data)


def create(file: AnyPath, data: str | bytes) -> None:
    """Write a file that is not there yet. Raises FileExistsError."""
    data = data.encode() if isinstance(data, str) else data
    if is_local(file):
        create_new(local(file), data)
    else:
        file.fs.pipe_file(file.path, data, mode="create")


def put_new(source: AnyPath, target: AnyPath, *, last: str) -> None:
    """Move a folder to where none is, its file `last` after all others.

    Raises FileExistsError if something is there: nothing is ever replaced, not even by
    a process that was stopped halfway and goes on much later. So in an object store,
    which can move nothing, each file is read and created again.
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
def written(file: AnyPath, check: Callable[[], None]) -> Iterator[Path]:
    """Yield a temporary local path; on exit move it into place, its sum beside it.

    The sum stands beside it as `sha256sum` writes it. While a file is exchanged both
    sums stand there, so that at every moment the file has one of them. `check` raises
    where this process may not write any more, and is called before each of the steps.
    """
    if is_local(file):
        make_folder(file.parent)
        with exchanged(local(file)) as partial:
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


def _announce(file: AnyPath, held: Path) -> str:
    """Write the sum of a file to come, above that of the one which is there."""
    line = f"{sha256(held)}  {file.name}\n"
    before = read(checksum_file(file)).decode() if file.exists() else ""
    replace(checksum_file(file), line + before)
    return line


def checksum_file(file: AnyPath) -> AnyPath:
    """Where the sum of a file, or the sums of a part, stand."""
    return file.with_name(file.name + SUM)


def matches_checksum(file: AnyPath) -> bool:
    """Whether a file is what its sum says. Raises FileNotFoundError."""
    lines = read(checksum_file(file)).decode(errors="replace").splitlines()
    return f"{sha256(file)}  {file.name}" in lines


def sha256(file: AnyPath | Path) -> str:
    """The sha256 of a file's bytes."""
    total = hashlib.sha256()
    with file.open("rb") as opened:
        while piece := opened.read(PIECE):
            total.update(piece)
    return total.hexdigest()


def sync(where: AnyPath | Path) -> None:
    """Force a file, or all files and folders below a folder, to the disk."""
    if not is_local(where):
        return
    if where.is_file():
        sync_one(local(where))
    for here, _, files in os.walk(str(where)):
        for one in (*files, "."):
            sync_one(Path(here) / one)


def remove(where: AnyPath) -> None:
    """Remove a file, or a folder with all in it; nothing where there is none."""
    if is_local(where):
        remove_below(local(where))
    elif where.fs.exists(where.path):
        where.fs.rm(where.path, recursive=True)


@contextmanager
def on_disk(file: AnyPath) -> Iterator[Path]:
    """A file as one on this disk: itself, or a copy that is gone afterwards.

    What is mapped into memory stays there.
    """
    if is_local(file):
        yield Path(str(file))
        return
    with TemporaryDirectory() as folder:
        held = Path(folder) / file.name
        file.fs.get_file(file.path, str(held))
        yield held


def copy(
    source: AnyPath, target: AnyPath, check: Callable[[], None] = lambda: None
) -> None:
    """Copy a file, whole or not at all. Raises StoreError for what never ends.

    `check` is called last, and raises where this process may not write any more.
    """
    if is_local(source):
        check_ordinary(local(source), LARGEST)
    with source.open("rb") as opened:
        if is_local(target):
            make_folder(target.parent)
            with exchanged(local(target)) as partial, partial.open("wb") as out:
                shutil.copyfileobj(opened, out, PIECE)
                check()
        else:
            with target.open("wb") as out:
                shutil.copyfileobj(opened, out, PIECE)
                check()


def below(folder: AnyPath) -> list[AnyPath]:
    """All files below a folder, in order."""
    home = folder.absolute().path
    found = folder.fs.find(home)
    return [folder / name.removeprefix(home).lstrip("/") for name in found]


def relative(file: AnyPath, folder: AnyPath) -> str:
    """The path of a file from a folder on."""
    return str(file).removeprefix(str(folder)).lstrip("/")


def names(folder: AnyPath) -> list[str]:
    """The names of what is in a folder; none if there is no such folder."""
    try:
        return [one.name for one in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return []


def listing(folder: AnyPath) -> Callable[[AnyPath], bool]:
    """Tells which files are below a folder.

    A disk is asked for each file; an object store, where that takes long, lists all.
    """
    if is_local(folder):
        return lambda file: file.is_file()
    there = {file.path for file in below(folder)}
    return lambda file: file.path in there
