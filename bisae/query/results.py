"""Query results as rows or a pandas frame, and a description of every relation."""

from typing import TYPE_CHECKING

from bisae.formats import Rows
from bisae.query.create import Connection
from bisae.query.failure import explain_errors
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
"""The reserved words of DuckDB's SQL."""


def rows_of(con: Connection, query: str) -> Rows:
    """Run a query and return its rows. Raises SqlError, naming the query's line."""
    with explain_errors():
        result = con.execute(query)
        names = [column[0] for column in result.description or ()]
        return Rows(names, result.fetchall() if names else [])


def frame_of(con: Connection, query: str) -> "pd.DataFrame":
    """Run a query and return a pandas frame. Raises SqlError as `rows_of`."""
    with explain_errors():
        return con.execute(query).df()


def headers() -> dict[str, tuple[str, str]]:
    """Return title and grain of every table and view of bisae."""
    tables, views = registry().items(), (read_views() | read_check_views()).items()
    return {name: (table.title, table.grain) for name, table in tables} | {
        name: (view.title, view.grain) for name, view in views
    }


def describe(con: Connection) -> Rows:
    """Return name, title, grain and columns of every table and view."""
    headers_by_name = headers()
    values = [
        (name, *headers_by_name[name], ", ".join(columns))
        for name, columns in columns_of(con).items()
    ]
    return Rows(["name", "title", "grain", "columns"], values)


def columns_of(con: Connection) -> dict[str, list[str]]:
    """Return the columns of every table and view."""
    return dict(con.execute(COLUMNS).fetchall())
