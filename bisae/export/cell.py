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
COMPUTED_ONCE = frozenset(
    {"documents", "maxima", "firing_tokens", "language_counts", "feature_tokens"}
)
SETS_AT_ONCE = 500_000
"""Rows of `feature_tokens` that are clustered at once."""
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
                select = f"select {address}, * from (from {name} order by all)"
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
        made |= shared.alike(shared.settings)
        made["feature_tokens"] = made_by(views, "feature_tokens", shared.settings)
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
    put_clusters(con, shared, shared.settings)
    create_views(con, views, base | {"clusters"}, COMPUTED_ONCE)


def put_clusters(con: Connection, shared: Shared, settings: Made) -> None:
    """Make the table `clusters` from `feature_tokens`, some features at a time."""
    con.execute(
        "create table clusters "
        "(feature int, token_id int, cluster int, n_firings bigint)"
    )
    for first, last in _ranges(con):
        found: Any = con.execute(
            "select feature, token_id, n_firings from feature_tokens "
            "where feature between ? and ? order by all",
            [first, last],
        ).fetchnumpy()
        feature, token_id, n_firings = (v.astype(np.int64) for v in found.values())
        cluster = shared.cluster(feature, token_id, n_firings, settings)
        columns = {"feature": feature, "token_id": token_id, "cluster": cluster}
        con.register("found", pa.table(columns | {"n_firings": n_firings}))
        con.execute("insert into clusters from found")
        con.unregister("found")


def _ranges(con: Connection) -> list[tuple[int, int]]:
    """First and last features of parts that are clustered at once."""
    return con.execute(
        "with counts as "
        "(select feature, count(*) as n from feature_tokens group by feature), "
        "placed as (select feature, sum(n) over (order by feature) // ? as part "
        "from counts) "
        "select min(feature), max(feature) from placed group by part order by part",
        [SETS_AT_ONCE],
    ).fetchall()
