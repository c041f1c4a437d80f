"""The bootstrap over documents: how much do the trends depend on the sampled text?

Reads the exported tables of each cell and sql/bootstrap; writes its table `replicates`.
Tables that are current are kept, so that an interrupted run resumes.
"""

from contextlib import closing

from bisae.errors import LeaseHeld, Unfinished
from bisae.formats import Rows
from bisae.grid import Cell, Selection, at, checkpoints
from bisae.progress import bar, note
from bisae.query import (
    Connection,
    View,
    closure,
    connect,
    create_views,
    database,
    explain_errors,
    exported_cells,
    make_tables,
    open_dependencies,
    parquet_view,
    read_views,
    rows_of,
    view_provenance,
)
from bisae.store import Provenance, Store, dependency_digests, table_file
from bisae.tables.read_text import put_text

REPLICATES_AT_ONCE = 16
"""Number of replicates whose weights sql/bootstrap/weights.sql packs together."""
TABLE = "replicates"
DRAWN = ("drawn_documents", "weights")
"""Views that are computed again for each group of replicates."""


def draw_replicates(
    store: Store, only: Selection, replicates: int, seed: int
) -> list[Cell]:
    """Write `replicates` of the selected exported cells; return the cells that have it.

    A checkpoint that another process is building is skipped. Raises Unfinished if no
    selected cell is exported.
    """
    cells, drawn = _exported(store, only), []
    all_views = read_views("text", "grid", "bootstrap")
    views = {view.name: view for view in closure(all_views, "replicates")}
    provenance = {
        **view_provenance(views, "replicates", _settings(store)),
        **{"replicates": replicates, "seed": seed},
    }
    with bar(len(cells), "bootstrap", "cells") as progress:
        for group in checkpoints(cells):
            try:
                with store.lease(group[0].checkpoint):
                    for cell in group:
                        with at(cell), explain_errors(f"cell {cell}"):
                            _draw(store, views, cell, provenance)
                        drawn.append(cell)
                        progress.update()
            except LeaseHeld as error:
                note(f"{error}; skipping it")
    return drawn


def _exported(store: Store, only: Selection) -> list[Cell]:
    exported = set(exported_cells(store))
    cells = [cell for cell in only.of(store.cells) if cell in exported]
    if not cells:
        msg = f"{store.path}: none of these cells is exported; `bisae status`"
        raise Unfinished(msg)
    return cells


def _settings(store: Store) -> Provenance:
    """Return the row of the table `settings`."""
    with closing(database(store.tables)) as con:
        parquet_view(con, "settings", [table_file(store, "settings")])
        names, (values,) = rows_of(con, "from settings")
    return dict(zip(names, values, strict=True))


def _draw(
    store: Store, views: dict[str, View], cell: Cell, provenance: Provenance
) -> None:
    """Write one cell's replicates unless they are current."""
    codes = {"codes": store.attributes(cell, "codes")["fingerprint"]}
    provenance = {**provenance, **codes, **dependency_digests(store, TABLE, cell)}

    def fill(con: Connection) -> None:
        tables = open_dependencies(con, store, [TABLE], cell)
        put_text(con, store, cell)
        con.execute(_draws(provenance["seed"], 0, 0))
        create_views(con, views, tables | {"draws"}, keep=True)
        con.execute("create table drawn as from replicates")
        for first in range(0, provenance["replicates"], REPLICATES_AT_ONCE):
            last = min(first + REPLICATES_AT_ONCE, provenance["replicates"])
            con.execute(_draws(provenance["seed"], first, last))
            for name in DRAWN:
                con.execute(f"create or replace table {name} as {views[name].select}")
            con.execute("insert into drawn from replicates")
        con.execute("drop view replicates")
        con.execute("alter table drawn rename to replicates")

    make_tables(store, {TABLE: provenance}, fill, cell)


def _draws(seed: int, first: int, last: int) -> str:
    """Return the SQL that creates the table of the replicates to draw together."""
    return (
        f"create or replace table draws as select {seed}::bigint as seed, "
        f"range::integer as replicate from range({first}, {last})"
    )


def mixed_shares(store: Store, cells: list[Cell]) -> Rows:
    """Return the mixed share of alive features by cell, from the view `uncertainty`."""
    query = """
        select size, step, layer, estimate as mixed_share, low, high, replicates_mean,
            n_replicates, features_low, features_high
        from uncertainty
        where population = 'alive' and name = 'mixed_share'
    """
    with closing(connect(store, query=query)) as con:
        names, values = rows_of(con, query)
    by_cell = {Cell(*row[:3]): row for row in values}
    return Rows(names, [by_cell[cell] for cell in cells if cell in by_cell])
