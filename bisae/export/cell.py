"""The fold of one cell: its codes, streamed from the store, become its tables.

All of it is sql/cell but one numeric step, the semantic clusters.
"""

from collections.abc import Mapping
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow as pa

from bisae.export.shared import READ, Shared
from bisae.grid import Cell, at
from bisae.query import (
    FOLD_TABLES,
    Connection,
    Made,
    View,
    closure,
    create_views,
    database,
    digest,
    footer,
    is_current,
    made_by,
    named,
    parquet_view,
    table_file,
    write_table,
)

# What several views of a cell read is computed once.
COMPUTED_ONCE = frozenset(
    {"documents", "maxima", "firing_tokens", "language_counts", "feature_tokens"}
)
MEMORY = "1200MiB"
"""What DuckDB may use: with codes read ahead and what is alike, 2 GiB in all."""
SETS_AT_ONCE = 500_000
"""Rows of `feature_tokens` that are clustered at once."""


def export_cell(shared: Shared, cell: Cell) -> None:
    """Write the tables of an encoded cell that are not made, or not from the same."""
    stale = {
        name: made
        for name, made in _made(shared, cell).items()
        if not is_current(table_file(shared.store, name, cell), made)
    }
    if not stale:
        return
    con = database(shared.store.tables, memory=MEMORY)
    with closing(con), at(cell), named(f"cell {cell}"):
        base = open_cell(con, shared, cell)
        fold(con, shared, shared.settings, shared.views, base, COMPUTED_ONCE)
        for name, made in stale.items():
            write_table(con, name, table_file(shared.store, name, cell), made, cell)


def _made(shared: Shared, cell: Cell) -> dict[str, Made]:
    """What each table of a cell is made from: codes, SQL, settings, shared tables."""
    read, codes = made_of_read(shared), made_of_codes(shared, cell)
    names = [
        name
        for name in FOLD_TABLES
        if name != "feature_concepts" or "token_concepts" in read
    ]
    return {name: codes | _hangs_on(shared, name, read) for name in names}


def made_of_codes(shared: Shared, cell: Cell) -> dict[str, Any]:
    """Which codes a cell has."""
    return {"codes": shared.store.attributes(cell, "codes")["fingerprint"]}


def made_of_read(shared: Shared) -> dict[str, Any]:
    """What the shared tables are made from that a fold reads."""
    files = {name: table_file(shared.store, name) for name in READ}
    return {name: digest(footer(f)) for name, f in files.items() if f.exists()}


def _hangs_on(shared: Shared, name: str, read: dict[str, Any]) -> dict[str, Any]:
    views = shared.depends
    bases = {base for one in closure(views, name) for base in one.reads} | {name}
    made = {base: read[base] for base in bases & read.keys()}
    if "clusters" in bases:
        made["embeddings"] = shared.embeddings
    return made | made_by(views, name, shared.settings)


def open_cell(con: Connection, shared: Shared, cell: Cell) -> set[str]:
    """Make what a cell's fold starts from; gives the names."""
    store = shared.store
    known = store.attributes(cell, "sae") | store.attributes(cell, "codes")
    con.register("cell_attributes", pa.Table.from_pylist([known]))
    con.register("codes", store.codes_stream(cell))
    put_row(con, "settings", shared.settings)
    base = {"cell_attributes", "codes", "settings"}
    for name in READ:
        if (file := table_file(store, name)).exists():
            parquet_view(con, name, [file])
            base.add(name)
    return base


def put_row(con: Connection, name: str, row: Made) -> None:
    """Make a table of one row."""
    con.register("row", pa.Table.from_pylist([dict(row)]))
    con.execute(f"create table {name} as from row")
    con.unregister("row")


def fold(
    con: Connection,
    shared: Shared,
    settings: Made,
    views: Mapping[str, View],
    base: set[str],
    computed_once: frozenset[str],
) -> set[str]:
    """Create a cell's views, `clusters` on the way; gives the names that are there."""
    have = create_views(con, views, base, computed_once)
    if "clusters" not in have:
        _put_clusters(con, shared, settings)
        have = create_views(con, views, have | {"clusters"}, computed_once)
    return have


def _put_clusters(con: Connection, shared: Shared, settings: Made) -> None:
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
