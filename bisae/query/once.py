"""Compute once the views that several queries read.

Creates temporary tables on an open connection, which hide the views of the same names.
"""

from collections.abc import Iterable
from contextlib import suppress

from bisae.errors import SqlError
from bisae.query.create import Connection
from bisae.query.failure import explain_errors


def compute_once(con: Connection, views: Iterable[str]) -> None:
    """Turn views into tables. One that fails stays a view: a query of it says why."""
    for view in views:
        with suppress(SqlError), explain_errors():
            con.execute(f"create temp table {view} as from memory.main.{view}")
