"""Do trends hang on how the analysis was set, or on how much text was evaluated?

The fold of one cell again, with one setting or its text another, by the same .sql
files: only what hangs on the change is made again. Reads a cell's codes twice, for all
variants; writes its tables `sensitivity` and `eval_size`.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from types import MappingProxyType
from typing import Any, NamedTuple

from bisae.export.cell import (
    COMPUTED_ONCE,
    fold,
    made_of_codes,
    made_of_read,
    open_cell,
    put_row,
)
from bisae.export.shared import VARIED, Shared
from bisae.grid import Cell, at
from bisae.query import (
    Connection,
    Made,
    View,
    addressed,
    closure,
    create_views,
    database,
    digest,
    hanging_on,
    is_current,
    named,
    read_views,
    table_file,
    write_table,
)

MEMORY = "1000MiB"
"""What DuckDB may use: with codes read ahead and what is alike, 2 GiB in all."""
TABLES = ("sensitivity", "eval_size")
KEPT = COMPUTED_ONCE | {
    *(
        "document_eighths",
        "eighth_maxima",
        "least_maxima",
        "strong_codes",
        "feature_classes",
    ),
    *("document_counts", "position_counts", "entropies", "firing_spans", "features"),
}
"""What is computed once for all variants that leave it as it is."""
FIRING_THRESHOLDS = (0.5, 0.6, 0.7, 0.8, 0.9)
CLASS_THRESHOLDS = (0.8, 0.9, 0.95, 0.99)
PARTS = ("eighth", "quarter", "half", "other half", "all")
Views = Mapping[str, View]


class Variant(NamedTuple):
    """One thing that is another than the study says."""

    setting: str
    value: str
    settings: Made = MappingProxyType({})
    """What is another in the table `settings`."""
    views: Mapping[str, str] = MappingProxyType({})
    """Which view takes the place of another."""
    table: str = "sensitivity"
    """Where its trends go."""
    is_studys: bool = False
    """Whether it is what the study says."""


def variants(shared: Shared) -> Iterator[Variant]:
    """Every variant; of each setting the study's own value is one."""
    for setting, values in _values(shared).items():
        own = str(shared.settings.get(f"{setting}_asked", shared.settings[setting]))
        yield Variant(setting, own, is_studys=True)
        for value, resolved in values.items():
            if value != own:
                yield Variant(setting, value, {setting: resolved})
    yield Variant("language", "document", is_studys=True)
    yield Variant("language", "script", views={"token_marks": "script_marks"})
    yield Variant("documents", "all", is_studys=True)
    yield Variant("documents", "first 50", views={"firing_tokens": "first_firings"})
    for part in PARTS:
        views = {"codes": "part_codes"} if part != "all" else {}
        yield Variant("documents", part, views=views, table="eval_size")


def _values(shared: Shared) -> dict[str, dict[str, Any]]:
    """Values of the settings that are varied, as they are written and as they are."""
    cosines = [one.cosine for one in shared.thresholds[1:]]
    return {
        "firing_threshold": {str(one): one for one in FIRING_THRESHOLDS},
        "class_threshold": {str(one): one for one in CLASS_THRESHOLDS},
        "semantic_threshold": dict(zip(VARIED, cosines, strict=True)),
        "clustering": {one: one for one in ("components", "greedy")},
    }


def export_variants(shared: Shared, cell: Cell) -> None:
    """Write the tables of the variants of an encoded cell unless they are current."""
    views = read_views("study", "cell", "variants", "trends")
    files = {name: table_file(shared.store, name, cell) for name in TABLES}
    made = _made(shared, cell, views)
    if all(is_current(file, made) for file in files.values()):
        return
    con = database(shared.store.tables, memory=MEMORY)
    with closing(con), at(cell), named(f"cell {cell}"):
        have = _fold_strong(con, shared, cell, views)
        for variant in variants(shared):
            with _schemas(con, "variant", "trend"):
                _vary(con, shared, variant, views, have)
                _put_trends(con, variant, views, cell)
        for name, file in files.items():
            write_table(con, f"{name}_found", file, made)


def _made(shared: Shared, cell: Cell, views: Views) -> dict[str, Any]:
    """What the tables are made from: all that there is."""
    sql = digest("".join(views[name].select for name in sorted(views)))
    cosines = [one.cosine for one in shared.thresholds]
    told = {"sql": sql, "embeddings": shared.embeddings, "cosines": cosines}
    told |= made_of_codes(shared, cell) | made_of_read(shared)
    return told | {"settings": shared.settings}


def _fold_strong(con: Connection, shared: Shared, cell: Cell, views: Views) -> set[str]:
    """Fold the activations that fire in any variant; gives the names that are there."""
    base = open_cell(con, shared, cell)
    strong = {view.name: view for view in closure(views, "strong_codes")}
    have = create_views(con, strong, base, KEPT)
    con.unregister("codes")
    con.execute("create view codes as from strong_codes")
    every = {name: view for name, view in views.items() if view.folder != "trends"}
    return fold(con, shared, shared.settings, every, have, KEPT)


@contextmanager
def _schemas(con: Connection, *names: str) -> Iterator[None]:
    """Make schemas, the first of which takes what is made, and drop them."""
    for name in names:
        con.execute(f"create schema {name}")
    yield
    con.execute("set search_path = 'main'")
    for name in reversed(names):
        con.execute(f"drop schema {name} cascade")


def _vary(
    con: Connection, shared: Shared, variant: Variant, views: Views, have: set[str]
) -> None:
    """Fold on top of what the variant leaves as it is."""
    con.execute("set search_path = 'variant,main'")
    settings = shared.settings | dict(variant.settings)
    put_row(con, "settings", settings)
    told = variant._asdict()
    names = ("setting", "value", "is_studys")
    put_row(con, "variant", {name: told[name] for name in names})
    for name, other in variant.views.items():
        kind = "table" if name in KEPT else "view"
        con.execute(f"create {kind} {name} as {views[other].select}")
    changed = hanging_on(shared.depends, {*variant.views}, {*variant.settings})
    again = {name: shared.views[name] for name in changed - {"clusters"}}
    left = (have - changed) | variant.views.keys() | {"settings", "variant"}
    fold(con, shared, settings, again, left, COMPUTED_ONCE)


def _put_trends(con: Connection, variant: Variant, views: Views, cell: Cell) -> None:
    """Add the trends of the variant's features to its table."""
    con.execute("set search_path = 'trend,variant,main'")
    con.execute(f"create table features as select {addressed(cell)}, * from features")
    con.execute(
        f"create table cells as select {addressed(cell)}, * replace "
        "(n_features - (select count(*) from features) as n_dead) from cells"
    )
    needed = {
        view.name: view
        for view in closure(views, variant.table)
        if view.folder == "trends" or view.name == variant.table
    }
    base = {base for view in needed.values() for base in view.reads} - needed.keys()
    create_views(con, needed, base)
    found = f"main.{variant.table}_found"
    con.execute(f"create table if not exists {found} as from {variant.table} limit 0")
    con.execute(f"insert into {found} from {variant.table}")
