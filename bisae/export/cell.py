"""The tables of cells: codes, streamed from the store, become features and trends.

Reads the store and the shared tables; writes every table of FOLD_TABLES, `sensitivity`
and `eval_size`. All of it is sql/cell and sql/variants, but one numeric step: which of
a feature's tokens are linked.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np

from bisae.clusters import Clustering, TokenSets
from bisae.export.linked import put_linked_tokens
from bisae.export.shared import READ, Shared
from bisae.export.variants import VARIANT_INPUTS, put_rows, put_variants
from bisae.grid import Cell, at
from bisae.progress import track
from bisae.query import (
    FOLD_TABLES,
    VARIANT_TABLES,
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
    schema,
    table_file,
    write_table,
)

Codes = Callable[[Any], Any]
"""Gives an Arrow stream of the activations above a floor for each feature, (n,), or of
all of them: token_row, feature, value, starts_run."""
COMPUTED_ONCE = frozenset(
    {
        *("documents", "document_eighths", "document_marks", "token_scripts"),
        *("firing_rules", "eighth_maxima", "maxima", "floors", "strong_codes"),
        *("document_rules", "first_documents", "token_rules", "ruled_codes"),
        *("token_counts", "token_sums"),
        *("feature_metrics", "variant_trends"),
    }
)
"""What several views of a cell read is computed once."""
BY_RANGE = (
    "language_counts",
    "largest_languages",
    "document_counts",
    "firing_spans",
    "clusters",
    "entropies",
)
"""What is computed for a range of features at a time."""
CODES_AT_ONCE = 6_000_000
"""Strong activations of such a range."""
MEMORY = "900MiB"
"""What DuckDB may use: with codes read ahead and what is alike, 2 GiB in all."""


def export_cells(shared: Shared, cells: Sequence[Cell]) -> None:
    """Write the tables of encoded cells of one checkpoint that are not current."""
    made = _made(shared)
    stale = {cell: tables for cell in cells if (tables := _stale(shared, cell, made))}
    if not stale:
        return
    with closing(database(shared.store.tables, memory=MEMORY)) as con:
        fold = open_fold(con, shared)
        title = f"export {cells[0].checkpoint}"
        for cell, tables in track(stale.items(), len(stale), title, "cells"):
            with at(cell), named(f"cell {cell}"), schema(con, "cell"):
                _aggregate_cell(fold, shared, cell)
                for name, source in tables.items():
                    write_table(con, shared.store, name, source, cell)


def _stale(shared: Shared, cell: Cell, made: Mapping[str, Made]) -> dict[str, Made]:
    """Return what each table of a cell that is not current is made from."""
    codes = {"codes": shared.store.attributes(cell, "codes")["fingerprint"]}
    sources = {name: codes | dict(source) for name, source in made.items()}
    return {
        name: source
        for name, source in sources.items()
        if not is_current(table_file(shared.store, name, cell), source)
    }


def _made(shared: Shared) -> dict[str, Made]:
    """What each table is made from beside codes: SQL, settings, shared tables."""
    files = {name: table_file(shared.store, name) for name in READ}
    read = {name: digest(footer(file)) for name, file in files.items() if file.exists()}
    made: dict[str, Made] = {
        name: _depends_on(shared, name, read)
        for name in FOLD_TABLES
        if name != "feature_concepts" or "token_concepts" in read
    }
    views = [shared.views[name] for name in sorted(shared.views)]
    whole = {
        "sql": digest("".join(view.select for view in views)),
        "embeddings": shared.embeddings,
        "cosines": [one.cosine for one in shared.thresholds],
        "settings": shared.settings,
    }
    return made | dict.fromkeys(VARIANT_TABLES, whole | read)


def _depends_on(shared: Shared, name: str, read: dict[str, Any]) -> dict[str, Any]:
    views = shared.depends
    bases = {base for one in closure(views, name) for base in one.reads} | {name}
    made = {base: read[base] for base in bases & read.keys()}
    if "linked_tokens" in bases:
        made["embeddings"] = shared.embeddings
    return made | made_by(views, name, shared.settings)


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
    base = {"settings"}
    for name in READ:
        if (file := table_file(shared.store, name)).exists():
            parquet_view(con, name, [file])
            base.add(name)
    trends = {view.name: view for view in closure(shared.views, "trends")}
    trends = {name: trends[name] for name in trends if trends[name].folder == "trends"}
    views = {name: one for name, one in shared.views.items() if one.folder != "trends"}
    base = create_views(con, views, base, COMPUTED_ONCE)
    clusterings = put_variants(con, shared)
    return Fold(con, views, trends, base | VARIANT_INPUTS, clusterings)


def aggregate(fold: Fold, shared: Shared, codes: Codes) -> set[str]:
    """Aggregate one cell's codes into its tables; return the names that are there.

    The codes are read twice: for each feature's maximum, and for what exceeds the
    lowest floor that follows from it.
    """
    con, views = fold.con, fold.views
    con.register("codes", codes(None))
    base = fold.base | {"cell_attributes", "codes"}
    base = create_views(con, views, base, COMPUTED_ONCE)
    con.register("codes_above", codes(_floors(con)))
    base = create_views(con, views, base | {"codes_above"}, COMPUTED_ONCE)
    needed = {one.name: one for name in BY_RANGE for one in closure(views, name)}
    for first, last in _ranges(con):
        with schema(con, "part"):
            con.execute(
                "create table some_codes as select * exclude value "
                f"from strong_codes where feature between {first} and {last}"
            )
            part = create_views(con, needed, base | {"some_codes"}, COMPUTED_ONCE)
            sets = _token_sets(con, fold.clusterings)
            put_linked_tokens(con, sets, shared.links, fold.clusterings)
            create_views(con, needed, part | {"linked_tokens"}, COMPUTED_ONCE)
            for name in BY_RANGE:
                rows = f"from part.{name}"
                con.execute(f"create table if not exists cell.{name} as {rows} limit 0")
                con.execute(f"insert into cell.{name} {rows}")
    return create_views(con, views, base | set(BY_RANGE), COMPUTED_ONCE)


def _aggregate_cell(fold: Fold, shared: Shared, cell: Cell) -> None:
    """Compute a cell's tables, and the trends of its variants."""
    con, store = fold.con, shared.store
    attributes = store.attributes(cell, "sae") | store.attributes(cell, "codes")
    put_rows(con, "cell_attributes", [attributes])
    names = aggregate(fold, shared, lambda floor: store.codes_stream(cell, floor))
    with schema(con, "variant"):
        con.execute("create view features as from variant_features")
        con.execute("create view cells as from variant_cells")
        create_views(con, fold.trends, {"features", "cells"})
        con.execute("create table cell.variant_trends as from trends")
    create_views(con, fold.views, names | {"variant_trends"}, COMPUTED_ONCE)


def _floors(con: Connection) -> Any:
    """Return the lowest value that fires by any rule, for each feature, (n,)."""
    columns: Any = con.execute("select feature, least from floors").fetchnumpy()
    floor = np.full(columns["feature"].max(initial=0) + 1, np.inf)
    floor[columns["feature"]] = columns["least"]
    return floor


def _ranges(con: Connection) -> list[tuple[int, int]]:
    """Return first and last features of the ranges that are aggregated at once."""
    return con.execute(
        "with counts as "
        "(select feature, count(*) as n from strong_codes group by feature), "
        "placed as (select feature, sum(n) over (order by feature) // ? as part "
        "from counts) "
        "select min(feature), max(feature) from placed group by part order by part",
        [CODES_AT_ONCE],
    ).fetchall()


def _token_sets(con: Connection, clusterings: list[Clustering]) -> TokenSets:
    """Read the tokens on which features fire from `token_counts`."""
    greedy = {one.rule for one in clusterings if one.method == "greedy"}
    counts = "".join(f", counts[{rule + 1}] as rule_{rule}" for rule in greedy)
    columns: Any = con.execute(
        f"select feature, token_id, rules{counts} from token_counts order by all"
    ).fetchnumpy()
    feature, token_id, rules, *n = (one.astype(np.int64) for one in columns.values())
    return TokenSets(feature, token_id, rules, dict(zip(greedy, n, strict=True)))
