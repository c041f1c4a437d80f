"""The rows of the table `tokens`: of the evaluation text, or of a control's own text.

Reads the store.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from bisae.corpus import Documents, has_random_tokens, text_for
from bisae.grid import Cell
from bisae.query import Connection
from bisae.store import Store

TOKENS = pa.schema(
    [
        ("token_row", pa.int64()),
        ("document", pa.int32()),
        ("position", pa.int32()),
        ("token_id", pa.int32()),
        ("language", pa.string()),
    ]
)
DOCUMENTS_AT_ONCE = 4096


def token_rows(documents: Documents, languages: Sequence[str]) -> pa.RecordBatchReader:
    """Stream the tokens of documents as rows of the table `tokens`."""
    batches = _batches(documents, np.array(languages))
    return pa.RecordBatchReader.from_batches(TOKENS, batches)


def put_text(con: Connection, store: Store, cell: Cell) -> None:
    """Replace the view `tokens` by the text that a cell read, if that was another.

    Random text has no words, so `token_concepts` is then empty.
    """
    if not has_random_tokens(store, cell):
        return
    rows = token_rows(text_for(store, cell, store.split("eval")), store.languages)
    con.register("token_batches", rows)
    con.execute("drop view tokens")
    con.execute("create table tokens as from token_batches")
    con.unregister("token_batches")
    views = "select view_name from duckdb_views() where view_name = 'token_concepts'"
    for (name,) in con.execute(views).fetchall():
        con.execute(f"create or replace temp table no_rows as from {name} limit 0")
        con.execute(f"create or replace view {name} as from no_rows")


def _batches(documents: Documents, names: np.ndarray) -> Iterator[pa.RecordBatch]:
    for first in range(0, len(documents), DOCUMENTS_AT_ONCE):
        block = documents.block(first, DOCUMENTS_AT_ONCE)
        row, position = np.nonzero(block.token_id >= 0)
        document = row + first
        columns = [
            pa.array(document * block.token_id.shape[1] + position),
            pa.array(document.astype(np.int32)),
            pa.array(position.astype(np.int32)),
            pa.array(block.token_id[row, position]),
            pa.array(names[block.language[row]]),
        ]
        yield pa.record_batch(columns, schema=TOKENS)
