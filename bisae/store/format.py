"""How an array becomes chunks: store/layout.toml made real.

The only module that creates and opens Zarr arrays.
"""

import json
import math
import stat
import threading
import warnings
from pathlib import Path
from typing import Any

import zarr
from numpy.typing import NDArray
from zarr import AsyncArray
from zarr.abc.store import ByteRequest, Store
from zarr.codecs import Crc32cCodec, ZstdCodec
from zarr.codecs.numcodecs import PCodec
from zarr.core.buffer import Buffer, BufferPrototype
from zarr.core.metadata import ArrayV3Metadata
from zarr.storage import FsspecStore, LocalStore, StorePath, WrapperStore

from bisae.files import Place, is_local
from bisae.store.codecs import bounded
from bisae.store.layout import DOCUMENT, LAYOUT
from bisae.store.metadata import array_document

Array = NDArray[Any]
# Zarr types every item of a group as a union of all that JSON and arrays can be.
Node = Any

LARGEST_FILE = 2**29
"""Bytes of a chunk that is read whole; of a shard parts are read."""
# PCodec is no part of the Zarr 3 specification, and says so whenever it is made;
# store/README.md says it too. Filters of warnings are shared by all threads.
_quiet = threading.Lock()


class MissingChunk(Exception):
    """A chunk that was written and is not there any more."""


class Strict(WrapperStore[Store]):
    """A store in which every chunk must be there: Zarr would read zeros instead."""

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read a key. Raises MissingChunk, and ValueError for what no chunk can be."""
        if isinstance(self._store, LocalStore):
            _check_file(self._store.root / key, whole=byte_range is None)
        found = await super().get(key, prototype, byte_range)
        if found is None and not key.endswith(DOCUMENT):
            raise MissingChunk(key)
        return found


def _check_file(file: Path, *, whole: bool) -> None:
    """Refuse what could be read forever: a pipe, a device, a file of any length."""
    try:
        status = file.stat()
    except OSError:  # it is lost, which the reader says
        return
    if not stat.S_ISREG(status.st_mode):
        msg = "its chunk is no ordinary file"
        raise ValueError(msg)
    if whole and status.st_size > LARGEST_FILE:
        msg = f"its chunk has {status.st_size:,} bytes, more than a chunk can have"
        raise ValueError(msg)


def stamp(kind: str) -> dict[str, Any]:
    """The attributes that tell a node of this format."""
    return {"bisae_format": kind, "bisae_format_version": LAYOUT["version"]}


def document(attributes: dict[str, Any]) -> str:
    """The metadata of a group, as Zarr writes it."""
    told = {"attributes": attributes, "zarr_format": 3, "node_type": "group"}
    return json.dumps(told, indent=2, ensure_ascii=False)


def zarr_store(folder: Place, *, read_only: bool) -> Store:
    """A folder as Zarr sees it."""
    if is_local(folder):
        return LocalStore(str(folder), read_only=read_only)
    options = dict(folder.storage_options)
    return FsspecStore.from_url(str(folder), options, read_only=read_only)


def create(
    store: Store, path: str, shape: tuple[int, ...], *, wide: bool = False
) -> Node:
    """Create the array at `path`, as store/layout.toml says of its name."""
    spec = LAYOUT["array"][path.rpartition("/")[2]]
    chunk = spec.get("chunk") or max(1, spec["chunk_values"] // math.prod(shape[1:]))
    if shape[0]:
        chunk = min(chunk, shape[0])
    shards = None
    if "chunks_a_shard" in spec:
        needed = -(-shape[0] // chunk)
        shards = (min(spec["chunks_a_shard"], needed) * chunk, *shape[1:])
    with _quiet, warnings.catch_warnings(action="ignore"):
        return zarr.create_array(
            store,
            name=path,
            shape=shape,
            chunks=(chunk, *shape[1:]),
            shards=shards,
            dtype=spec["wide_dtype" if wide else "dtype"],
            fill_value=0,
            dimension_names=tuple(spec["dimensions"]),
            # So that a chunk that is not there was lost.
            config={"write_empty_chunks": True},
            **_codec(spec["codec"]),
        )


def _codec(name: str) -> dict[str, Any]:
    level = LAYOUT["codec"][name]["level"]
    if name == "pcodec":
        return {"serializer": PCodec(level=level), "compressors": [Crc32cCodec()]}
    return {"compressors": [ZstdCodec(level=level, checksum=True)]}


def open_array(store: Store, home: Place, path: str) -> Node:
    """Open an array of the hierarchy at `home` for reading. Raises StoreError."""
    document = array_document(home / path / DOCUMENT)
    with _quiet, warnings.catch_warnings(action="ignore"):
        metadata = bounded(ArrayV3Metadata.from_dict(document))
        array: Node = AsyncArray(metadata, StorePath(Strict(store), path))
        return zarr.Array(array)
