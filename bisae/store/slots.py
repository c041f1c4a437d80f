"""What stored rows of codes are like, told in numbers: the rules are SQL's.

Reads blocks of slots as they are stored; gives Arrow tables and batches.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bisae.store.format import Array
from bisae.store.records import Codes
from bisae.store.stored import StoredCodes
from bisae.store.stream import bits_below

ROWS = pa.schema(
    [
        ("token_row", pa.int64()),
        ("n_used", pa.int16()),
        ("n_repeated", pa.int16()),
        ("n_beyond", pa.int16()),
        ("n_not_finite", pa.int16()),
        ("n_negative", pa.int16()),
        ("n_rising", pa.int16()),
        ("n_unused_named", pa.int16()),
    ]
)
ABOVE = pa.schema(
    [("token_row", pa.int64()), ("feature", pa.int32()), ("value", pa.float32())]
)
INFINITE = 0x7C00
"""Infinity's bits as a float16; as integers, bits of lesser values are less."""


class Told(NamedTuple):
    """What a cell's slots are like."""

    rows: pa.Table
    """One row a token, 22 bytes: of its places how many are in use, name a feature
    that another names too, name no feature, hold no finite or a negative value, hold
    more than the place before, name a feature without being in use."""
    features: pa.Table
    """feature, n_active, max_value of each number that is in use; the maximum is of
    finite values."""


def told(blocks: Iterable[Codes], feature: Array) -> Told:
    """Tell what slots are like; `feature` is what each number stands for, (n,)."""
    n = len(feature)
    n_active, strongest = np.zeros(n, np.int64), np.zeros(n, np.int16)
    rows = []
    for block in blocks:
        number, bits = block.index, block.value.view(np.int16)
        rows.append(_row_batch(block.first, number, bits, n))
        named, held = number.reshape(-1), bits.reshape(-1)
        used = (held != 0) & (named < n)
        if not used.all():
            named, held = named[used], held[used]
        n_active += np.bincount(named, minlength=n)
        np.maximum.at(strongest, named, np.where(held < INFINITE, held, 0))
    alive = np.flatnonzero(n_active)
    features = {
        "feature": feature[alive].astype(np.int32),
        "n_active": n_active[alive],
        "max_value": strongest[alive].view(np.float16).astype(np.float32),
    }
    return Told(pa.Table.from_batches(rows, ROWS), pa.table(features))


def _row_batch(first: int, number: Array, bits: Array, n: int) -> pa.RecordBatch:
    used = bits != 0
    # What is not in use names nothing, and is told from all others by its place.
    nothing = -1 - np.arange(number.shape[1])
    named = number if used.all() else np.where(used, number, nothing)
    ordered = np.sort(named, axis=1)
    counts = (
        used,
        ordered[:, 1:] == ordered[:, :-1],
        used & (number >= n),
        bits & INFINITE == INFINITE,
        bits < 0,
        bits[:, 1:] > bits[:, :-1],
        ~used & (number != 0),
    )
    rows = np.arange(first, first + len(bits))
    columns = [pa.array(rows), *(pa.array(_per_row(one)) for one in counts)]
    return pa.record_batch(columns, schema=ROWS)


def _per_row(marks: Array) -> Array:
    """How many places of each row are marked; mostly none is, or all are."""
    counts = np.zeros(len(marks), np.int16)
    if marks.any():
        counts[:] = np.count_nonzero(marks, axis=1)
    return counts


def above(
    blocks: Iterable[Codes], stored: StoredCodes, floor: Array
) -> Iterator[pa.RecordBatch]:
    """The activations above their feature's floor, (n,) float64."""
    least = bits_below(floor)[stored.feature]
    for block in blocks:
        bits = block.value.view(np.int16)
        found = bits > least.take(block.index, mode="clip")
        place = np.flatnonzero(found & (bits < INFINITE))
        columns = (
            block.first + place // stored.k,
            stored.feature.take(block.index.reshape(-1)[place], mode="clip"),
            block.value.reshape(-1)[place],
        )
        arrays = [
            pa.array(one.astype(kind.to_pandas_dtype()))
            for one, kind in zip(columns, ABOVE.types, strict=True)
        ]
        yield pa.record_batch(arrays, schema=ABOVE)
