"""Write tables that are not current: rows in DuckDB become a Parquet file.

Reads the tables that a table needs; writes its file, with its provenance in the footer.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any

from bisae.files import write_with_checksum
from bisae.grid import Cell, at
from bisae.query.create import Connection, schema
from bisae.query.database import database, parquet_view, quoted
from bisae.query.failure import explain_errors
from bisae.query.source import source_of
from bisae.query.views import View, closure
from bisae.store import (
    KEY,
    Provenance,
    Store,
    dependency_digests,
    dependency_files,
    digest,
    is_current,
    serialized,
    table_file,
)

Fill = Callable[[Connection], None]
"""Creates, in a new database, tables or views that hold the rows to write."""


def make_tables(
    store: Store,
    provenances: Mapping[str, Provenance],
    fill: Fill,
    cell: Cell | None = None,
) -> None:
    """Write those tables of a cell, or of the study, that are not current.

    `fill` is called only if there are any, with a new database.
    """
    stale = stale_tables(store, provenances, cell)
    if not stale:
        return
    with closing(database(store.tables)) as con:
        fill(con)
        write_tables(con, store, stale, cell)


def make_cell_tables(
    store: Store,
    cells: Iterable[Cell],
    common: Mapping[str, Provenance],
    fill: Callable[[Connection, Cell], None],
) -> None:
    """Write those tables of several cells that are not current, in one database.

    `common` is as for `cell_provenances`. `fill` is called for each cell that has any,
    in a schema of its own.
    """
    stale = {}
    for cell in cells:
        with at(cell):
            stale[cell] = stale_tables(
                store, cell_provenances(store, common, cell), cell
            )
    if not any(stale.values()):
        return
    with closing(database(store.tables)) as con:
        for cell, tables in stale.items():
            if tables:
                with at(cell), explain_errors(f"cell {cell}"), schema(con, "cell"):
                    fill(con, cell)
                    write_tables(con, store, tables, cell)


def cell_provenances(
    store: Store, common: Mapping[str, Provenance], cell: Cell
) -> dict[str, Provenance]:
    """Return the provenance of tables of a cell, with its codes and the tables needed.

    `common` is that part of each table's provenance that all cells share.
    """
    codes = {"codes": store.attributes(cell, "codes")["fingerprint"]}
    return {
        name: {**provenance, **codes, **dependency_digests(store, name, cell)}
        for name, provenance in common.items()
    }


def stale_tables(
    store: Store, provenances: Mapping[str, Provenance], cell: Cell | None = None
) -> dict[str, Provenance]:
    """Return the tables that do not exist or have another provenance."""
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
    """Write tables of a store, each atomically and with its SHA-256 next to it.

    The rows come from the tables or views of the same names, sorted by all columns, so
    that equal rows give equal bytes in whatever order they come. Tables of a cell begin
    with its address. Raises LeaseLost.
    """
    address = f"{address_columns(cell)}, " if cell else ""
    for name, provenance in provenances.items():
        select = f"select {address}* from (from {name} order by all)"
        metadata = f"{{{KEY}: {quoted(serialized(provenance))}}}"
        store.check_leases()
        file = table_file(store, name, cell)
        with (
            write_with_checksum(file, store.check_leases) as partial,
            explain_errors(f"table {name}"),
        ):
            con.execute(
                f"copy ({select}) to {quoted(str(partial))} (format parquet, "
                f"use_tmp_file false, compression zstd, kv_metadata {metadata})"
            )


def write_timings(
    store: Store, cell: Cell, train_seconds: float, trained_at: datetime | None = None
) -> None:
    """Write how long a cell took to train, and when that ended in UTC, if known."""
    with closing(database(store.tables)) as con:
        con.execute(
            "create table timings as "
            "select ?::double as train_seconds, ?::timestamp as trained_at",
            [train_seconds, trained_at],
        )
        write_tables(con, store, {"timings": {}}, cell)


def open_dependencies(
    con: Connection, store: Store, names: Iterable[str], cell: Cell | None = None
) -> set[str]:
    """Create views of the tables that some tables depend on; return their names.

    Tables that the study does not have, such as those of a lexicon, are left out.
    """
    files = dependency_files(store, names, cell)
    for name, file in files.items():
        parquet_view(con, name, [file])
    return {*files}


def view_provenance(
    views: Mapping[str, View], name: str, settings: Provenance
) -> dict[str, Any]:
    """Return the digest of a view's SQL and of all views that it depends on.

    The settings that the SQL names are included.
    """
    text = source_of(closure(views, name))
    words = set(re.findall(r"\w+", text))
    settings_used = {key: settings[key] for key in settings if key in words}
    return settings_used | {"sql": digest(text)}


def address_columns(cell: Cell, suffix: str = "") -> str:
    """Return the address of a cell as columns of a SQL select, named with a suffix."""
    size, step, layer = cell
    return (
        f"{quoted(size)} as size{suffix}, {step}::bigint as step{suffix}, "
        f"{layer}::int as layer{suffix}"
    )
