"""Show the progress of each checkpoint of a store, and who is building it.

Reads metadata and leases; writes nothing.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from bisae.formats import Rows
from bisae.grid import checkpoints
from bisae.query import exported_cells
from bisae.store import Store

REQUESTS_AT_ONCE = 16
"""Number of concurrent requests for progress, since an object store is slow."""


def checkpoint_status(store: Store) -> tuple[Rows, int]:
    """Count each checkpoint's layers by stage, and the cells that are not finished."""
    rows, unfinished = [], 0
    groups = list(checkpoints(store.cells))
    exported = set(exported_cells(store))
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        progress_of_cells = iter(list(pool.map(store.cell_status, store.cells)))
        holders = pool.map(store.holder, (cells[0].checkpoint for cells in groups))
        for cells, holder in zip(groups, holders, strict=True):
            progress = list(islice(progress_of_cells, len(cells)))
            trained = sum(parts.sae for parts in progress)
            encoded = sum(parts.codes for parts in progress)
            finished = len(exported.intersection(cells))
            unfinished += len(cells) - finished
            size, step, _ = cells[0]
            counts = (len(cells), trained, encoded, finished, holder and str(holder))
            rows.append((size, step, *counts))
    names = ["size", "step", "layers", "trained", "encoded", "exported", "built by"]
    return Rows(names, rows), unfinished
