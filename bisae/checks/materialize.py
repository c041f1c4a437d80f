"""Compute once what several checks read, and the rows of each check.

Makes temporary tables on the live connection, which hide the views of their names.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from bisae.errors import OutOfMemory, SqlError
from bisae.query import Connection, explain_errors

# What many checks read, in the order of their making: small, since each is of cells.
COMPUTED_ONCE = (
    "cells",
    "trends",
    "trend_languages",
    "features_counted",
    "features_looked_at",
    "feature_languages_counted",
    "cells_disagreeing",
)
IS_TABLE = """
select true from information_schema.tables
where table_catalog = 'temp' and table_name = ?
"""
MOST_ROWS = 100_000
"""Rows of a check that are computed: one with more fails by at least these."""


def compute_once(con: Connection, views: Iterable[str] = COMPUTED_ONCE) -> None:
    """Make views tables. One that cannot be computed stays: its checks say why."""
    for view in views:
        with suppress(SqlError), explain_errors():
            con.execute(f"create temp table {view} as from memory.main.{view}")


@contextmanager
def materialized(con: Connection, view: str, most: int = MOST_ROWS) -> Iterator[None]:
    """Turn some rows of a view into a table of its name, if it works and is not one.

    The rows of a check are counted and shown, and computed once. An empty name is none.
    """
    if not view or con.execute(IS_TABLE, [view]).fetchone():
        yield
        return
    with (
        suppress(SqlError, OutOfMemory),
        explain_errors(),
    ):  # running the check says why
        rows = f"from memory.main.{view} limit {most}"
        con.execute(f"create temp table {view} as {rows}")
    try:
        yield
    finally:
        con.execute(f"drop table if exists temp.main.{view}")
