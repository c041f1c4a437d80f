"""Neighbours of a feature: in its own cell, and the best matches in those around it.

Reads `known_matches`, which `bisae lineage` computed, and for all others `co_firing`,
that is, all firings of two cells.
"""

from bisae.browser.page import Block, address_is, ask
from bisae.grid import Cell
from bisae.query import Connection, quoted, rows_of
from bisae.report.tables import existing_names

NEIGHBOURS = 10
MATCHES = 3
"""Best matches in each other cell."""
FIRINGS_AT_ONCE = 4_000_000
"""Firings of a cell up to which neighbours are on every page; else only on request."""
COLUMNS = "other, other_language, n_both, n_firings_other, jaccard"


def is_quick(con: Connection, cell: Cell) -> bool:
    """Say if a cell has few firings, so that reading all of them is quick."""
    query = f"select count(*) from firings where {address_is(cell)}"
    ((n,),) = rows_of(con, query).values
    return bool(n <= FIRINGS_AT_ONCE)


def neighbours(con: Connection, cell: Cell, feature: int) -> Block:
    """Return the features that fire on the same tokens most often."""
    where = f"{_pair_is(cell, feature, cell)} and other <> {feature}"
    return _best(con, "co_firing", where, NEIGHBOURS)


def matches(
    con: Connection, cell: Cell, feature: int, other: Cell, *, reads_firings: bool
) -> Block | None:
    """Return the best matches in another cell; None if that takes reading firings."""
    where = _pair_is(cell, feature, other)
    if "known_matches" in existing_names(con):
        known = _best(con, "known_matches", where, MATCHES)
        if known.rows.values:
            return known
    return _best(con, "co_firing", where, MATCHES) if reads_firings else None


def _best(con: Connection, view: str, where: str, n: int) -> Block:
    order = f"order by jaccard desc, other limit {n}"
    return ask(con, f"select {COLUMNS} from {view} where {where} {order}")


def _pair_is(cell: Cell, feature: int, other: Cell) -> str:
    size, step, layer = other
    return (
        f"{address_is(cell, feature)} and other_size = {quoted(size)} "
        f"and other_step = {step} and other_layer = {layer}"
    )
