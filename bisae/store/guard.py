"""What goes wrong while reading or writing a store becomes one line that names it.

Writes nothing; reads chunks again, to find out which of them cannot be read.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from bisae.disk_errors import LOST, REMEDIES
from bisae.errors import BisaeError, Damaged, StoreError
from bisae.files import Place, is_local
from bisae.store.format import Array, MissingChunk, Node

CLIENTS = {"aiobotocore", "aiohttp", "botocore", "s3fs"}
"""Of object stores: they raise errors of their own."""
REMEDY = (
    "`bisae verify` finds all that is damaged; remove it with `bisae rm`, build again"
)


@contextmanager
def reading(where: str) -> Iterator[None]:
    """Name the place in whatever damaged data raises below."""
    try:
        yield
    except BisaeError:
        raise
    except Exception as error:  # of a damaged node any part of Zarr may complain
        _refuse_lost_disk(where, error)
        raise Damaged(where, _reason(error), REMEDY) from error


def _refuse_lost_disk(where: str, error: Exception) -> None:
    """Raise StoreError where nothing can be read any more: nothing need be damaged."""
    if isinstance(error, OSError) and error.errno in LOST:
        msg = f"cannot read {where}: {error.strerror}; {LOST[error.errno]}"
        raise StoreError(msg) from error


def read_rows(array: Node, where: str, rows: slice) -> Array:
    """Rows of an array. Raises Damaged, naming the chunk that cannot be read."""
    try:
        found: Array = array[rows]
    except Exception as error:
        _refuse_lost_disk(where, error)
        # Zarr's tasks log what they raise, once more and at any time.
        logging.getLogger("asyncio").addFilter(_was_raised)
        chunk, reason = _damage(array, rows) or ("", _reason(error))
        raise Damaged(where + chunk, reason, REMEDY) from error
    return found


def read_whole(array: Node, where: str) -> Array:
    """All rows of an array. Raises Damaged, naming the chunk that cannot be read.

    Rows are read a chunk at a time: a shape that is a lie takes no memory.
    """
    n, step = array.shape[0], array.chunks[0]
    with reading(where):
        whole: Array = np.empty(array.shape, array.dtype)
    for first in range(0, n, step):
        last = min(first + step, n)
        whole[first:last] = read_rows(array, where, slice(first, last))
    return whole


def _damage(array: Node, rows: slice) -> tuple[str, str] | None:
    """The first chunk of some rows that cannot be read, and why."""
    size, held = array.chunks[0], (array.shards or array.chunks)[0]
    for first in range(rows.start // size * size, rows.stop, size):
        last = min(first + size, array.shape[0])
        try:
            array[first:last]
        except Exception as error:
            key = "/".join(["c", str(first // held), *("0" * (array.ndim - 1))])
            return f", chunk {key} (rows {first:,} to {last - 1:,})", _reason(error)
    return None


def _was_raised(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Task exception was never retrieved")


def _reason(error: Exception) -> str:
    if isinstance(error, MissingChunk):
        return "it is lost"
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def writing(what: object, place: Place) -> Iterator[None]:
    """Name what could not be written, where, and what to do about it."""
    try:
        yield
    except StoreError:
        raise
    except Exception as error:
        remedy = _remedy(error)
        if remedy is None:
            raise
        reason = getattr(error, "strerror", None) or _reason(error)
        msg = f"cannot write {what} to {place}: {reason}; {remedy}; "
        raise StoreError(msg + "what is finished is kept") from error


def _remedy(error: Exception) -> str | None:
    """What to do about a failed write; nothing if it is another failure."""
    if isinstance(error, OSError) and error.errno in REMEDIES | LOST:
        return (REMEDIES | LOST)[error.errno]
    if type(error).__module__.partition(".")[0] in CLIENTS:
        return "see that it can be reached and run again"
    return None


@contextmanager
def reaching(place: Place) -> Iterator[None]:
    """Say that an object store cannot be reached: clients raise what they like."""
    try:
        yield
    except BisaeError:
        raise
    except Exception as error:
        if is_local(place):
            raise
        msg = f"cannot reach {place}: {_reason(error)}; check its name, and endpoint "
        msg += "and credentials in the environment"
        raise StoreError(msg) from error
