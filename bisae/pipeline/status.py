"""How far each checkpoint of a store is, and who is building it.

Reads metadata and leases; writes nothing.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from bisae.formats import Rows
from bisae.grid import checkpoints
from bisae.query import exported_cells
from bisae.store import Store

ASKED_AT_ONCE = 16
"""Cells whose progress is asked for at once: an object store takes its time."""


def checkpoint_status(store: Store) -> tuple[Rows, int]:
    """For each checkpoint how many layers are how far, and the cells not finished."""
    rows, unfinished = [], 0
    groups = list(checkpoints(store.cells))
    exported = set(exported_cells(store))
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        found = iter(list(pool.map(store.cell_status, store.cells)))
        holders = pool.map(store.holder, (cells[0].checkpoint for cells in groups))
        for cells, by in zip(groups, holders, strict=True):
            progress = list(islice(found, len(cells)))
            trained = sum(done.sae for done in progress)
            encoded = sum(done.codes for done in progress)
            finished = len(exported.intersection(cells))
            unfinished += len(cells) - finished
            size, step, _ = cells[0]
            told = (len(cells), trained, encoded, finished, by and str(by))
            rows.append((size, step, *told))
    names = ["size", "step", "layers", "trained", "encoded", "exported", "built by"]
    return Rows(names, rows), unfinished
