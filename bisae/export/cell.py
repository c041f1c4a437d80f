"""The fold of one cell: its codes, streamed from the store, become its tables.

All of it is sql/cell but one numeric step, the semantic clusters.
"""

from typing import Any

import numpy as np
import pyarrow as pa

from bisae.export.shared import Shared
from bisae.grid import Cell, at
from bisae.query import (
    FOLD_TABLES,
    Connection,
    Made,
    closure,
    create_views,
    database,
    digest,
    footer,
    is_current,
    made_by,
    named,
    parquet_view,
    quoted,
    table_file,
    write_table,
)

# What several views of a cell read is computed once.
COMPUTED_ONCE = frozenset({"documents", "maxima", "firings", "feature_tokens"})
READ = ("tokens", "vocab", "mono_null", "token_concepts")


def export_cell(shared: Shared, cell: Cell) -> None:
    """Write the tables of an encoded cell that are not made, or not from the same."""
    stale = {
        name: made
        for name, made in _made(shared, cell).items()
        if not is_current(table_file(shared.store, name, cell), made)
    }
    if not stale:
        return
    address = f"{quoted(cell.size)} as size, {cell.step}::bigint as step, "
    address += f"{cell.layer}::integer as layer"
    con = database(shared.store.tables)
    try:
        with at(cell), named(f"cell {cell}"):
            _fold(con, shared, cell)
            for name, made in stale.items():
                select = f"select {address}, * from {name} order by all"
                write_table(con, select, table_file(shared.store, name, cell), made)
    finally:
        con.close()


def _made(shared: Shared, cell: Cell) -> dict[str, Made]:
    """What each table of a cell is made from."""
    files = {name: table_file(shared.store, name) for name in READ}
    read = {name: digest(footer(f)) for name, f in files.items() if f.exists()}
    names = [
        name
        for name in FOLD_TABLES
        if name != "feature_concepts" or "token_concepts" in read
    ]
    codes = shared.store.attributes(cell, "codes")["fingerprint"]
    return {name: {"codes": codes} | _hangs_on(shared, name, read) for name in names}


def _hangs_on(shared: Shared, name: str, read: dict[str, str]) -> dict[str, Any]:
    """What a table is made from beside codes: its SQL, settings, and shared tables."""
    views = shared.views
    view = "feature_tokens" if name == "clusters" else name
    bases = {base for one in closure(views, view) for base in one.reads}
    made: dict[str, Any] = {base: read[base] for base in bases & read.keys()}
    if name == "clusters" or "clusters" in bases:
        made |= shared.alike
    return made | made_by(views, view, shared.settings)


def _fold(con: Connection, shared: Shared, cell: Cell) -> None:
    store, views = shared.store, shared.views
    known = store.attributes(cell, "sae") | store.attributes(cell, "codes")
    con.register("cell_attributes", pa.Table.from_pylist([known]))
    con.register("codes", store.codes_stream(cell))
    con.register("settings", pa.Table.from_pylist([shared.settings]))
    base = {"cell_attributes", "codes", "settings"}
    for name in READ:
        if (file := table_file(store, name)).exists():
            parquet_view(con, name, [file])
            base.add(name)
    base = create_views(con, views, base, COMPUTED_ONCE)
    _put_clusters(con, shared)
    create_views(con, views, base | {"clusters"}, COMPUTED_ONCE)


def _put_clusters(con: Connection, shared: Shared) -> None:
    names = ("feature", "token_id", "n_firings")
    found = con.execute(
        f"select {', '.join(names)} from feature_tokens order by all"
    ).fetchnumpy()
    feature, token_id, n_firings = (np.asarray(found[n], np.int64) for n in names)
    columns = {
        "feature": feature.astype(np.int32),
        "token_id": token_id.astype(np.int32),
        "cluster": shared.cluster(feature, token_id, n_firings).astype(np.int32),
    }
    con.register("clusters", pa.table(columns))
