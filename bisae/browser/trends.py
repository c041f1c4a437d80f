"""The trends of every cell, which the pages of a grid show at once.

Reads the view `trends`, once per cell, since over a whole grid it takes seconds. Cells
that are finished or exported again later are read when a page is asked for.
"""

from contextlib import suppress
from threading import Lock
from time import monotonic
from typing import Any

from bisae.files import is_local, listing
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.progress import bar
from bisae.query import connect, exported_cells, rows_of
from bisae.store import Store, table_file

REFRESH_EVERY = 2.0
"""Seconds between two looks for finished cells, which open no file but ask for each."""
CELLS_AT_ONCE = 400
TREND_KEYS = ("size", "step", "layer", "population")
POPULATIONS = ("alive", "supported", "all")


class Trends:
    """The rows of `trends`, by cell. Threads share it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._rows: dict[Cell, list[tuple[Any, ...]]] = {}
        self._versions: dict[Cell, int] = {}
        self._refreshed = -REFRESH_EVERY
        self.names: list[str] = []

    def refresh(self, *, now: bool = False) -> dict[Cell, int]:
        """Read the trends of new cells; return the version of every finished cell.

        Looks for new cells if that was not done lately, or if `now`.
        """
        with self._lock:
            if now or monotonic() - self._refreshed > REFRESH_EVERY:
                self._read_new(self._current_versions())
                self._refreshed = monotonic()
            return dict(self._versions)

    def rows(self, population: str) -> Rows:
        """Return the trends of one population, in grid order."""
        self.refresh()
        column = TREND_KEYS.index("population")
        return Rows(
            self.names,
            [
                row
                for cell in self._store.cells
                for row in self._rows.get(cell, ())
                if row[column] == population
            ],
        )

    def of_cell(self, cell: Cell) -> dict[str, Rows]:
        """Return the trends of a finished cell by population."""
        self.refresh(now=cell not in self._rows)
        column = TREND_KEYS.index("population")
        return {row[column]: Rows(self.names, [row]) for row in self._rows[cell]}

    def measures(self) -> list[str]:
        """Return the names of the numbers of a trend, without those of intervals."""
        ends = {f"{name}_{end}" for name in self.names for end in ("low", "high")}
        return [name for name in self.names if name not in {*TREND_KEYS, *ends}]

    def _current_versions(self) -> dict[Cell, int]:
        """Return when the features of each finished cell were written.

        0 in an object store, where asking for each file would take too long. On a disk,
        other tables of a cell that was finished before are not asked for again.
        """
        store = self._store
        on_disk = is_local(store.tables)
        versions = {cell: _written(store, cell) for cell in self._versions if on_disk}
        versions = {cell: version for cell, version in versions.items() if version}
        others = [cell for cell in store.cells if cell not in versions]
        finished = exported_cells(store, others, listing(store.tables))
        return versions | {
            cell: _written(store, cell) if on_disk else 0 for cell in finished
        }

    def _read_new(self, versions: dict[Cell, int]) -> None:
        new = [cell for cell in versions if self._versions.get(cell) != versions[cell]]
        with bar(len(new), "trends", "cells") as shown:
            for first in range(0, len(new), CELLS_AT_ONCE):
                cells = new[first : first + CELLS_AT_ONCE]
                by_cell = {cell: list[tuple[Any, ...]]() for cell in cells}
                con = connect(self._store, cells=cells, query="from trends")
                rows = rows_of(con, "from trends order by all")
                con.close()
                self.names = rows.names
                for row in rows.values:
                    by_cell[Cell(*row[:3])].append(row)
                self._rows = self._rows | by_cell
                shown.update(len(cells))
        self._versions = versions


def _written(store: Store, cell: Cell) -> int:
    """Return when a cell's features were written, in ns; 0 if they are not there."""
    with suppress(OSError):
        return table_file(store, "features", cell).stat().st_mtime_ns
    return 0
