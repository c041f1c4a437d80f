"""The bootstrap over documents: what would trends be if the text were drawn again?

Reads the exported tables of each cell and sql/bootstrap; writes its table `replicates`.
What is current is not made again, so that a run goes on where it stopped.
"""

from contextlib import closing
from typing import Any

from bisae.errors import Held, Unfinished
from bisae.formats import Rows
from bisae.grid import Cell, Selection, at, checkpoints
from bisae.progress import bar, note
from bisae.query import (
    Connection,
    Made,
    View,
    closure,
    connect,
    create_views,
    database,
    digest,
    exported_cells,
    footer,
    is_current,
    made_by,
    named,
    parquet_view,
    read_views,
    rows_of,
    table_file,
    write_table,
)
from bisae.store import Store

AT_ONCE = 16
"""Replicates whose weights sql/bootstrap/weights.sql packs."""
OF_STUDY = ("settings", "tokens", "vocab")
OF_CELL = ("cells", "firings", "clusters", "features")
COMPUTED_ONCE = frozenset({"documents", "feature_documents", "token_documents"})
DRAWN = "weights"


def draw_replicates(
    store: Store, only: Selection, replicates: int, seed: int
) -> list[Cell]:
    """Write `replicates` of the selected exported cells; gives those that have them.

    A checkpoint that somebody else is building is left to them. Raises Unfinished if no
    selected cell is exported.
    """
    cells, drawn = _exported(store, only), []
    every = read_views("study", "trends", "bootstrap")
    views = {view.name: view for view in closure(every, "replicates")}
    made = _made(store, views) | {"replicates": replicates, "seed": seed}
    with bar(len(cells), "draw texts again", "cells") as shown:
        for group in checkpoints(cells):
            try:
                with store.lease(group[0].checkpoint):
                    for cell in group:
                        with at(cell), named(f"cell {cell}"):
                            _draw(store, views, cell, made | _made_cell(store, cell))
                        drawn.append(cell)
                        shown.update()
            except Held as error:
                note(f"{error}; left to them")
    return drawn


def _exported(store: Store, only: Selection) -> list[Cell]:
    exported = set(exported_cells(store))
    cells = [cell for cell in only.of(store.cells) if cell in exported]
    if not cells:
        msg = f"{store.place}: none of these cells is exported; `bisae status`"
        raise Unfinished(msg)
    return cells


def _made(store: Store, views: dict[str, View]) -> dict[str, Any]:
    """What all cells' replicates are made from: SQL, settings, shared tables."""
    files = {table: table_file(store, table) for table in OF_STUDY}
    with closing(database(store.tables)) as con:
        parquet_view(con, "settings", [files["settings"]])
        names, (values,) = rows_of(con, "from settings")
    settings = dict(zip(names, values, strict=True))
    read = {table: digest(footer(file)) for table, file in files.items()}
    return read | made_by(views, "replicates", settings)


def _made_cell(store: Store, cell: Cell) -> dict[str, Any]:
    """What one cell's replicates are made from."""
    files = {table: table_file(store, table, cell) for table in OF_CELL}
    codes = store.attributes(cell, "codes")["fingerprint"]
    return {"codes": codes} | {name: digest(footer(f)) for name, f in files.items()}


def _draw(store: Store, views: dict[str, View], cell: Cell, made: Made) -> None:
    """Write one cell's replicates unless they are current."""
    if is_current(table_file(store, "replicates", cell), made):
        return
    with closing(database(store.tables)) as con:
        base = _open_tables(con, store, cell)
        con.execute(_draws(made["seed"], 0, 0))
        create_views(con, views, base | {"draws"}, COMPUTED_ONCE | {DRAWN})
        con.execute("create table drawn as from replicates")
        for first in range(0, made["replicates"], AT_ONCE):
            last = min(first + AT_ONCE, made["replicates"])
            con.execute(_draws(made["seed"], first, last))
            again = f"create or replace table {DRAWN} as {views[DRAWN].select}"
            con.execute(again)
            con.execute("insert into drawn from replicates")
        write_table(con, store, "replicates", made, cell, rows="drawn")


def _open_tables(con: Connection, store: Store, cell: Cell) -> set[str]:
    for table in OF_STUDY:
        parquet_view(con, table, [table_file(store, table)])
    for table in OF_CELL:
        parquet_view(con, table, [table_file(store, table, cell)])
    return {*OF_STUDY, *OF_CELL}


def _draws(seed: int, first: int, last: int) -> str:
    """Make the table of the replicates that are drawn at once."""
    return (
        f"create or replace table draws as select {seed}::bigint as seed, "
        f"range::integer as replicate from range({first}, {last})"
    )


def mixed_shares(store: Store, cells: list[Cell]) -> Rows:
    """The mixed share of alive features in some cells, from the view `uncertainty`."""
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
