"""How every table is made, unless it is current: rows in DuckDB become a Parquet file.

Reads the tables that a table needs; writes its file, with its provenance inside.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from typing import Any

from bisae.files import write_with_checksum
from bisae.grid import Cell
from bisae.query.database import (
    Connection,
    database,
    parquet_view,
    quoted,
)
from bisae.query.failure import named
from bisae.query.source import source_of
from bisae.query.views import View, closure
from bisae.store import (
    KEY,
    Provenance,
    Store,
    is_current,
    registry,
    serialized,
    table_file,
)

Fill = Callable[[Connection], None]
"""Gives a new database the rows of tables, as tables or views of their names."""


def make_tables(
    store: Store,
    provenances: Mapping[str, Provenance],
    fill: Fill,
    cell: Cell | None = None,
) -> None:
    """Make tables of a cell, or of the study, in a database of their own.

    `fill` is called only if one of them is not current.
    """
    stale = stale_tables(store, provenances, cell)
    if not stale:
        return
    with closing(database(store.tables)) as con:
        fill(con)
        write_tables(con, store, stale, cell)


def stale_tables(
    store: Store, provenances: Mapping[str, Provenance], cell: Cell | None = None
) -> dict[str, Provenance]:
    """Return the tables that do not exist or were made from something else."""
    return {
        name: provenance
        for name, provenance in provenances.items()
        if not is_current(table_file(store, name, cell), provenance)
    }


def write_tables(
    con: Connection,
    store: Store,
    provenances: Mapping[str, Provenance],
    cell: Cell | None = None,
) -> None:
    """Write tables of a store: each whole or not at all, with its sum next to it.

    Their rows are those of the tables or views of their names, in the order of all
    columns, so that equal rows are equal bytes whatever order they come in. Those of a
    cell begin with its address. Raises LeaseLost.
    """
    address = f"{addressed(cell)}, " if cell else ""
    for name, provenance in provenances.items():
        select = f"select {address}* from {name} order by all"
        metadata = f"{{{KEY}: {quoted(serialized(provenance))}}}"
        store.check_leases()
        file = table_file(store, name, cell)
        with (
            write_with_checksum(file, store.check_leases) as partial,
            named(f"table {name}"),
        ):
            con.execute(
                f"copy ({select}) to {quoted(str(partial))} (format parquet, "
                f"use_tmp_file false, compression zstd, kv_metadata {metadata})"
            )


def write_timings(store: Store, cell: Cell, train_seconds: float) -> None:
    """Write how long a cell took to train."""
    with closing(database(store.tables)) as con:
        con.execute(
            "create table timings as select ?::double as train_seconds", [train_seconds]
        )
        write_tables(con, store, {"timings": {}}, cell)


def open_needed(
    con: Connection, store: Store, names: Iterable[str], cell: Cell | None = None
) -> set[str]:
    """Make views of the tables that some tables are made from; return their names.

    Tables of the study that it does not have, as without a lexicon, are left out.
    """
    tables = registry()
    needs = {need for name in names for need in tables[name].needs}
    for need in sorted(needs):
        file = table_file(store, need, cell if tables[need].level == "cell" else None)
        if file.exists():
            parquet_view(con, need, [file])
        else:
            needs.remove(need)
    return needs


def view_provenance(
    views: Mapping[str, View], name: str, settings: Provenance
) -> dict[str, Any]:
    """Return a digest of the SQL that a view depends on, and the settings it names."""
    text = source_of(closure(views, name))
    used = {key: settings[key] for key in settings if re.search(rf"\b{key}\b", text)}
    return used | {"sql": digest(text)}


def digest(text: str) -> str:
    """Return the sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def addressed(cell: Cell) -> str:
    """Return the columns that say which cell rows are of, as SQL."""
    size, step, layer = cell
    return f"{quoted(size)} as size, {step}::bigint as step, {layer}::int as layer"
