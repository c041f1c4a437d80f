"""A cell's codes as a stream of Arrow batches, the form in which DuckDB scans them."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from bisae.store.records import Codes

SCHEMA = pa.schema(
    [("token_row", pa.int64()), ("feature", pa.int32()), ("value", pa.float32())]
)


class CodesStream:
    """Hands out a fresh Arrow stream at every scan."""

    def __init__(self, blocks: Callable[[], Iterator[Codes]]) -> None:
        self._blocks = blocks

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """One record batch for each block of rows; unused places are left out."""

        def batches() -> Iterator[pa.RecordBatch]:
            for block in self._blocks():
                row, rank = np.nonzero(block.value)
                columns = [
                    pa.array(row + block.first),
                    pa.array(block.index[row, rank].astype(np.int32)),
                    pa.array(block.value[row, rank].astype(np.float32)),
                ]
                yield pa.record_batch(columns, schema=SCHEMA)

        reader = pa.RecordBatchReader.from_batches(SCHEMA, batches())
        return reader.__arrow_c_stream__(requested_schema)
