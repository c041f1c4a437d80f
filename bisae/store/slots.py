"""Count violations in the stored slots of codes; the rules themselves are in SQL.

Reads blocks of slots as they are stored; returns Arrow tables and batches.
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
"""The bits of float16 infinity; as integers, those of smaller values are smaller."""


class SlotSummary(NamedTuple):
    """Counts over the slots of a cell's codes."""

    rows: pa.Table
    """One row per token, 22 bytes. Numbers of slots that are in use, repeat the feature
    of another slot, name a feature beyond the last, hold a value that is not finite or
    negative, hold more than the slot before, or name a feature though unused."""
    features: pa.Table
    """feature, n_active and max_value (of finite values) of every number in use."""


def summarize_slots(blocks: Iterable[Codes], feature: Array) -> SlotSummary:
    """Summarize slots; `feature`, (n,), maps each number to its feature."""
    n = len(feature)
    n_active, strongest = np.zeros(n, np.int64), np.zeros(n, np.int16)
    rows = []
    for block in blocks:
        number, bits = block.index, block.value.view(np.int16)
        rows.append(_row_batch(block.first, number, bits, n))
        numbers, values = number.reshape(-1), bits.reshape(-1)
        used = (values != 0) & (numbers < n)
        if not used.all():
            numbers, values = numbers[used], values[used]
        n_active += np.bincount(numbers, minlength=n)
        np.maximum.at(strongest, numbers, np.where(values < INFINITE, values, 0))
    alive = np.flatnonzero(n_active)
    features = {
        "feature": feature[alive].astype(np.int32),
        "n_active": n_active[alive],
        "max_value": strongest[alive].view(np.float16).astype(np.float32),
    }
    return SlotSummary(pa.Table.from_batches(rows, ROWS), pa.table(features))


def _row_batch(first: int, number: Array, bits: Array, n: int) -> pa.RecordBatch:
    used = bits != 0
    # Unused slots get numbers of their own, so that they repeat no other.
    unique = -1 - np.arange(number.shape[1])
    numbers = number if used.all() else np.where(used, number, unique)
    ordered = np.sort(numbers, axis=1)
    violations = (
        used,
        ordered[:, 1:] == ordered[:, :-1],
        used & (number >= n),
        bits & INFINITE == INFINITE,
        bits < 0,
        bits[:, 1:] > bits[:, :-1],
        ~used & (number != 0),
    )
    rows = np.arange(first, first + len(bits))
    columns = [pa.array(rows), *(pa.array(_per_row(marks)) for marks in violations)]
    return pa.record_batch(columns, schema=ROWS)


def _per_row(marks: Array) -> Array:
    """Count the marked slots of each row; mostly none or all are marked."""
    counts = np.zeros(len(marks), np.int16)
    if marks.any():
        counts[:] = np.count_nonzero(marks, axis=1)
    return counts


def activations_above(
    blocks: Iterable[Codes], stored: StoredCodes, floor: Array
) -> Iterator[pa.RecordBatch]:
    """Yield the activations above their feature's floor, (n,) float64."""
    least = bits_below(floor)[stored.feature]
    for block in blocks:
        bits = block.value.view(np.int16)
        is_above = bits > least.take(block.index, mode="clip")
        slot = np.flatnonzero(is_above & (bits < INFINITE))
        columns = (
            block.first + slot // stored.k,
            stored.feature.take(block.index.reshape(-1)[slot], mode="clip"),
            block.value.reshape(-1)[slot],
        )
        arrays = [
            pa.array(column.astype(kind.to_pandas_dtype()))
            for column, kind in zip(columns, ABOVE.types, strict=True)
        ]
        yield pa.record_batch(arrays, schema=ABOVE)
