"""A page: blocks of rows with the SQL that gives them, and a template that shows them.

A block is what `.json`, `.csv` and `.parquet` of the page's address return.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bisae.errors import AddressError
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.query import Connection, quoted, rows_of


class Block(NamedTuple):
    """The rows of a part of a page."""

    rows: Rows
    query: str
    """The SQL that gives these rows, or more of them; "" if no query can."""
    codes: Cell | None = None
    """The cell whose table `codes` the query reads."""


class Page(NamedTuple):
    """A page before it is rendered: its rows, and the values of its template."""

    template: str
    title: str
    blocks: Mapping[str, Block]
    context: Mapping[str, Any]
    refresh: int = 0
    """Seconds after which a browser asks again, because something is being computed."""

    def block(self, name: str) -> Block:
        """Return a block by name, the first without one. Raises AddressError."""
        if name and name not in self.blocks:
            names = ", ".join(self.blocks) or "none"
            msg = f"this page has no rows called {name!r}: it has {names}"
            raise AddressError(msg)
        if not self.blocks:
            msg = "this page has no rows"
            raise AddressError(msg)
        return self.blocks[name or next(iter(self.blocks))]


def ask(con: Connection, query: str) -> Block:
    """Run a query of a page. Raises SqlError."""
    return Block(rows_of(con, query), query)


def address_is(cell: Cell, feature: int | None = None) -> str:
    """Return the condition that selects a cell's rows, or a feature's."""
    size, step, layer = cell
    where = f"size = {quoted(size)} and step = {step} and layer = {layer}"
    return where if feature is None else f"{where} and feature = {feature}"
