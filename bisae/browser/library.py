"""The state that pages share: the store, and results that outlive a page."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from secrets import token_urlsafe
from typing import TYPE_CHECKING

from bisae.browser.background import Background
from bisae.browser.trends import Trends
from bisae.errors import AddressError, Unfinished
from bisae.files import listing
from bisae.grid import Cell, nearest_cell
from bisae.query import Connection, connect, exported_cells
from bisae.store import Store

if TYPE_CHECKING:
    from bisae.browser.models import Models

MEMORY = "1GiB"
"""Memory of the queries of one page."""


class Library:
    """A store to be browsed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.trends = Trends(store)
        self.background = Background()
        self.token = token_urlsafe(16)
        """An address without it runs no SQL."""

    @cached_property
    def models(self) -> "Models":
        """The language models of the store, loaded when a page needs one."""
        from bisae.browser.models import Models  # torch

        return Models(self.store)

    def has_model(self, cell: Cell) -> bool:
        """Say if a cell's language model is on this machine."""
        return self.store.study.model(cell.size).has_folder(cell.step)

    def finished(self, size: str, step: str, layer: str) -> Cell:
        """Return the cell of an address. Raises AddressError, and Unfinished."""
        cell = Cell(size, number("step", step), number("layer", layer))
        if cell not in self.store.cells:
            nearest = nearest_cell(cell, self.store.cells)
            msg = f"no cell {cell} in this study; the nearest is {nearest}"
            raise AddressError(msg)
        if not exported_cells(self.store, [cell], listing(self.store.tables)):
            msg = f"cell {cell} is not finished yet; `bisae status` shows the progress"
            raise Unfinished(msg)
        return cell

    @contextmanager
    def open(self, cells: Iterable[Cell], *names: str) -> Iterator[Connection]:
        """Open some tables and views of some cells."""
        query = f"from {', '.join(names)}"
        with closing(
            connect(self.store, cells=set(cells), query=query, memory=MEMORY)
        ) as con:
            yield con


def number(name: str, text: str) -> int:
    """Read a number of an address. Raises AddressError."""
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        msg = f"{name} {text[:40]!r} is not a number"
        raise AddressError(msg)
    return int(text)
