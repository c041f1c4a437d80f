"""Create the views of the .sql files in an open database.

Reads parsed .sql files; writes to the database alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import duckdb

from bisae.query.failure import explain_errors
from bisae.query.views import View, build_order

Connection = duckdb.DuckDBPyConnection
VIEWS = "_views"
"""The end of the name of the schema that keeps the views of another one."""
PLACE = """
with place as (
    select if(current_schema() = 'main', 'main', current_schema() || $views) as name
)
select
    current_database() || '.' || name,
    (
        select coalesce(list(view_name), [])
        from duckdb_views()
        where schema_name = name and name <> 'main'
    )
from place
"""
"""Where the views of the current schema are created, and those that exist there."""


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
    place, in_place = _views_of_schema(con)
    with _placeholders(con) as put_placeholder:
        for name in build_order(views):
            if name in existing or not views[name].reads <= existing:
                continue
            existing.add(name)
            is_table = keep and views[name].is_materialized
            if name in in_place and not is_table:
                continue
            kind, address = ("table", name) if is_table else ("view", f"{place}.{name}")
            with explain_errors(views[name].path):
                con.execute(f"create {kind} {address} as {views[name].select}")
                if not keep and name in is_read:
                    put_placeholder(name, address)
    return existing


def _views_of_schema(con: Connection) -> tuple[str, set[str]]:
    """Return where views of the current schema are created, and those that exist."""
    ((place, in_place),) = con.execute(PLACE, {"views": VIEWS}).fetchall()
    return place, {*in_place}


@contextmanager
def _placeholders(con: Connection) -> Iterator[Callable[[str, str], None]]:
    """Yield a function that hides a view behind an empty table, until the end.

    A view is bound with all that it depends on; on empty tables with the same columns,
    only what it reads itself is bound.
    """
    names: list[str] = []

    def put_placeholder(name: str, address: str) -> None:
        con.execute(f"create temp table {name} as from {address} limit 0")
        names.append(name)

    try:
        yield put_placeholder
    finally:
        for name in names:
            con.execute(f"drop table temp.main.{name}")


@contextmanager
def schema(con: Connection, name: str) -> Iterator[None]:
    """Work in a schema, first in the search path; drop it at the end.

    Only the views of .sql files stay, in a schema of their own: binding them again for
    each cell would take time. They find tables of the same names by the search path.
    """
    (setting,) = con.execute("select current_setting('search_path')").fetchall()[0]
    path = setting or "main"
    con.execute(f"create schema {name}; create schema if not exists {name}{VIEWS}")
    con.execute(f"set search_path = '{name},{name}{VIEWS},{path}'")
    try:
        yield
    finally:
        con.execute(f"set search_path = '{path}'")
        con.execute(f"drop schema {name} cascade")
