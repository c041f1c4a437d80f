"""The tables of cells: codes, streamed from the store, become features and trends.

Reads the store and the tables of the study; writes the tables of cells, of older ones
`timings` too. All of it is sql/cell and sql/variants, but
one numeric step: which of a feature's tokens are linked.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np

from bisae.grid import Cell, at
from bisae.progress import track
from bisae.query import (
    Connection,
    View,
    closure,
    create_views,
    database,
    digest,
    named,
    open_needed,
    quoted,
    schema,
    source_of,
    stale_tables,
    view_provenance,
    write_tables,
    write_timings,
)
from bisae.store import Provenance, Store, needed, table_file
from bisae.tables.clusters import Clustering, TokenSets
from bisae.tables.linked import put_linked_tokens
from bisae.tables.shared import Shared
from bisae.tables.variants import (
    VARIANT_INPUTS,
    VARIANT_TABLES,
    put_rows,
    put_variants,
)

Codes = Callable[[Any], Any]
"""Gives an Arrow stream of the activations above a floor for each feature, (n,), or of
all of them: token_row, feature, value, starts_run."""
BY_GROUP = (
    "feature_languages",
    "largest_languages",
    "document_counts",
    "firing_spans",
    "clusters",
    "entropies",
)
"""What is computed for a group of features at a time."""
MEMORY = "900MiB"
"""What DuckDB may use: with codes read ahead and what is alike, 2 GiB in all."""


def export_cells(shared: Shared, cells: Sequence[Cell]) -> None:
    """Write the tables of encoded cells of one checkpoint that are not current."""
    store = shared.store
    stale = {cell: tables for cell in cells if (tables := _stale(shared, cell))}
    for cell in cells:
        _separate_timing(store, cell)
    if not stale:
        return
    with closing(database(store.tables, memory=MEMORY)) as con:
        fold = open_fold(con, shared)
        title = f"export {cells[0].checkpoint}"
        for cell, provenances in track(stale.items(), len(stale), title, "cells"):
            scratch = TemporaryDirectory(prefix="bisae-")
            with at(cell), named(f"cell {cell}"), scratch, schema(con, "cell"):
                _aggregate_cell(fold, shared, cell, Path(scratch.name))
                write_tables(con, store, provenances, cell)


def _stale(shared: Shared, cell: Cell) -> dict[str, Provenance]:
    """Return the provenance of a cell's tables that are not current."""
    store = shared.store
    codes = {"codes": store.attributes(cell, "codes")["fingerprint"]}
    provenances = {
        name: codes | _provenance(shared, name) | needed(store, name)
        for name in shared.cell_tables
    }
    return stale_tables(store, provenances, cell)


def _separate_timing(store: Store, cell: Cell) -> None:
    """Write `timings` of a cell that has its time in `sae`, as earlier versions did."""
    attributes = store.attributes(cell, "sae")
    if (
        "train_seconds" in attributes
        and not table_file(store, "timings", cell).exists()
    ):
        write_timings(store, cell, float(attributes["train_seconds"]))


def _provenance(shared: Shared, name: str) -> dict[str, Any]:
    """Return what a cell's table is made from besides codes and tables it needs.

    That is the SQL and the settings it names; of a table of the variants, all of them.
    """
    if name in VARIANT_TABLES:
        views = [shared.views[name] for name in sorted(shared.views)]
        return {
            "sql": digest(source_of(views)),
            "embeddings": shared.embeddings,
            "cosines": [threshold.cosine for threshold in shared.thresholds],
            "settings": shared.settings,
        }
    embeddings = {"embeddings": shared.embeddings}
    reads = {base for view in closure(shared.depends, name) for base in view.reads}
    return view_provenance(shared.depends, name, shared.settings) | (
        embeddings if "linked_tokens" in reads else {}
    )


class Fold(NamedTuple):
    """A database in which one cell after another is aggregated."""

    con: Connection
    views: Mapping[str, View]
    """What a cell's codes become."""
    trends: Mapping[str, View]
    """What features become, here those of the variants."""
    base: set[str]
    """The tables and views that are there for all cells."""
    clusterings: list[Clustering]


def open_fold(con: Connection, shared: Shared) -> Fold:
    """Make what the cells of a study have in common."""
    put_rows(con, "settings", [shared.settings])
    base = {"settings"} | open_needed(con, shared.store, shared.cell_tables)
    trends = {view.name: view for view in closure(shared.views, "trends")}
    trends = {name: trends[name] for name in trends if trends[name].folder == "grid"}
    views = {name: one for name, one in shared.views.items() if one.folder != "grid"}
    base = create_views(con, views, base, keep=True)
    clusterings = put_variants(con, shared)
    return Fold(con, views, trends, base | VARIANT_INPUTS, clusterings)


def aggregate(fold: Fold, shared: Shared, codes: Codes, folder: Path) -> set[str]:
    """Aggregate one cell's codes into its tables; return the names that are there.

    The codes are read twice: for each feature's maximum, and for what exceeds the
    lowest floor that follows from it, which goes to files of the folder.
    """
    con, views = fold.con, fold.views
    con.register("codes", codes(None))
    base = fold.base | {"cell_attributes", "codes"}
    base = create_views(con, views, base, keep=True)
    con.register("codes_above", codes(_floors(con)))
    base = create_views(con, views, base | {"codes_above"}, keep=True)
    by_group = {one.name: one for name in BY_GROUP for one in closure(views, name)}
    for group in _write_strong_codes(con, folder):
        with schema(con, "part"):
            con.execute(
                "create table some_codes as select * exclude (value, feature_group) "
                f"from strong_codes where feature_group = {group}"
            )
            part = create_views(con, by_group, base | {"some_codes"}, keep=True)
            sets = _token_sets(con, fold.clusterings)
            put_linked_tokens(con, sets, shared.links, fold.clusterings)
            create_views(con, by_group, part | {"linked_tokens"}, keep=True)
            for name in BY_GROUP:
                rows = f"from part.{name}"
                con.execute(f"create table if not exists cell.{name} as {rows} limit 0")
                con.execute(f"insert into cell.{name} {rows}")
    return create_views(con, views, base | set(BY_GROUP), keep=True)


def _aggregate_cell(fold: Fold, shared: Shared, cell: Cell, scratch: Path) -> None:
    """Compute a cell's tables, and the trends of its variants."""
    con, store = fold.con, shared.store
    attributes = store.attributes(cell, "sae") | store.attributes(cell, "codes")
    put_rows(con, "cell_attributes", [attributes])
    codes = partial(store.codes_stream, cell)
    names = aggregate(fold, shared, codes, scratch / "strong_codes")
    with schema(con, "variant"):
        con.execute("create view features as from variant_features")
        con.execute("create view cells as from variant_cells")
        create_views(con, fold.trends, {"features", "cells"})
        con.execute("create table cell.variant_trends as from trends")
    create_views(con, fold.views, names | {"variant_trends"}, keep=True)


def _floors(con: Connection) -> Any:
    """Return the lowest value that fires by any rule, for each feature, (n,)."""
    columns: Any = con.execute("select feature, least from floors").fetchnumpy()
    floor = np.full(columns["feature"].max(initial=0) + 1, np.inf)
    floor[columns["feature"]] = columns["least"]
    return floor


def _write_strong_codes(con: Connection, folder: Path) -> list[int]:
    """Turn the view `strong_codes` into files, one or more for each group of features.

    Returns the groups. In memory they would not fit, and DuckDB would read all of them
    from the disk for each group. Where nothing is activated there is one, empty group.
    """
    con.execute(
        f"copy strong_codes to {quoted(str(folder))} "
        "(format parquet, compression lz4_raw, partition_by feature_group)"
    )
    # There are always two files or more. Of one file DuckDB would know that a column
    # has no nulls, and write that into tables.
    empty = folder / "feature_group=-1" / "empty.parquet"
    empty.parent.mkdir(parents=True)
    rows = "select * exclude feature_group from strong_codes limit 0"
    con.execute(f"copy ({rows}) to {quoted(str(empty))} (format parquet)")
    files = ", ".join(quoted(str(file)) for file in folder.glob("*/*.parquet"))
    con.execute(
        "create or replace view strong_codes as "
        f"from read_parquet([{files}], hive_partitioning = true)"
    )
    groups = con.execute("select distinct feature_group from feature_groups order by 1")
    return [group for (group,) in groups.fetchall()] or [-1]


def _token_sets(con: Connection, clusterings: list[Clustering]) -> TokenSets:
    """Read the tokens on which features fire from `token_counts`."""
    greedy = {one.rule for one in clusterings if one.method == "greedy"}
    counts = "".join(f", counts[{rule + 1}] as rule_{rule}" for rule in greedy)
    columns: Any = con.execute(
        f"select feature, token_id, rules{counts} from token_counts order by all"
    ).fetchnumpy()
    feature, token_id, rules, *n = (one.astype(np.int64) for one in columns.values())
    return TokenSets(feature, token_id, rules, dict(zip(greedy, n, strict=True)))
