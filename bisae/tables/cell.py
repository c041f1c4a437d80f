"""The tables of cells: codes, streamed from the store, become features and trends.

Reads the store and the tables of the study; writes the tables of cells, and `timings`
of cells that earlier versions trained. Everything is computed in sql/cell and
sql/variants, except one numeric step: which of a feature's tokens are linked.
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
    explain_errors,
    open_dependencies,
    quoted,
    schema,
    source_of,
    stale_tables,
    view_provenance,
    write_tables,
    write_timings,
)
from bisae.store import (
    UNMEASURED,
    Provenance,
    Store,
    dependency_digests,
    digest,
    table_file,
)
from bisae.tables.clusters import Clustering, TokenSets
from bisae.tables.context import ExportContext
from bisae.tables.linked import put_linked_tokens
from bisae.tables.read_text import put_text
from bisae.tables.variants import (
    VARIANT_INPUTS,
    VARIANT_TABLES,
    put_rows,
    put_variants,
)

Codes = Callable[[Any], Any]
"""Returns an Arrow stream of the activations above each feature's floor, (n,), or with
None of all activations: token_row, feature, value, starts_run."""
BY_GROUP = (
    "feature_languages",
    "largest_languages",
    "document_counts",
    "firing_spans",
    "clusters",
    "entropies",
    "eighth_classes",
    "sure_classes",
    "token_classes",
)
"""Views that are computed for one group of features at a time."""
MEMORY = "900MiB"
"""DuckDB's memory limit: with the codes read ahead and the graph of similar tokens, an
export takes 2 GiB in all."""


def export_cells(context: ExportContext, cells: Sequence[Cell]) -> None:
    """Write the tables of encoded cells of one checkpoint that are not current."""
    store = context.store
    provenances = {
        name: cell_provenance(context, name) | dependency_digests(store, name)
        for name in context.cell_tables
    }
    stale = {
        cell: tables for cell in cells if (tables := _stale(store, cell, provenances))
    }
    for cell in cells:
        _separate_timing(store, cell)
    if not stale:
        return
    with closing(database(store.tables, memory=MEMORY)) as con:
        aggregation = open_aggregation(con, context, cells[0])
        title = f"export {cells[0].checkpoint}"
        for cell, tables in track(stale.items(), len(stale), title, "cells"):
            scratch = TemporaryDirectory(prefix="bisae-")
            with at(cell), explain_errors(f"cell {cell}"), scratch, schema(con, "cell"):
                _aggregate_cell(aggregation, context, cell, Path(scratch.name))
                write_tables(con, store, tables, cell)


def _stale(
    store: Store, cell: Cell, provenances: Mapping[str, dict[str, Any]]
) -> dict[str, Provenance]:
    """Return the provenance of a cell's tables that are not current.

    `provenances` are those parts that all cells have in common.
    """
    codes = {"codes": store.attributes(cell, "codes")["fingerprint"]}
    of_cell = {name: codes | common for name, common in provenances.items()}
    return stale_tables(store, of_cell, cell)


def _separate_timing(store: Store, cell: Cell) -> None:
    """Write `timings` of a cell that has its time in `sae`, as earlier versions did."""
    attributes = store.attributes(cell, "sae")
    if (
        "train_seconds" in attributes
        and not table_file(store, "timings", cell).exists()
    ):
        write_timings(store, cell, float(attributes["train_seconds"]))


def cell_provenance(context: ExportContext, name: str) -> dict[str, Any]:
    """Return a cell table's provenance, apart from codes and the tables it needs.

    It is the SQL and the settings that the SQL names; for a table of the variants, all
    settings.
    """
    if name in VARIANT_TABLES:
        return {
            "sql": digest(source_of(_views_of_variants(context, name))),
            "embeddings": context.embeddings,
            "cosines": [threshold.cosine for threshold in context.thresholds],
            "settings": context.settings,
        }
    provenance = view_provenance(context.dependencies, name, context.settings)
    views = closure(context.dependencies, name)
    if any("linked_tokens" in view.reads for view in views):
        provenance["embeddings"] = context.embeddings
    return provenance


def _views_of_variants(context: ExportContext, name: str) -> list[View]:
    """Return what a table of the variants is computed from, by name.

    They are its own views, and those from a variant's features to its trends.
    """
    views = {
        view.name: view
        for root in (name, "variant_features", "variant_cells", "trends")
        for view in closure(context.dependencies, root)
    }
    return [views[name] for name in sorted(views)]


class Aggregation(NamedTuple):
    """A database in which one cell after another is aggregated."""

    con: Connection
    views: Mapping[str, View]
    """The views from a cell's codes to its tables."""
    trends: Mapping[str, View]
    """The views from features to trends, here for the variants."""
    base: set[str]
    """The tables and views that all cells share."""
    clusterings: list[Clustering]


def open_aggregation(
    con: Connection, context: ExportContext, cell: Cell
) -> Aggregation:
    """Create the tables and views that the cells of a checkpoint share.

    `cell` is one of them.
    """
    put_rows(con, "settings", [context.settings])
    base = {"settings"} | open_dependencies(con, context.store, context.cell_tables)
    put_text(con, context.store, cell)
    trends = {view.name: view for view in closure(context.views, "trends")}
    trends = {name: trends[name] for name in trends if trends[name].folder == "grid"}
    views = {
        name: view for name, view in context.views.items() if view.folder != "grid"
    }
    base = create_views(con, views, base, keep=True)
    clusterings = put_variants(con, context)
    return Aggregation(con, views, trends, base | VARIANT_INPUTS, clusterings)


def aggregate(
    aggregation: Aggregation, context: ExportContext, codes: Codes, folder: Path
) -> set[str]:
    """Aggregate one cell's codes into its tables; return the names that exist.

    The codes are read twice: for each feature's maximum, then for the activations above
    the lowest floor that follows from it. If these are many, `folder` holds them.
    """
    con, views = aggregation.con, aggregation.views
    con.register("codes", codes(None))
    base = aggregation.base | {"cell_attributes", "codes"}
    base = create_views(con, views, base, keep=True)
    con.register("codes_above", codes(_floors(con)))
    groups = _put_strong_codes(con, views["strong_codes"], folder)
    base |= {"codes_above", "strong_codes"}
    base = create_views(con, views, base, keep=True)
    by_group = {view.name: view for name in BY_GROUP for view in closure(views, name)}
    for group in groups:
        with schema(con, "part"):
            rows = "select * exclude (value, feature_group) from strong_codes"
            if len(groups) == 1:
                con.execute(f"create view some_codes as {rows}")
            else:
                where = f"where feature_group = {group}"
                con.execute(f"create table some_codes as {rows} {where}")
            group_base = create_views(con, by_group, base | {"some_codes"}, keep=True)
            sets = _token_sets(con, aggregation.clusterings)
            put_linked_tokens(con, sets, context.links, aggregation.clusterings)
            create_views(con, by_group, group_base | {"linked_tokens"}, keep=True)
            for name in BY_GROUP:
                create = f"create table cell.{name} as"
                insert = f"insert into cell.{name}"
                con.execute(f"{create if group == groups[0] else insert} from {name}")
    return create_views(con, views, base | set(BY_GROUP), keep=True)


def _aggregate_cell(
    aggregation: Aggregation, context: ExportContext, cell: Cell, scratch: Path
) -> None:
    """Compute a cell's tables, and the trends of its variants."""
    con, store = aggregation.con, context.store
    n_layers = {"n_layers": store.study.model(cell.size).n_layers}
    attributes = UNMEASURED | n_layers | store.attributes(cell, "sae")
    attributes |= store.attributes(cell, "codes")
    put_rows(con, "cell_attributes", [attributes])
    codes = partial(store.codes_stream, cell)
    names = aggregate(aggregation, context, codes, scratch / "strong_codes")
    with schema(con, "variant"):
        con.execute("create view features as from variant_features")
        con.execute("create view cells as from variant_cells")
        create_views(con, aggregation.trends, {"features", "cells"})
        con.execute("create table cell.variant_trends as from trends")
    create_views(con, aggregation.views, names | {"variant_trends"}, keep=True)


def _floors(con: Connection) -> Any:
    """Return the lowest value that fires by any rule, for each feature, (n,)."""
    columns: Any = con.execute("select feature, least from floors").fetchnumpy()
    floor = np.full(columns["feature"].max(initial=0) + 1, np.inf)
    floor[columns["feature"]] = columns["least"]
    return floor


def _put_strong_codes(con: Connection, view: View, folder: Path) -> list[int]:
    """Create `strong_codes`, of which each group of features is read by itself.

    Returns the groups; if nothing is activated there is one, empty group. Several would
    not fit in memory, and are written to files: one or more for each group, since else
    DuckDB would read all of them from disk for each group.
    """
    query = "select distinct feature_group from feature_groups order by 1"
    groups = [group for (group,) in con.execute(query).fetchall()] or [-1]
    with explain_errors(view.path):
        if len(groups) == 1:
            con.execute(f"create table strong_codes as {view.select}")
            # Knowing that no column has nulls, DuckDB would write that into tables, but
            # not into those of cells with several groups.
            con.execute("insert into strong_codes (feature) values (null)")
            con.execute("delete from strong_codes where feature is null")
            return groups
        con.execute(
            f"copy ({view.select}) to {quoted(str(folder))} "
            "(format parquet, compression lz4_raw, partition_by feature_group)"
        )
    files = ", ".join(quoted(str(file)) for file in folder.glob("*/*.parquet"))
    con.execute(
        "create view strong_codes as "
        f"from read_parquet([{files}], hive_partitioning = true)"
    )
    return groups


def _token_sets(con: Connection, clusterings: list[Clustering]) -> TokenSets:
    """Read the tokens on which features fire from `token_counts`."""
    greedy = {
        clustering.rule for clustering in clusterings if clustering.method == "greedy"
    }
    counts = "".join(f", counts[{rule + 1}] as rule_{rule}" for rule in greedy)
    columns: Any = con.execute(
        f"select feature, token_id, rules{counts} from token_counts order by all"
    ).fetchnumpy()
    feature, token_id, rules, *n = (
        column.astype(np.int64) for column in columns.values()
    )
    return TokenSets(feature, token_id, rules, dict(zip(greedy, n, strict=True)))
