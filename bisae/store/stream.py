"""Stream a cell's codes as Arrow batches, the form in which DuckDB scans them."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import pyarrow as pa

from bisae.store.format import Array
from bisae.store.records import Codes

SCHEMA = pa.schema(
    [
        ("token_row", pa.int64()),
        ("feature", pa.int32()),
        ("value", pa.float32()),
        ("starts_run", pa.bool_()),
        ("halvings", pa.uint8()),
    ]
)
NO_FEATURE = -1
MOST_HALVINGS = 3


def activation_batches(
    blocks: Iterable[Codes], width: int, floor: Array | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the activations of consecutive rows, without unused slots.

    With a `floor`, (n,) float64, only those above their feature's floor. starts_run is
    true if the previous token of the same document (`width` tokens) did not activate
    the feature at all; computing it here costs a hundredth of sorting by feature.
    halvings is how often a row's k can be halved before it loses this code, at most
    MOST_HALVINGS times: 2 for one that is among the k // 4 strongest but not k // 8.
    """
    before, least = None, None if floor is None else bits_below(floor)
    for block in blocks:
        used = used_slots(block.value)
        index = block.index
        if used is not None:
            index = np.where(used, index.astype(np.int64), NO_FEATURE)
        rows = np.arange(block.first, block.first + len(index))
        starts = ~_continues_run(index, before)
        starts[rows % width == 0] = True
        before = index[-1]
        if least is not None:
            bits = block.value.view(np.int16)
            used = bits > least.take(block.index, mode="clip")
        yield _batch(rows, index, block.value, starts, halvings(index), used)


def _continues_run(index: Array, before: Array | None) -> Array:
    """Mark the features, (rows, k), that the previous row has too."""
    # Without a previous row, the first is compared with itself.
    rows = np.vstack([index[:1] if before is None else before, index])
    columns = np.ascontiguousarray(rows.T)
    continues = np.zeros(index.T.shape, bool)
    for feature, matches in zip(columns, continues, strict=True):
        for previous in columns:
            matches |= feature[1:] == previous[:-1]
    return continues.T


def halvings(index: Array) -> Array:
    """Return how often k can be halved before each slot is cut off, (rows, k)."""
    k = index.shape[1]
    kept = [np.arange(k) < k >> n for n in range(1, MOST_HALVINGS + 1)]
    return np.broadcast_to(np.sum(kept, axis=0).astype(np.uint8), index.shape)


def _batch(
    rows: Array,
    index: Array,
    value: Array,
    starts: Array,
    halvings: Array,
    used: Array | None,
) -> pa.RecordBatch:
    arrays = (index, value, starts, halvings)
    if used is None:
        row = rows.repeat(index.shape[1])
        index, value, starts, halvings = (array.reshape(-1) for array in arrays)
    else:
        row = rows.repeat(used.sum(1))
        index, value, starts, halvings = (array[used] for array in arrays)
    columns = (
        row,
        index.astype(np.int32),
        value.astype(np.float32),
        starts,
        halvings,
    )
    return pa.record_batch([pa.array(array) for array in columns], schema=SCHEMA)


def used_slots(value: Array) -> Array | None:
    """Mark the slots that hold a code; None if all do, as values fall along a row."""
    if value.size and value[:, -1].all():
        return None
    used: Array = (
        value.view(np.uint16) > 0
    )  # several times faster than comparing float16
    return used


def bits_below(floor: Array) -> Array:
    """Return the bits of the largest float16 not above each floor.

    As integers, the bits of positive float16 numbers are ordered as their values.
    """
    near = floor.astype(np.float16)
    below = np.where(near.astype(np.float64) > floor, np.nextafter(near, 0), near)
    return below.astype(np.float16).view(np.int16)


def read_ahead(
    read: Callable[[slice], Codes], blocks: Iterable[slice]
) -> Iterator[Codes]:
    """Read blocks in order, the next two while the caller works on one."""
    with ThreadPoolExecutor(2) as pool:
        pending: deque[Future[Codes]] = deque()
        for rows in blocks:
            pending.append(pool.submit(read, rows))
            if len(pending) > 2:
                yield pending.popleft().result()
        for future in pending:
            yield future.result()


class CodesStream:
    """An object that gives DuckDB a fresh Arrow stream at every scan."""

    def __init__(
        self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]
    ) -> None:
        self._schema = schema
        self._batches = batches

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Export a stream of one record batch per block of rows, read lazily."""
        reader = pa.RecordBatchReader.from_batches(self._schema, self._read())
        return reader.__arrow_c_stream__(requested_schema)

    def _read(self) -> Iterator[pa.RecordBatch]:
        # DuckDB asks for a stream whenever it binds a view, and mostly reads nothing.
        yield from self._batches()
