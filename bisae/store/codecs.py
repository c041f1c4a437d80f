"""Decoders that never return more values than the chunk's shape allows.

A few bytes can unpack to many gigabytes; the shape of a chunk is checked beforehand.
"""

import asyncio
import math
from dataclasses import replace
from typing import Any

import numpy as np
from pcodec import standalone
from zarr.codecs import ShardingCodec, ZstdCodec
from zarr.codecs.numcodecs import PCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer, NDBuffer
from zarr.core.metadata import ArrayV3Metadata

MAGIC = b"\x28\xb5\x2f\xfd"
HEADER = 18
"""Maximum length of a frame's header, in bytes."""


class BoundedZstd(ZstdCodec):
    """Zstandard that refuses a frame whose size is not the chunk's."""

    async def _decode_single(self, chunk_data: Buffer, chunk_spec: ArraySpec) -> Buffer:
        itemsize = chunk_spec.dtype.to_native_dtype().itemsize
        expected = math.prod(chunk_spec.shape) * itemsize
        size = frame_size(chunk_data[:HEADER].to_bytes())
        if size != expected:
            msg = f"its bytes unpack to {size} bytes, not {expected:,}"
            raise ValueError(msg)
        return await super()._decode_single(chunk_data, chunk_spec)


class BoundedPCodec(PCodec):
    """PCodec that stops at the chunk's number of values."""

    async def _decode_single(
        self, chunk_data: Buffer, chunk_spec: ArraySpec
    ) -> NDBuffer:
        values = np.empty(chunk_spec.shape, chunk_spec.dtype.to_native_dtype())
        progress = await asyncio.to_thread(
            standalone.simple_decompress_into, chunk_data.to_bytes(), values.reshape(-1)
        )
        if progress.n_processed != values.size or not progress.finished:
            msg = f"its bytes do not unpack to {values.size:,} values"
            raise ValueError(msg)
        return chunk_spec.prototype.nd_buffer.from_numpy_array(values)


def bounded(metadata: ArrayV3Metadata) -> ArrayV3Metadata:
    """Return an array's metadata with its decoders replaced by bounded ones."""
    return replace(metadata, codecs=tuple(map(_bounded, metadata.codecs)))


def _bounded(codec: Any) -> Any:
    if isinstance(codec, ShardingCodec):
        return replace(codec, codecs=tuple(map(_bounded, codec.codecs)))
    if isinstance(codec, ZstdCodec):
        return BoundedZstd(level=codec.level, checksum=codec.checksum)
    if isinstance(codec, PCodec):
        return BoundedPCodec(**codec.codec_config)
    return codec


def frame_size(header: bytes) -> int | None:
    """Return the decompressed size of a Zstandard frame, or None if it is not stated.

    RFC 8878, section 3.1.1.1.
    """
    if header[:4] != MAGIC or len(header) < 6:
        return None
    flags = header[4]
    single, has_size = bool(flags & 0x20), flags >> 6
    start = 5 + (not single) + (0, 1, 2, 4)[flags & 3]
    length = (int(single), 2, 4, 8)[has_size]
    field = header[start : start + length]
    if not length or len(field) < length:
        return None
    return int.from_bytes(field, "little") + (256 if length == 2 else 0)
