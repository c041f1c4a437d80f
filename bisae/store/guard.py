"""Turn failures of reading or writing a store into errors of one line.

Writes nothing; after a failure reads chunk by chunk to find the damaged one.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from bisae.disk_errors import LOST, REMEDIES
from bisae.errors import BisaeError, Damaged, StoreError
from bisae.files import AnyPath, is_local
from bisae.store.format import Array, MissingChunk, Node

CLIENTS = {"aiobotocore", "aiohttp", "botocore", "s3fs"}
"""Client libraries of object stores, which raise their own errors."""
REMEDY = (
    "`bisae verify` lists all damage; remove the cells with `bisae rm` and build again"
)


@contextmanager
def explain_read_errors(where: str) -> Iterator[None]:
    """Raise Damaged, naming `where`, for any error that damaged data cause within."""
    try:
        yield
    except BisaeError:
        raise
    except Exception as error:  # any part of Zarr may fail on a damaged node
        _raise_if_disk_lost(where, error)
        raise Damaged(where, _reason(error), REMEDY) from error


def _raise_if_disk_lost(where: str, error: Exception) -> None:
    """Raise StoreError if the disk has failed: the data need not be damaged."""
    if isinstance(error, OSError) and error.errno in LOST:
        msg = f"cannot read {where}: {error.strerror}; {LOST[error.errno]}"
        raise StoreError(msg) from error


def read_rows(array: Node, where: str, rows: slice) -> Array:
    """Read rows of an array. Raises Damaged, naming the chunk that cannot be read."""
    try:
        values: Array = array[rows]
    except Exception as error:
        _raise_if_disk_lost(where, error)
        # Zarr's tasks also log what they raise, at some later time.
        logging.getLogger("asyncio").addFilter(_is_new)
        chunk, reason = _find_damage(array, rows) or ("", _reason(error))
        raise Damaged(where + chunk, reason, REMEDY) from error
    return values


def read_whole(array: Node, where: str) -> Array:
    """Read a whole array. Raises Damaged, naming the chunk that cannot be read.

    Rows are read a chunk at a time, so a false shape takes no memory.
    """
    n, step = array.shape[0], array.chunks[0]
    with explain_read_errors(where):
        whole: Array = np.empty(array.shape, array.dtype)
    for first in range(0, n, step):
        last = min(first + step, n)
        whole[first:last] = read_rows(array, where, slice(first, last))
    return whole


def _find_damage(array: Node, rows: slice) -> tuple[str, str] | None:
    """Find the first chunk of `rows` that cannot be read, and the reason."""
    size, file_rows = array.chunks[0], (array.shards or array.chunks)[0]
    for first in range(rows.start // size * size, rows.stop, size):
        last = min(first + size, array.shape[0])
        try:
            array[first:last]
        except Exception as error:
            key = "/".join(["c", str(first // file_rows), *("0" * (array.ndim - 1))])
            return f", chunk {key} (rows {first:,} to {last - 1:,})", _reason(error)
    return None


def _is_new(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Task exception was never retrieved")


def _reason(error: Exception) -> str:
    if isinstance(error, MissingChunk):
        return "it is missing"
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def explain_write_errors(what: object, path: AnyPath) -> Iterator[None]:
    """Raise StoreError saying what could not be written, where, and what to do."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        remedy = _remedy(error)
        if remedy is None:
            raise
        reason = getattr(error, "strerror", None) or _reason(error)
        msg = f"cannot write {what} to {path}: {reason}; {remedy}; "
        raise StoreError(msg + "what is finished is kept") from error


def _remedy(error: Exception) -> str | None:
    """Return what to do about a failed write, or None for any other failure."""
    if isinstance(error, OSError) and error.errno in REMEDIES | LOST:
        return (REMEDIES | LOST)[error.errno]
    if type(error).__module__.partition(".")[0] in CLIENTS:
        return "check that it can be reached and run again"
    return None


@contextmanager
def explain_connection_errors(path: AnyPath) -> Iterator[None]:
    """Raise StoreError if an object store cannot be reached."""
    try:
        yield
    except BisaeError:
        raise
    except Exception as error:
        if is_local(path):
            raise
        msg = f"cannot reach {path}: {_reason(error)}; check its name, and endpoint "
        msg += "and credentials in the environment"
        raise StoreError(msg) from error
