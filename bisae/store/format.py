"""Create and open arrays with the chunks, codecs and types of store/layout.toml.

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

from bisae.files import AnyPath, is_local
from bisae.store.codecs import bounded
from bisae.store.layout import DOCUMENT, LAYOUT
from bisae.store.metadata import array_document

Array = NDArray[Any]
# Zarr's own type for the items of a group is a union too wide to use.
Node = Any

LARGEST_FILE = 2**29
"""Maximum bytes of a chunk, which is read whole; shards are read in ranges."""
# Zarr warns whenever PCodec is created that it is not in the Zarr 3 specification, as
# store/README.md says too. Warning filters are shared by all threads.
_quiet = threading.Lock()


class MissingChunk(Exception):
    """A chunk that was written no longer exists."""


class StrictStore(WrapperStore[Store]):
    """A store that raises for a missing chunk, which Zarr would read as zeros."""

    async def get(
        self,
        key: str,
        prototype: BufferPrototype,
        byte_range: ByteRequest | None = None,
    ) -> Buffer | None:
        """Read a key. Raises MissingChunk, and ValueError for an unfit file."""
        if isinstance(self._store, LocalStore):
            _check_file(self._store.root / key, whole=byte_range is None)
        value = await super().get(key, prototype, byte_range)
        if value is None and not key.endswith(DOCUMENT):
            raise MissingChunk(key)
        return value


def _check_file(file: Path, *, whole: bool) -> None:
    """Refuse what could be read without end: a pipe, a device, an oversized file."""
    try:
        status = file.stat()
    except OSError:  # the reader reports that it is missing
        return
    if not stat.S_ISREG(status.st_mode):
        msg = "its chunk is not an ordinary file"
        raise ValueError(msg)
    if whole and status.st_size > LARGEST_FILE:
        msg = f"its chunk has {status.st_size:,} bytes, more than a chunk can have"
        raise ValueError(msg)


def stamp(kind: str, *, newest: bool = False) -> dict[str, Any]:
    """Return the attributes that mark a node as being of this format.

    Only imported autoencoders and controls need the `newest` version.
    """
    version = LAYOUT["newest_version" if newest else "version"]
    return {"bisae_format": kind, "bisae_format_version": version}


def document(attributes: dict[str, Any]) -> str:
    """Return the metadata of a group as Zarr writes it."""
    metadata = {"attributes": attributes, "zarr_format": 3, "node_type": "group"}
    return json.dumps(metadata, indent=2, ensure_ascii=False)


def zarr_store(folder: AnyPath, *, read_only: bool) -> Store:
    """Return the Zarr store of a folder."""
    if is_local(folder):
        return LocalStore(str(folder), read_only=read_only)
    options = dict(folder.storage_options)
    return FsspecStore.from_url(str(folder), options, read_only=read_only)


def create(
    store: Store, path: str, shape: tuple[int, ...], *, wide: bool = False
) -> Node:
    """Create the array at `path`, laid out as store/layout.toml says for its name."""
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
            # A missing chunk then always means data loss.
            config={"write_empty_chunks": True},
            **_codec(spec["codec"]),
        )


def _codec(name: str) -> dict[str, Any]:
    level = LAYOUT["codec"][name]["level"]
    if name == "pcodec":
        return {"serializer": PCodec(level=level), "compressors": [Crc32cCodec()]}
    return {"compressors": [ZstdCodec(level=level, checksum=True)]}


def open_array(store: Store, root: AnyPath, path: str) -> Node:
    """Open an array of the hierarchy at `root` for reading. Raises StoreError."""
    document = array_document(root / path / DOCUMENT)
    with _quiet, warnings.catch_warnings(action="ignore"):
        metadata = bounded(ArrayV3Metadata.from_dict(document))
        array: Node = AsyncArray(metadata, StorePath(StrictStore(store), path))
        return zarr.Array(array)
