"""A catalog: one .duckdb file with every table and view of a store, for any client.

Reads the store's study and the footers of its tables. The file refers to the Parquet
files by their full addresses and holds no rows.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bisae.disk_errors import disk_trouble
from bisae.errors import BisaeError, SqlError, StoreError
from bisae.files import AnyPath, is_local, listing, literal
from bisae.query.database import (
    contents,
    database,
    open_tables,
    quoted,
)
from bisae.query.failure import explain, explain_errors
from bisae.query.results import headers
from bisae.query.source import create_macros
from bisae.store import Store

STORAGE = "v1.0.0"
"""The oldest version of DuckDB that opens a catalog."""
# Every view of a catalog has a comment, and a catalog holds no rows.
ENTRIES = """
select table_name as name, false as is_ours from duckdb_tables()
where database_name = 'found'
union all
select view_name, comment is not null from duckdb_views()
where database_name = 'found' and not internal
"""


def write_catalog(store: Store, file: Path) -> None:
    """Write a catalog, or replace one. Raises SqlError, Unfinished, StoreError."""
    if file.exists():
        _check_replaceable(file)
    try:
        # In a temporary folder, since DuckDB writes a log next to the file.
        with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
            temporary = Path(folder) / "catalog.duckdb"
            _fill(store, temporary)
            temporary.replace(file)
    except BisaeError:
        raise  # some are an OSError as well
    except OSError as error:
        if trouble := disk_trouble(error, file):
            raise StoreError(trouble) from error
        msg = f"cannot write {file}: {error.strerror or error}"
        raise SqlError(msg) from error


def _fill(store: Store, file: Path) -> None:
    con = database()
    if not is_local(store.tables):
        # Under the URL scheme that clients use.
        con.register_filesystem(store.tables.fs)
    with explain_errors(file):
        target = f"{quoted(str(file))} as catalog (storage_version {quoted(STORAGE)})"
        con.execute(f"attach {target}")
        con.execute("use catalog")
        # DuckDB 2 keeps `if` in a view as a function, which DuckDB 1 does not have.
        con.execute("create macro if(a, b, c) as case when a then b else c end")
        create_macros(con)
        exists = listing(store.tables)
        table_cells, views = contents(store, exists)
        headers_by_name = headers()
        for name in open_tables(con, store, table_cells, views, exists, _address):
            comment = "; one row per ".join(headers_by_name[name])
            con.execute(f"comment on view {name} is {quoted(comment)}")
        con.execute("use memory")
        con.execute("detach catalog")
    con.close()


def _address(file: AnyPath) -> str:
    return literal(str(file.resolve() if is_local(file) else file))


def _check_replaceable(file: Path) -> None:
    """Raise SqlError unless a file is a catalog to which nothing was added."""
    problem = "exists and is not a catalog of bisae"
    with duckdb.connect() as con:
        try:
            con.execute(f"attach {quoted(str(file))} as found (read_only)")
            entries = dict(con.execute(ENTRIES).fetchall())
        except duckdb.Error as error:
            entries = {}
            problem += f" ({explain(error)})"
    if "settings" in entries:
        added = sorted(name for name, is_ours in entries.items() if not is_ours)
        if not added:
            return
        problem = f"has relations that bisae did not create: {', '.join(added)}"
    msg = f"{file} {problem}; move it away, or give another --output"
    raise SqlError(msg)
