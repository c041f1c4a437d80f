"""A DuckDB database over a store: its tables as base views, the .sql files on top.

Reads the list of finished cells from the study, never a glob.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress

import duckdb

from bisae.errors import SqlError, Unfinished
from bisae.files import AnyPath, is_local, listing, literal
from bisae.grid import Cell
from bisae.interrupts import end_on_signal
from bisae.query import fence
from bisae.query.create import Connection, create_views
from bisae.query.failure import explain_errors
from bisae.query.once import compute_once
from bisae.query.source import create_macros
from bisae.query.views import View, read_often, reads_of, store_views
from bisae.store import Store, registry, study_tables, table_file, table_names

Exists = Callable[[AnyPath], bool]
"""Says if a file below a store's tables exists: see `listing`."""
TableCells = Mapping[str, Sequence[Cell | None]]
"""The cells of which each table has files; None for a table of the study."""
ADDRESS = "{'size': varchar, 'step': bigint, 'layer': integer}"
MEMORY = "2GiB"


def database(
    tables: AnyPath | None = None,
    *,
    windowed: bool = False,
    memory: str = "",
    lossless_arrow: bool = False,
) -> Connection:
    """Open an empty database in memory that is bounded and downloads nothing.

    `tables` in an object store, or any tables if `windowed`, are read through the file
    system of `fence.py`. With `lossless_arrow`, types that Arrow lacks keep their name.
    """
    con = duckdb.connect()
    end_on_signal(con)
    con.execute(f"set memory_limit = '{memory or MEMORY}'")
    con.execute("set autoinstall_known_extensions = false")
    con.execute("set autoload_known_extensions = false")
    con.execute(f"set arrow_lossless_conversion = {lossless_arrow}")
    _measure_progress(con)
    # An Arrow stream is planned as if it had one row; keep it on the probe side.
    con.execute("set disabled_optimizers = 'join_order,build_side_probe_side'")
    create_macros(con)
    if tables is not None and (windowed or not is_local(tables)):
        con.register_filesystem(fence.ReadOnlyFiles(tables))
        con.execute("set parquet_metadata_cache = true")
    return con


def _measure_progress(con: Connection) -> None:
    """Measure the progress of queries, which `watch` reads; DuckDB prints nothing.

    In a notebook without ipywidgets, DuckDB refuses the settings and prints nothing.
    """
    with suppress(duckdb.InvalidInputException):
        con.execute("set enable_progress_bar = true")
        con.execute("set enable_progress_bar_print = false")
        con.execute("set progress_bar_time = 0")


def address(file: AnyPath) -> str:
    """Return the address of a file in a query that is not fenced."""
    return literal(str(file.absolute())) if is_local(file) else fence.address(file)


def parquet_view(
    con: Connection,
    name: str,
    files: Sequence[AnyPath],
    address: Callable[[AnyPath], str] = address,
    *,
    table: str = "",
    by_name: bool = False,
) -> None:
    """Create a base view over the Parquet files of a table, by default of its name.

    All have the columns of the first file; if `by_name`, those of any, which takes
    reading the metadata of all.
    """
    with explain_errors(f"table {table or name}"):
        rows = _rows(table or name, files, address, by_name=by_name)
        con.execute(f"create or replace view {name} as {rows}")


def _rows(
    name: str,
    files: Sequence[AnyPath],
    address: Callable[[AnyPath], str] = address,
    *,
    by_name: bool = False,
) -> str:
    """Return the query that reads a table's files."""
    listed = ", ".join(quoted(address(file)) for file in files)
    # Below a folder such as `runs/lr=1` DuckDB would see another partition; then the
    # address comes from the columns in the files.
    table = registry().get(name)
    is_of_cells = table is not None and table.level == "cell"
    by_cell = is_of_cells and "=" not in address(files[0].parents[3])
    query = f"from read_parquet([{listed}], hive_partitioning = {by_cell}"
    query += ", union_by_name = true" if by_name else ""
    query += f", hive_types = {ADDRESS})" if by_cell else ")"
    if table is None or not table.added:
        return query
    columns = (f"null::{kind} as {column}" for column, kind in table.added.items())
    return f"{query} union all by name select {', '.join(columns)} where false"


def open_tables(
    con: Connection,
    store: Store,
    table_cells: TableCells,
    views: Mapping[str, View],
    exists: Exists,
    address: Callable[[AnyPath], str] = address,
    extra_tables: Collection[str] = (),
) -> set[str]:
    """Create base views of the tables that exist, and `views` on them; return names.

    `views` may also read `extra_tables`, which exist already. They are bound on empty
    tables, since binding on files would open these again for every view.
    """
    files = {
        table: [file for c in cells if exists(file := table_file(store, table, c))]
        for table, cells in table_cells.items()
    }
    existing = {table: listed for table, listed in files.items() if listed}
    for table, table_files in existing.items():
        with explain_errors(f"table {table}"):
            rows = _rows(table, table_files[:1], address)
            con.execute(f"create table {table} as {rows} limit 0")
    empty = _create_empty(con, table_cells.keys() - existing.keys())
    created = create_views(con, views, {*existing, *empty, *extra_tables})
    for table, table_files in existing.items():
        con.execute(f"drop table {table}")
        # Cells that an earlier version exported do not say that they are no controls.
        is_older = table == "cells" and bool(store.study.controls)
        parquet_view(con, table, table_files, address, by_name=is_older)
    return created


def _create_empty(con: Connection, tables: Iterable[str]) -> list[str]:
    """Create those of some tables whose columns are known without a file."""
    types = {table: registry()[table].columns for table in tables}
    empty = [table for table in types if types[table]]
    for table in empty:
        columns = (f"null::{kind} as {column}" for column, kind in types[table].items())
        con.execute(f"create view {table} as select {', '.join(columns)} where false")
    return empty


def quoted(text: str) -> str:
    """Quote a string as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def exported_cells(
    store: Store, cells: Iterable[Cell] | None = None, exists: Exists | None = None
) -> list[Cell]:
    """Return the cells all of whose tables exist, in grid order: none is seen half.

    `cells` are those that are looked at, by default all of the grid; `exists` is the
    listing of the store's tables, if there is one already.
    """
    exists = exists or listing(store.tables)
    tables = [
        name
        for name in study_tables(store.study, "cell", "export")
        if not registry()[name].optional
    ]
    return [
        cell
        for cell in (store.cells if cells is None else cells)
        if all(exists(table_file(store, table, cell)) for table in tables)
    ]


def missing_cells(store: Store) -> int:
    """Count the cells of the grid that are not exported."""
    return len(store.cells) - len(exported_cells(store))


def contents(
    store: Store, exists: Exists, only: Collection[Cell] | None = None
) -> tuple[TableCells, dict[str, View]]:
    """Return all tables of a store's exported cells, and all views.

    With `only`, those of these cells. Raises Unfinished.
    """
    selected = set(store.cells if only is None else only)
    in_order = [cell for cell in store.cells if cell in selected]
    cells = exported_cells(store, in_order, exists)
    if not cells:
        msg = (
            f"{store.path}: no cell is finished yet; `bisae status` shows the progress"
        )
        raise Unfinished(msg)
    searched = [
        cell for model in store.study.models if (cell := model.middle_cell) in selected
    ]
    table_cells: dict[str, Sequence[Cell | None]] = {
        t: [None] for t in table_names("study")
    }
    table_cells |= dict.fromkeys(table_names("cell"), cells) | {"lr_search": searched}
    return table_cells, store_views()


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
    """Open a database with every table and view of the exported cells, or of `cells`.

    With `codes`, that cell's activations are the table `codes`. `fenced` is for queries
    that users write: they can read the store's tables and nothing else. With `query`,
    only the relations that it depends on are created, and what several of them read is
    computed now, if it is small: each scan would open a file of every cell. `memory`
    and `lossless_arrow` are as for `database`. Raises Unfinished if nothing is exported
    yet, or if the cell is not encoded.
    """
    exists = listing(store.tables)
    table_cells, views = contents(store, exists, cells)
    con = database(
        store.tables, windowed=fenced, memory=memory, lossless_arrow=lossless_arrow
    )
    needed = None if query is None else _needed(views, {*table_cells, "codes"}, query)
    if needed is not None:
        table_cells = {
            name: table_cells[name] for name in table_cells if name in needed
        }
        views = {name: views[name] for name in views if name in needed}
    if codes:
        con.register("codes", store.codes_stream(codes))
    naming = fence.address if fenced else address
    extra_tables = {"codes"} if codes else ()
    open_tables(con, store, table_cells, views, exists, naming, extra_tables)
    if query is not None:
        compute_once(con, read_often(query))
    if fenced:
        fence.enclose(con, store.tables)
    return con


def _needed(views: Mapping[str, View], tables: set[str], query: str) -> set[str] | None:
    """Return the relations that a query depends on; None if that cannot be told.

    Binding a view takes time, so views that the query does not read are left out.
    """
    derived_views = {name: view for name, view in views.items() if name not in tables}
    try:
        needed = reads_of(derived_views, query)
    except SqlError:
        return None
    return needed if needed <= tables | views.keys() else None
