"""How an array becomes chunks on the disk: store/layout.toml made real.

The only module that creates Zarr nodes, syncs them, and turns what goes wrong while
reading or writing into one line that names the place.
"""

import errno
import hashlib
import tomllib
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import zarr
import zarr.errors
from numpy.typing import NDArray
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.codecs.numcodecs import PCodec

from bisae.assets import asset_dir
from bisae.errors import StoreError
from bisae.files import sync

Array = NDArray[Any]
# Zarr types every item of a group as a union of all that JSON and arrays can be.
Node = Any

LAYOUT = tomllib.loads((asset_dir("store") / "layout.toml").read_text("utf-8"))
WRITE_ERRORS = {
    errno.ENOSPC: "make room and run again",
    errno.EDQUOT: "make room and run again",
    errno.EFBIG: "files may not grow so large here; run again where they may",
    errno.EACCES: "give yourself the right to write there and run again",
    errno.EPERM: "give yourself the right to write there and run again",
    errno.EROFS: "choose a store on a disk that can be written",
}


def open_group(path: Path, mode: str = "r+") -> Node:
    """Open the root group. Raises FileNotFoundError."""
    return zarr.open_group(path, mode=mode, use_consolidated=False)  # type: ignore[arg-type]


def find_group(root: Node, path: str) -> Node | None:
    """The group at `path`, or None."""
    try:
        return root[path]
    except KeyError:
        return None


def stamp(kind: str) -> dict[str, Any]:
    """The attributes that tell a node of this format."""
    return {"bisae_format": kind, "bisae_format_version": LAYOUT["version"]}


def create(
    group: Node, name: str, shape: tuple[int, ...], *, wide: bool = False
) -> Node:
    """Create an array as store/layout.toml says."""
    spec = LAYOUT["array"][name]
    chunk = min(spec["chunk"], max(shape[0], 1)) if shape[0] else spec["chunk"]
    chunks = (chunk, *shape[1:])
    shards = None
    if "shard" in spec:
        whole = -(-shape[0] // chunk) * chunk
        shards = (min(spec["shard"] // chunk * chunk, whole), *shape[1:])
    codec: dict[str, Any] = {"compressors": [ZstdCodec(level=1, checksum=True)]}
    if spec["codec"] == "pcodec":
        codec = {"serializer": PCodec(level=8), "compressors": [Crc32cCodec()]}
    return group.create_array(
        name,
        shape=shape,
        chunks=chunks,
        shards=shards,
        dtype=spec["wide_dtype" if wide else "dtype"],
        fill_value=0,
        dimension_names=tuple(spec["dimensions"]),
        **codec,
    )


def complete(group: Node, *folders: Path) -> None:
    """Mark a part complete once everything in `folders` is on the disk."""
    for folder in folders:
        sync(folder)
    group.attrs["complete"] = True
    sync(folders[0] / "zarr.json")


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Name the array in errors that a damaged chunk raises below."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except (ValueError, RuntimeError, OSError) as error:
        if isinstance(error, StoreError):
            raise
        msg = f"{where} cannot be read: {error}; remove that cell and build it again"
        raise StoreError(msg) from error


@contextmanager
def writing(what: object, place: Path) -> Iterator[None]:
    """Name what could not be written, where, and what to do about it."""
    try:
        with warnings.catch_warnings():
            # PCodec is no part of the Zarr 3 specification; store/README.md says so.
            warnings.simplefilter("ignore")
            yield
    except OSError as error:
        if isinstance(error, StoreError) or error.errno not in WRITE_ERRORS:
            raise
        msg = f"cannot write {what} to {place}: {error.strerror}; "
        msg += WRITE_ERRORS[error.errno] + "; what is finished is kept"
        raise StoreError(msg) from error


def digest(arrays: Iterable[Array]) -> str:
    """The sha256 of the bytes of arrays, one after another."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
