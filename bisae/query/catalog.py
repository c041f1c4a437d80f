"""A catalog: one .duckdb file with every table and view of a store, for any client.

Reads the store's study and the footers of its tables. The file names the Parquet files
by their full addresses and holds no rows.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from bisae.disk_errors import disk_trouble
from bisae.errors import BisaeError, SqlError, StoreError
from bisae.files import AnyPath, is_local, literal
from bisae.query.ask import headers
from bisae.query.database import (
    contents,
    database,
    open_tables,
    quoted,
)
from bisae.query.failure import explain, named
from bisae.query.source import create_macros
from bisae.store import Store

STORAGE = "v1.0.0"
"""The oldest DuckDB that opens it."""
# Every view of a catalog has a comment, and no row is in it.
ENTRIES = """
select table_name as name, false as is_ours from duckdb_tables()
where database_name = 'found'
union all
select view_name, comment is not null from duckdb_views()
where database_name = 'found' and not internal
"""


def write_catalog(store: Store, file: Path) -> None:
    """Write a catalog; one that is there is replaced. Raises SqlError, Unfinished."""
    if file.exists():
        _check_replaceable(file)
    try:
        # A folder of its own: DuckDB keeps a log beside the file that it writes.
        with TemporaryDirectory(dir=file.parent, prefix=f".{file.name}.") as folder:
            held = Path(folder) / "catalog.duckdb"
            _fill(store, held)
            held.replace(file)
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
        # Under the scheme that clients know it by.
        con.register_filesystem(store.tables.fs)
    with named(file):
        target = f"{quoted(str(file))} as catalog (storage_version {quoted(STORAGE)})"
        con.execute(f"attach {target}")
        con.execute("use catalog")
        # DuckDB 2 keeps `if` in a view as a function, which DuckDB 1 does not have.
        con.execute("create macro if(a, b, c) as case when a then b else c end")
        create_macros(con)
        places, views = contents(store)
        known = headers()
        for name in open_tables(con, store, places, views, _address):
            told = "; one row per ".join(known[name])
            con.execute(f"comment on view {name} is {quoted(told)}")
        con.execute("use memory")
        con.execute("detach catalog")
    con.close()


def _address(file: AnyPath) -> str:
    return literal(str(file.resolve() if is_local(file) else file))


def _check_replaceable(file: Path) -> None:
    """Raises SqlError unless a file is a catalog to which nobody has added anything."""
    what = "is there and is no catalog of bisae"
    with duckdb.connect() as con:
        try:
            con.execute(f"attach {quoted(str(file))} as found (read_only)")
            entries = dict(con.execute(ENTRIES).fetchall())
        except duckdb.Error as error:
            entries = {}
            what += f" ({explain(error)})"
    if "settings" in entries:
        added = sorted(name for name, is_ours in entries.items() if not is_ours)
        if not added:
            return
        what = f"has what bisae did not put there: {', '.join(added)}"
    msg = f"{file} {what}; move it away, or give another --output"
    raise SqlError(msg)
