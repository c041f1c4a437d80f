"""Create the views of the .sql files in an open database.

Reads parsed .sql files; writes to the database alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb

from bisae.query.failure import explain_errors
from bisae.query.views import View, build_order

Connection = duckdb.DuckDBPyConnection
LOCATION = "select current_database() || '.' || current_schema()"
"""Where a connection creates views."""


def create_views(
    con: Connection,
    views: Mapping[str, View],
    base: Iterable[str],
    *,
    keep: bool = False,
) -> set[str]:
    """Create the views that can be built on `base` tables, in dependency order.

    A base table replaces a view of the same name; a view is left out if it needs a
    table that this study does not have. With `keep`, views that several others read are
    computed now, as tables. Returns the names that exist now. Raises SqlError, naming
    the file.
    """
    existing = set(base)
    is_read = frozenset().union(*(view.reads for view in views.values()))
    with _placeholders(con) as put_placeholder:
        for name in build_order(views):
            if name in existing or not views[name].reads <= existing:
                continue
            kind = "table" if keep and views[name].is_materialized else "view"
            with explain_errors(views[name].path):
                con.execute(f"create {kind} {name} as {views[name].select}")
                if not keep and name in is_read:
                    put_placeholder(name)
            existing.add(name)
    return existing


@contextmanager
def _placeholders(con: Connection) -> Iterator[Callable[[str], None]]:
    """Yield a function that hides a view behind an empty table, until the end.

    A view is bound with all that it depends on; on empty tables with the same columns,
    only what it reads itself is bound.
    """
    (location,) = con.execute(LOCATION).fetchall()[0]
    names: list[str] = []

    def put_placeholder(name: str) -> None:
        con.execute(f"create temp table {name} as from {location}.{name} limit 0")
        names.append(name)

    try:
        yield put_placeholder
    finally:
        for name in names:
            con.execute(f"drop table temp.main.{name}")


@contextmanager
def schema(con: Connection, name: str) -> Iterator[None]:
    """Work in a new schema, first in the search path; drop it at the end."""
    (setting,) = con.execute("select current_setting('search_path')").fetchall()[0]
    path = setting or "main"
    con.execute(f"create schema {name}")
    con.execute(f"set search_path = '{name},{path}'")
    try:
        yield
    finally:
        con.execute(f"set search_path = '{path}'")
        con.execute(f"drop schema {name} cascade")
