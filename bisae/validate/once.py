"""Compute once what several promises read, and the rows of each check.

Makes temporary tables on the live connection, which hide the views of their names.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import (
    AbstractContextManager,
    contextmanager,
    nullcontext,
    suppress,
)
from typing import Any

from bisae.errors import OutOfMemory, SqlError
from bisae.query import Connection, named

# What many checks hang on, in the order of their making: small, since each is of cells.
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
MOST = 100_000
"""Rows that are kept of a check: who breaks more breaks at least these."""


def compute_once(con: Connection, views: Iterable[str] = COMPUTED_ONCE) -> None:
    """Make views tables. One that cannot be computed stays: its promises say why."""
    for view in views:
        with suppress(SqlError), named():
            con.execute(f"create temp table {view} as from memory.main.{view}")


@contextmanager
def held(con: Connection, view: str, most: int) -> Iterator[None]:
    """Hold some rows of a view as a table of its name, if it works and is none."""
    if con.execute(IS_TABLE, [view]).fetchone():
        yield
        return
    with suppress(SqlError, OutOfMemory), named():  # its promise will say why
        rows = f"from memory.main.{view} limit {most}"
        con.execute(f"create temp table {view} as {rows}")
    try:
        yield
    finally:
        con.execute(f"drop table if exists temp.main.{view}")


def rows_held(con: Connection, expectation: Any) -> AbstractContextManager[None]:
    """Hold the rows of a check: to be counted and shown it is computed once."""
    check = check_of(expectation)
    return held(con, check, MOST) if check else nullcontext()


def check_of(expectation: Any) -> str:
    """The view whose every row breaks a promise; empty where there is none."""
    query = getattr(expectation, "unexpected_rows_query", "")
    found = re.fullmatch(r"from (\w+) order by all", str(query))
    return found[1] if found else ""
