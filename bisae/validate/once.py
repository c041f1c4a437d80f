"""Compute once what several promises read, and the rows of each check.

Makes temporary tables on the live connection, which hide the views of their names.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from bisae.errors import SqlError
from bisae.query import Connection, named

# What many checks hang on, in the order of their making: small, since each is of cells.
COMPUTED_ONCE = (
    "cells",
    "trends",
    "trend_languages",
    "by_support",
    "features_counted",
    "features_looked_at",
    "feature_languages_counted",
    "cells_disagreeing",
)
MOST = 100_000
"""Rows that are kept of a check: who breaks more breaks at least these."""


def compute_once(con: Connection, views: Iterable[str] = COMPUTED_ONCE) -> None:
    """Make views tables. One that cannot be computed stays: its promises say why."""
    for view in views:
        with suppress(SqlError), named():
            con.execute(f"create temp table {view} as from memory.main.{view}")


@contextmanager
def rows_held(con: Connection, expectation: Any) -> Iterator[None]:
    """Hold the rows of a check: to be counted and shown it is computed once."""
    check = check_of(expectation)
    if not check:
        yield
        return
    with suppress(SqlError), named():
        query = f"from memory.main.{check} limit {MOST}"
        con.execute(f"create temp table {check} as {query}")
    try:
        yield
    finally:
        con.execute(f"drop table if exists temp.main.{check}")


def check_of(expectation: Any) -> str:
    """The view whose every row breaks a promise; empty where there is none."""
    query = getattr(expectation, "unexpected_rows_query", "")
    found = re.fullmatch(r"from (\w+) order by all", str(query))
    return found[1] if found else ""
