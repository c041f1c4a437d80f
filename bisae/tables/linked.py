"""Make the table `linked_tokens`: which tokens of a feature are in one cluster.

The one numeric step between sql/cell's views.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from bisae.query import Connection
from bisae.tables.clusters import Clustering, Links, TokenSets, linked_tokens

LINKED = pa.schema(
    [(name, pa.int32()) for name in ("clustering", "feature", "token_id", "cluster")]
)


def put_linked_tokens(
    con: Connection, sets: TokenSets, links: Links, clusterings: Iterable[Clustering]
) -> None:
    """Make the table of tokens with a link to another, and their clusters."""
    batches = (
        pa.record_batch(
            [
                np.full(len(one.feature), one.clustering, np.int32),
                one.feature.astype(np.int32),
                one.token_id.astype(np.int32),
                one.cluster.astype(np.int32),
            ],
            schema=LINKED,
        )
        for one in linked_tokens(sets, links, clusterings)
    )
    con.register("linked", pa.RecordBatchReader.from_batches(LINKED, batches))
    con.execute("create table linked_tokens as from linked")
    con.unregister("linked")
