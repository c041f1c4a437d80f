"""Lineage: which feature of one cell is which feature of another.

Reads the exported tables of a store and, for a ceiling, of its replicate; writes
`feature_matches` and `matched_features` of each cell, with the pairs that begin there.
Pairs that are current are kept, so that an interrupted run resumes.
"""

from collections.abc import Iterator
from contextlib import closing
from itertools import product

from bisae.errors import AddressError, LeaseHeld
from bisae.grid import Cell, Selection, at
from bisae.progress import bar, note
from bisae.query import (
    Connection,
    connect,
    database,
    explain_errors,
    exported_cells,
    parquet_view,
    read_views,
    rows_of,
    source_of,
    write_tables,
)
from bisae.store import (
    Provenance,
    Store,
    dependency_digests,
    digest,
    provenance_of,
    serialized,
    table_file,
)
from bisae.tables.compare import check_replicate
from bisae.tables.matching import TABLES, Side, match_features

MEMORY = "900MiB"
"""DuckDB's memory limit: with the directions of a cell, a pair takes 2 GiB in all."""
PAIRS = """
    select size, step, layer, size_to, step_to, layer_to, is_next_step or is_last_step
    from cell_pairs
    order by all
"""
Pair = tuple[Side, Side]


def export_lineage(
    store: Store, only: Selection, replicate: Store | None = None
) -> int:
    """Match the features of each pair of the selected cells; return their number.

    With a `replicate`, also with the same cells of a store with another seed. A
    checkpoint that another process is building is skipped. Raises Unfinished if no
    selected cell is exported, AddressError for a single cell, CompareError.
    """
    if replicate:
        check_replicate(store, replicate)
    pairs, n_matched = list(cell_pairs(store, only, replicate)), 0
    with bar(len(pairs), "lineage", "pairs") as progress:
        for first, second in pairs:
            try:
                with store.lease(first.cell.checkpoint), at(first.cell):
                    _export_pair(first, second)
                n_matched += 1
            except LeaseHeld as error:
                note(f"{error}; skipping it")
            progress.update()
    return n_matched


def cell_pairs(
    store: Store, only: Selection, replicate: Store | None = None
) -> Iterator[Pair]:
    """Yield the pairs of cells to be matched, from the view `cell_pairs`.

    With a replicate, also both cells of each pair of steps with the same two of the
    replicate. Raises Unfinished, AddressError.
    """
    cells = only.of(store.cells)
    with closing(connect(store, cells=cells, query=PAIRS)) as con:
        values = rows_of(con, PAIRS).values
    if not values:
        msg = (
            f"{store.path}: nothing to match; select two or more steps, layers or sizes"
        )
        raise AddressError(msg)
    crossed: dict[tuple[Cell, Cell], None] = {}
    for *address, is_of_steps in values:
        pair = Cell(*address[:3]), Cell(*address[3:])
        yield Side(store, pair[0]), Side(store, pair[1])
        if is_of_steps:
            crossed |= dict.fromkeys(product(pair, pair))
    if replicate:
        exported = {*exported_cells(replicate)}
        for cell, replicate_cell in crossed:
            if replicate_cell in exported:
                yield Side(store, cell), Side(replicate, replicate_cell)


def _export_pair(first: Side, second: Side) -> None:
    """Write the tables of a pair unless they are current."""
    store, views = first.store, read_views("matching")
    common = {
        "codes": store.attributes(first.cell, "codes")["fingerprint"],
        "sql": digest(source_of([views[name] for name in sorted(views)])),
    }
    pair = digest(serialized({"from": _digests(first), "to": _digests(second)}))
    kept = _kept_pairs(first, common)
    if kept.pop(second.name, None) == pair:
        return
    with (
        explain_errors(f"cells {first.name} and {second.name}"),
        closing(database(store.tables, memory=MEMORY)) as con,
    ):
        match_features(con, first, second, views)
        if kept:
            _add_kept_rows(con, first, second)
        provenance = common | {"pairs": {**kept, second.name: pair}}
        write_tables(con, store, dict.fromkeys(TABLES, provenance), first.cell)


def _digests(side: Side) -> dict[str, str]:
    return dependency_digests(side.store, TABLES[-1], side.cell)


def _kept_pairs(first: Side, common: Provenance) -> dict[str, str]:
    """Return the digest of each pair whose rows were made from the same SQL and codes.

    The last table decides: if it was written, so were the others.
    """
    file = table_file(first.store, TABLES[-1], first.cell)
    previous = provenance_of(file) if file.exists() else {}
    is_kept = all(previous.get(name) == value for name, value in common.items())
    return {**previous["pairs"]} if is_kept else {}


def _add_kept_rows(con: Connection, first: Side, second: Side) -> None:
    """Add the rows of all other pairs that the cell's files hold."""
    key = "seed_to, size_to, step_to, layer_to"
    for name in TABLES:
        parquet_view(
            con, "kept_rows", [table_file(first.store, name, first.cell)], table=name
        )
        con.execute(
            f"insert into {name} by name "
            "select * exclude (size, step, layer) from kept_rows "
            f"anti join (select {second.columns}) as replaced using ({key})"
        )
