"""The views that several checks read, and the rows of each check, as tables.

Creates temporary tables on the open connection, which hide the views of the same names.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress

from bisae.errors import OutOfMemory, SqlError
from bisae.query import Connection, explain_errors

# Tables and views that several checks read, in build order; a row is of a cell, or of a
# setting, part or test of one. A scan of the paper's grid opens 1,572 files.
COMPUTED_ONCE = (
    "cells",
    "timings",
    "convergence",
    "sensitivity",
    "eval_size",
    "text_parts",
    "coherence_sums",
    "concept_shares",
    "trend_units",
    "trend_counts",
    "trends",
    "trend_languages",
    "measured_shares",
    "turns",
    "contrasts",
    "retrieval",
    "weight_distances",
    "weight_findings",
    "features_counted",
    "features_looked_at",
    "feature_languages_counted",
    "cells_disagreeing",
)
MOST_ROWS = 100_000
"""The most rows of a check that are computed; if there are more, its count is a lower
bound."""


def tables_in(con: Connection) -> set[str]:
    """Return the names of all tables, temporary ones too, that are not views."""
    rows = con.execute("select table_name from duckdb_tables()").fetchall()
    return {name for (name,) in rows}


@contextmanager
def materialized(
    con: Connection, view: str, tables: Collection[str], most: int = MOST_ROWS
) -> Iterator[None]:
    """Turn rows of a view into a table of the same name within the block.

    The rows of a check are counted and shown, but computed once. Nothing is done if the
    view fails, is one of `tables` already, or is without a name.
    """
    if not view or view in tables:
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
