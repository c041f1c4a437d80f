"""Create the table `linked_tokens`: the tokens of a feature that share a cluster.

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
    """Create the table of tokens that have a link to another, and their clusters."""
    batches = (
        pa.record_batch(
            [
                np.full(len(linked.feature), linked.clustering, np.int32),
                linked.feature.astype(np.int32),
                linked.token_id.astype(np.int32),
                linked.cluster.astype(np.int32),
            ],
            schema=LINKED,
        )
        for linked in linked_tokens(sets, links, clusterings)
    )
    con.register("linked", pa.RecordBatchReader.from_batches(LINKED, batches))
    con.execute("create table linked_tokens as from linked")
    con.unregister("linked")
