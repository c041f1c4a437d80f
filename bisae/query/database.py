"""A DuckDB database over a store: its tables as base views, the .sql files on top.

Reads the list of finished cells from the study, never a glob.
"""

from collections.abc import (
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager

import duckdb

from bisae.errors import SqlError, Unfinished
from bisae.files import AnyPath, is_local, listing, literal
from bisae.grid import Cell
from bisae.interrupts import end_on_signal
from bisae.query import fence
from bisae.query.failure import named
from bisae.query.source import create_macros
from bisae.query.views import (
    View,
    build_order,
    read_check_views,
    read_views,
    reads_of,
)
from bisae.store import Store, registry, study_tables, table_file, table_names

Connection = duckdb.DuckDBPyConnection
Places = Mapping[str, Sequence[Cell | None]]
"""Of which cells, or of the study, each table has files."""
ADDRESS = "{'size': varchar, 'step': bigint, 'layer': integer}"
MEMORY = "2GiB"


def database(
    tables: AnyPath | None = None,
    *,
    windowed: bool = False,
    memory: str = "",
    lossless_arrow: bool = False,
) -> Connection:
    """An empty database in memory with our macros, bounded, that downloads nothing.

    It reads `tables` in an object store, or if it is `windowed`, through a window. With
    `lossless_arrow` DuckDB tells types apart that Arrow has not.
    """
    con = duckdb.connect()
    end_on_signal(con)
    con.execute(f"set memory_limit = '{memory or MEMORY}'")
    con.execute("set autoinstall_known_extensions = false")
    con.execute("set autoload_known_extensions = false")
    con.execute(f"set arrow_lossless_conversion = {lossless_arrow}")
    # How far a query is, for `watch`; DuckDB itself prints nothing.
    con.execute("set enable_progress_bar = true")
    con.execute("set enable_progress_bar_print = false")
    con.execute("set progress_bar_time = 0")
    # An Arrow stream is planned as if it had one row; keep it on the probe side.
    con.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    create_macros(con)
    if tables is not None and (windowed or not is_local(tables)):
        con.register_filesystem(fence.ReadOnlyFiles(tables))
        con.execute("set parquet_metadata_cache = true")
    return con


def create_views(
    con: Connection,
    views: Mapping[str, View],
    base: Iterable[str],
    *,
    keep: bool = False,
) -> set[str]:
    """Create the views that can be built on `base` tables, in dependency order.

    A view named like a base table gives way to it; one that needs a table which this
    study does not have is left out. With `keep`, views that several others read are
    computed now, as tables. Returns the names that exist now. Raises SqlError, naming
    the file.
    """
    have = set(base)
    for name in build_order(views):
        if name in have or not views[name].reads <= have:
            continue
        kind = "table" if keep and views[name].is_kept else "view"
        with named(views[name].path):
            con.execute(f"create {kind} {name} as {views[name].select}")
        have.add(name)
    return have


@contextmanager
def schema(con: Connection, name: str) -> Iterator[None]:
    """Work in a new schema, in front of those in use; drop it at the end."""
    (setting,) = con.execute("select current_setting('search_path')").fetchall()[0]
    path = setting or "main"
    con.execute(f"create schema {name}")
    con.execute(f"set search_path = '{name},{path}'")
    try:
        yield
    finally:
        con.execute(f"set search_path = '{path}'")
        con.execute(f"drop schema {name} cascade")


def address(file: AnyPath) -> str:
    """A file as a query that is not fenced names it."""
    return literal(str(file.absolute())) if is_local(file) else fence.address(file)


def parquet_view(
    con: Connection,
    name: str,
    files: Sequence[AnyPath],
    address: Callable[[AnyPath], str] = address,
) -> None:
    """Make a base view over an explicit list of Parquet files."""
    with named(f"table {name}"):
        con.execute(f"create or replace view {name} as {_rows(name, files, address)}")


def _rows(
    name: str, files: Sequence[AnyPath], address: Callable[[AnyPath], str] = address
) -> str:
    """The query that reads a table's files."""
    listed = ", ".join(quoted(address(file)) for file in files)
    # Below a folder such as `runs/lr=1` DuckDB would see one partition more; the
    # address is in the files too.
    is_of_cells = name in registry() and registry()[name].level == "cell"
    by_cell = is_of_cells and "=" not in address(files[0].parents[3])
    query = f"from read_parquet([{listed}], hive_partitioning = {by_cell}"
    return query + (f", hive_types = {ADDRESS})" if by_cell else ")")


def open_tables(
    con: Connection,
    store: Store,
    places: Places,
    views: Mapping[str, View],
    address: Callable[[AnyPath], str] = address,
    beside: Collection[str] = (),
) -> set[str]:
    """Make base views of the tables that are there, and the views on top; their names.

    `places` says of which cells, and `beside` what else is there to build on. The views
    are bound on empty tables: to bind on files opens them again for every view.
    """
    is_there = listing(store.tables)
    files = {
        table: [file for c in cells if is_there(file := table_file(store, table, c))]
        for table, cells in places.items()
    }
    found = {table: listed for table, listed in files.items() if listed}
    for table, listed in found.items():
        with named(f"table {table}"):
            rows = _rows(table, listed[:1], address)
            con.execute(f"create table {table} as {rows} limit 0")
    made = create_views(con, views, {*found, *beside})
    for table, listed in found.items():
        con.execute(f"drop table {table}")
        parquet_view(con, table, listed, address)
    return made


def quoted(text: str) -> str:
    """A string as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def exported_cells(store: Store, cells: Iterable[Cell] | None = None) -> list[Cell]:
    """Return the cells all of whose tables exist, in grid order: none is seen half.

    `cells` are those that are looked at, by default all of the grid.
    """
    is_there = listing(store.tables)
    tables = [
        name
        for name in study_tables(store.study, "cell", "export")
        if not registry()[name].optional
    ]
    return [
        cell
        for cell in (store.cells if cells is None else cells)
        if all(is_there(table_file(store, table, cell)) for table in tables)
    ]


def missing_cells(store: Store) -> int:
    """How many cells of the grid are not exported."""
    return len(store.cells) - len(exported_cells(store))


def contents(
    store: Store, only: Collection[Cell] | None = None
) -> tuple[Places, dict[str, View]]:
    """All tables of a store's exported cells, and all views. Raises Unfinished."""
    asked = set(store.cells if only is None else only)
    cells = [cell for cell in exported_cells(store) if cell in asked]
    if not cells:
        msg = f"{store.path}: no cell is finished yet; `bisae status` shows where it is"
        raise Unfinished(msg)
    searched = [
        cell for model in store.study.models if (cell := model.middle_cell) in asked
    ]
    places: dict[str, Sequence[Cell | None]] = {t: [None] for t in table_names("study")}
    places |= dict.fromkeys(table_names("cell"), cells) | {"lr_search": searched}
    views = read_views("text", "grid", "paper", "questions")
    return places, views | read_check_views()


def connect(
    store: Store,
    codes: Cell | None = None,
    *,
    cells: Collection[Cell] | None = None,
    fenced: bool = False,
    query: str | None = None,
    memory: str = "",
    lossless_arrow: bool = False,
) -> Connection:
    """A database with every table and view of the exported cells, or of these `cells`.

    With `codes`, that cell's activations are the table `codes`. `fenced` is for queries
    that users write: they read the store's tables and touch nothing else. If it is for
    one `query`, only what that hangs on is there. `memory` and `lossless_arrow` are as
    for `database`. Raises Unfinished when nothing is exported yet, or that cell is not
    encoded.
    """
    places, views = contents(store, cells)
    con = database(
        store.tables, windowed=fenced, memory=memory, lossless_arrow=lossless_arrow
    )
    if query is not None:
        needed = _needed(views, {*places, "codes"}, query)
        places = {name: places[name] for name in places if name in needed}
        views = {name: views[name] for name in views if name in needed}
    if codes:
        con.register("codes", store.codes_stream(codes))
    naming = fence.address if fenced else address
    open_tables(con, store, places, views, naming, {"codes"} if codes else ())
    if fenced:
        fence.enclose(con, store.tables)
    return con


def _needed(views: Mapping[str, View], tables: set[str], query: str) -> set[str]:
    """What a query hangs on; everything where that cannot be told.

    Nobody waits for what is not read: to bind all views takes time for each.
    """
    every = tables | views.keys()
    asked = {name: view for name, view in views.items() if name not in tables}
    try:
        needed = reads_of(asked, query)
    except SqlError:
        return every
    return needed if needed <= every else every
