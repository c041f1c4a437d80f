"""Turn the .sql files and the exported tables into one DuckDB database.

A file is one bare SELECT; its stem is the view's name. There are no templates and no
paths: Python makes the base tables, files name each other, and DuckDB's own parser says
who needs whom.
"""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow.parquet as pq

from bisae import fence
from bisae.assets import asset_dir
from bisae.errors import SqlError, Unfinished
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.store import Store

Connection = duckdb.DuckDBPyConnection
ADDRESS = "{'size': varchar, 'step': bigint, 'layer': integer}"
CELL_TABLES = (
    "cells",
    "firings",
    "clusters",
    "features",
    "feature_languages",
    "feature_concepts",
)
STUDY_TABLES = (
    "settings",
    "tokens",
    "vocab",
    "mono_null",
    "lexicon",
    "token_concepts",
)
MEMORY = "2GiB"


class View(NamedTuple):
    """One .sql file."""

    name: str
    folder: str
    title: str
    grain: str
    select: str
    reads: frozenset[str]
    """Tables and views that it names, from the parser."""


# -- files ------------------------------------------------------------------------


def read_views(*folders: str) -> dict[str, View]:
    """The views of some folders of sql/ (all, by default), by name. Raises SqlError."""
    found: dict[str, Path] = {}
    for path in sorted(asset_dir("sql").rglob("*.sql")):
        if folders and path.parent.name not in folders:
            continue
        if path.stem in found:
            msg = f"{path} and {found[path.stem]} would both create {path.stem!r}"
            raise SqlError(msg)
        found[path.stem] = path
    return {name: read_view(path) for name, path in found.items()}


def read_view(path: Path) -> View:
    """Read one file and its header. Raises SqlError."""
    select = path.read_text(encoding="utf-8")
    try:
        reads = frozenset(_tables(select))
    except SqlError as error:
        msg = f"{path}: {error}"
        raise SqlError(msg) from error
    header = " ".join(re.findall(r"^-- ?(.*)$", select, re.MULTILINE))
    field = {
        name: " ".join(match[1].split()) if match else ""
        for name in ("Title", "Grain")
        for match in [re.search(rf"{name}: +(.*?)(?= \w+: |$)", header)]
    }
    folder = path.parent.name
    return View(path.stem, folder, field["Title"], field["Grain"], select, reads)


def build_order(views: Mapping[str, View]) -> list[str]:
    """Order view names so that each follows everything it reads."""
    graph = {name: view.reads & views.keys() for name, view in views.items()}
    return list(TopologicalSorter(graph).static_order())


def closure(views: Mapping[str, View], name: str) -> list[View]:
    """A view and every view that it hangs on, in building order."""
    needed = {name}
    for other in reversed(build_order(views)):
        if other in needed:
            needed |= views[other].reads & views.keys()
    return [views[one] for one in build_order(views) if one in needed]


def _tables(select: str) -> set[str]:
    row = duckdb.execute("select json_serialize_sql(?::varchar)", [select]).fetchone()
    tree = json.loads(row[0]) if row else {"error": True}
    if tree["error"]:
        raise SqlError(tree.get("error_message", "cannot be parsed"))
    nodes = list(_nodes(tree))
    ctes = {cte["key"] for node in nodes for cte in node.get("map", ()) if "key" in cte}
    return {node["table_name"] for node in nodes if node.get("table_name")} - ctes


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for child in tree:
            yield from _nodes(child)


# -- databases --------------------------------------------------------------------


def database() -> Connection:
    """An empty database in memory, bounded, that downloads nothing."""
    con = duckdb.connect()
    con.execute(f"set memory_limit = '{MEMORY}'")
    con.execute("set autoinstall_known_extensions = false")
    con.execute("set autoload_known_extensions = false")
    # An Arrow stream is planned as if it had one row; keep it on the probe side.
    con.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    return con


def create_views(
    con: Connection,
    views: Mapping[str, View],
    base: Iterable[str],
    computed_once: frozenset[str] = frozenset(),
) -> set[str]:
    """Create the views that can be built on `base` tables, in dependency order.

    A view named like a base table gives way to it; one that needs a table which this
    study does not have is left out. Gives the names that are there now. Raises SqlError,
    naming the view.
    """
    have = set(base)
    for name in build_order(views):
        if name in have or not views[name].reads <= have:
            continue
        try:
            kind = "temp table" if name in computed_once else "view"
            con.execute(f"create {kind} {name} as {views[name].select}")
        except duckdb.Error as error:
            msg = f"view {name}: {explain(error)}"
            raise SqlError(msg) from error
        have.add(name)
    return have


def table_file(store: Store, table: str, cell: Cell | None = None) -> Path:
    """Where a table's rows are: of one cell, or of the study."""
    folder = store.tables / table
    return (folder / cell.partition if cell else folder) / "rows.parquet"


def parquet_view(
    con: Connection, name: str, files: Sequence[Path], scheme: str = ""
) -> None:
    """Make a base view over an explicit list of Parquet files."""
    listed = ", ".join(quoted(f"{scheme}{file.resolve()}") for file in files)
    con.execute(
        f"create view {name} as from read_parquet([{listed}], "
        f"hive_partitioning = {name in CELL_TABLES}"
        + (f", hive_types = {ADDRESS})" if name in CELL_TABLES else ")")
    )


def quoted(text: str) -> str:
    """A string as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def exported_cells(store: Store) -> list[Cell]:
    """The cells whose features are exported, in grid order."""
    cells = store.study.cells
    return [cell for cell in cells if table_file(store, "features", cell).exists()]


def missing_cells(store: Store) -> int:
    """How many cells of the grid are not exported."""
    return len(store.study.cells) - len(exported_cells(store))


def connect(
    store: Store, codes: Cell | None = None, *, fenced: bool = False
) -> Connection:
    """A database with every table and view of the store's exported cells.

    With `codes`, that cell's activations are the table `codes`. `fenced` is for queries
    that users write: they read the store's tables and touch nothing else. Raises
    Unfinished when nothing is exported yet, or that cell is not encoded.
    """
    con = database()
    if fenced:
        con.register_filesystem(fence.ReadOnlyFiles(store.tables))
    cells = exported_cells(store)
    if not cells:
        msg = (
            f"{store.place}: no cell is finished yet; `bisae status` shows where it is"
        )
        raise Unfinished(msg)
    base = set()
    for table in (*STUDY_TABLES, *CELL_TABLES):
        places = cells if table in CELL_TABLES else [None]
        files = [file for c in places if (file := table_file(store, table, c)).exists()]
        if files:
            parquet_view(con, table, files, f"{fence.SCHEME}://" if fenced else "")
            base.add(table)
    if codes:
        con.register("codes", store.codes_stream(codes))
        base.add("codes")
    create_views(con, read_views("study", "trends", "paper", "checks"), base)
    if fenced:
        fence.enclose(con, store.tables)
    return con


# -- queries ----------------------------------------------------------------------


def rows_of(con: Connection, query: str) -> Rows:
    """Run a query. Raises SqlError: one line, with the line of the query it is about."""
    try:
        result = con.execute(query)
        names = [column[0] for column in result.description or ()]
        return Rows(names, result.fetchall() if names else [])
    except duckdb.Error as error:
        raise SqlError(explain(error)) from error


def explain(error: duckdb.Error) -> str:
    """DuckDB's error in one line: what, and at which line of the query."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    if lines[0].startswith("Traceback"):
        return lines[-1].split(": ", 1)[-1]
    place = re.search(r"^LINE (\d+): (.*)$", str(error), re.MULTILINE)
    near = re.search(r"Did you mean (.*)|Candidate bindings: (.*)", str(error))
    hint = f"; nearest: {near[1] or near[2]}" if near else ""
    where = f" (line {place[1]}: {place[2].strip()})" if place else ""
    return f"{lines[0]}{hint}{where}"


def write_parquet(con: Connection, query: str, file: Path) -> None:
    """Write a query's result as Parquet, through Arrow: a fence lets DuckDB write none."""
    try:
        reader = con.sql(query.rstrip().rstrip(";")).to_arrow_reader()
        with pq.ParquetWriter(file, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    except duckdb.Error as error:
        raise SqlError(explain(error)) from error


def describe(con: Connection) -> Rows:
    """Every table and view: name, title, grain, columns."""
    headers = {name: (view.title, view.grain) for name, view in read_views().items()}
    told = tomllib.loads((asset_dir("sql") / "tables.toml").read_text("utf-8"))
    headers |= {name: (one["title"], one["grain"]) for name, one in told.items()}
    columns = con.execute(
        "select table_name, string_agg(column_name, ', ' order by ordinal_position) "
        "from information_schema.columns where table_schema = 'main' group by 1 order by 1"
    ).fetchall()
    values = [(name, *headers[name], listed) for name, listed in columns]
    return Rows(["name", "title", "grain", "columns"], values)


def words(con: Connection) -> list[str]:
    """What the shell completes: names of tables and columns."""
    found = con.execute(
        "select table_name from information_schema.columns where table_schema = 'main' "
        "union select column_name from information_schema.columns order by 1"
    ).fetchall()
    return [word for (word,) in found]
