"""A cell's codes as a stream of Arrow batches, the form in which DuckDB scans them."""

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
    ]
)
NO_FEATURE = -1


def batches(
    blocks: Iterable[Codes], width: int, floor: Array | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the activations of consecutive rows; unused places are left out.

    With a `floor`, (n,) float64, only those above their feature's. starts_run: whether
    the token before, of the same `width` tokens, did not activate the feature, however
    weakly. To determine it here costs a hundredth of sorting codes by feature.
    """
    before, least = None, None if floor is None else bits_below(floor)
    for block in blocks:
        used = in_use(block.value)
        index = block.index
        if used is not None:
            index = np.where(used, index.astype(np.int64), NO_FEATURE)
        rows = np.arange(block.first, block.first + len(index))
        starts = ~_goes_on(index, before)
        starts[rows % width == 0] = True
        before = index[-1]
        if least is not None:
            bits = block.value.view(np.int16)
            used = bits > least.take(block.index, mode="clip")
        yield _batch(rows, index, block.value, starts, used)


def _goes_on(index: Array, before: Array | None) -> Array:
    """Which of (rows, k) features stand in the row before too."""
    # The first row, if none is before it, is compared with itself.
    rows = np.vstack([index[:1] if before is None else before, index])
    columns = np.ascontiguousarray(rows.T)
    found = np.zeros(index.T.shape, bool)
    for feature, also in zip(columns, found, strict=True):
        for other in columns:
            also |= feature[1:] == other[:-1]
    return found.T


def _batch(
    rows: Array, index: Array, value: Array, starts: Array, used: Array | None
) -> pa.RecordBatch:
    if used is None:
        row = rows.repeat(index.shape[1])
        index, value, starts = (one.reshape(-1) for one in (index, value, starts))
    else:
        row = rows.repeat(used.sum(1))
        index, value, starts = (one[used] for one in (index, value, starts))
    columns = (row, index.astype(np.int32), value.astype(np.float32), starts)
    return pa.record_batch([pa.array(one) for one in columns], schema=SCHEMA)


def in_use(value: Array) -> Array | None:
    """Which places of rows hold a code; None if all do, as values fall along a row."""
    if value.size and value[:, -1].all():
        return None
    used: Array = value.view(np.uint16) > 0  # several times as fast as of float16
    return used


def bits_below(floor: Array) -> Array:
    """Return the bits of the largest float16 that is not above each floor.

    As integers, the bits of positive float16 are in the order of their values.
    """
    near = floor.astype(np.float16)
    below = np.where(near.astype(np.float64) > floor, np.nextafter(near, 0), near)
    return below.astype(np.float16).view(np.int16)


def ahead(read: Callable[[slice], Codes], places: Iterable[slice]) -> Iterator[Codes]:
    """Read block after block, the next two while one is worked on."""
    with ThreadPoolExecutor(2) as pool:
        coming: deque[Future[Codes]] = deque()
        for place in places:
            coming.append(pool.submit(read, place))
            if len(coming) > 2:
                yield coming.popleft().result()
        for last in coming:
            yield last.result()


class CodesStream:
    """Hands out a fresh Arrow stream at every scan."""

    def __init__(
        self, schema: pa.Schema, batches: Callable[[], Iterator[pa.RecordBatch]]
    ) -> None:
        self._schema = schema
        self._batches = batches

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """One record batch for each block of rows; opened when the first is read."""
        reader = pa.RecordBatchReader.from_batches(self._schema, self._read())
        return reader.__arrow_c_stream__(requested_schema)

    def _read(self) -> Iterator[pa.RecordBatch]:
        # DuckDB asks for a stream whenever it binds a view, mostly to read nothing.
        yield from self._batches()
