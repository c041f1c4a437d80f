"""Answers from a database: rows, and what there is to ask about."""

from typing import TYPE_CHECKING

from bisae.formats import Rows
from bisae.query.database import Connection
from bisae.query.failure import named
from bisae.query.views import read_check_views, read_views
from bisae.store import registry

if TYPE_CHECKING:
    import pandas as pd


COLUMNS = (
    "select table_name, list(column_name order by ordinal_position) "
    "from information_schema.columns where table_schema = 'main' "
    "group by table_name order by table_name"
)
"""The columns of every table and view."""
KEYWORDS = (
    "select keyword_name from duckdb_keywords() where keyword_category = 'reserved'"
)
"""The words that DuckDB's SQL keeps for itself."""


def rows_of(con: Connection, query: str) -> Rows:
    """Run a query. Raises SqlError: one line, with the query's line it is about."""
    with named():
        result = con.execute(query)
        names = [column[0] for column in result.description or ()]
        return Rows(names, result.fetchall() if names else [])


def frame_of(con: Connection, query: str) -> "pd.DataFrame":
    """Run a query; its rows as a pandas frame. Raises SqlError as `rows_of`."""
    with named():
        return con.execute(query).df()


def headers() -> dict[str, tuple[str, str]]:
    """Title and grain of every table and view that bisae knows."""
    tables, views = registry().items(), (read_views() | read_check_views()).items()
    return {name: (table.title, table.grain) for name, table in tables} | {
        name: (view.title, view.grain) for name, view in views
    }


def describe(con: Connection) -> Rows:
    """Every table and view: name, title, grain, columns."""
    known = headers()
    values = [
        (name, *known[name], ", ".join(columns))
        for name, columns in columns_of(con).items()
    ]
    return Rows(["name", "title", "grain", "columns"], values)


def columns_of(con: Connection) -> dict[str, list[str]]:
    """The columns of every table and view."""
    return dict(con.execute(COLUMNS).fetchall())
