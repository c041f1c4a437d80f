"""The tables of translation pairs: ranks of translations, overlaps of features.

Reads `pair_codes`, `hidden_ranks` and `features` of cells, and sql/pairs; writes
`pair_ranks` and `pair_overlaps` of the cells that have codes of pairs.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa

from bisae.corpus import PairTexts
from bisae.grid import Cell
from bisae.query import (
    Connection,
    create_views,
    make_cell_tables,
    open_dependencies,
    read_views,
    view_provenance,
)
from bisae.store import Provenance, table_file
from bisae.tables.context import ExportContext

TABLES = ("pair_ranks", "pair_overlaps")


def put_pair_tokens(
    con: Connection, texts: PairTexts, languages: Sequence[str]
) -> None:
    """Register the table `pair_tokens` with a connection."""
    text, position = np.nonzero(texts.token_id >= 0)
    tokens = np.stack([text, texts.token_id[text, position]])
    (text, token_id), n_tokens = np.unique(tokens, axis=1, return_counts=True)
    columns = {
        "pair": texts.pair[text],
        "language": np.array(languages)[texts.language[text]],
        "token_id": token_id.astype(np.int32),
        "n_tokens": n_tokens.astype(np.int32),
    }
    con.register("pair_tokens", pa.table(columns))


def pair_provenances(context: ExportContext) -> dict[str, Provenance]:
    """Return the provenance of each table, apart from codes and the tables it needs."""
    views = read_views("pairs")
    return {name: view_provenance(views, name, context.settings) for name in TABLES}


def export_pairs(context: ExportContext, cells: Iterable[Cell]) -> None:
    """Write the tables of pairs that are not current, of encoded cells."""
    store = context.store

    def fill(con: Connection, cell: Cell) -> None:
        base = open_dependencies(con, store, TABLES, cell)
        create_views(con, read_views("pairs"), base, keep=True)

    encoded = [c for c in cells if table_file(store, "pair_codes", c).exists()]
    make_cell_tables(store, encoded, pair_provenances(context), fill)
