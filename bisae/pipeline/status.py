"""Show the progress of each checkpoint of a store, and who is building it.

Reads metadata, leases and failures, so it works from any machine; writes nothing.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

from bisae.formats import Rows
from bisae.grid import Cell, checkpoints
from bisae.progress import duration
from bisae.query import exported_cells
from bisae.store import CheckpointFailure, Holder, Store, read_failure

REQUESTS_AT_ONCE = 16
"""Number of concurrent requests for progress, since an object store is slow."""
FINISHED, FAILED, UNFINISHED = 0, 1, 3
"""Exit statuses of `bisae status`; 2 is bad use of a command."""


class CheckpointStatus(NamedTuple):
    """The progress of one checkpoint."""

    size: str
    step: int
    state: str
    """finished, running, failed or missing."""
    layers: int
    trained: int
    encoded: int
    exported: int
    built_by: str | None = None
    work: str | None = None
    """The work in progress, such as `train S/40`."""
    done: float | None = None
    """The share of that work."""
    rate: float | None = None
    """Its units a second: tokens in training, cells in an export."""
    seconds_left: float | None = None
    attempts: int | None = None
    failed_on: str | None = None
    error: str | None = None


def checkpoint_status(store: Store) -> list[CheckpointStatus]:
    """Return the progress of every checkpoint, in grid order."""
    groups = list(checkpoints(store.cells))
    exported = set(exported_cells(store))
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        progress = iter(list(pool.map(store.cell_status, store.cells)))
        addresses = [cells[0].checkpoint for cells in groups]
        holders = pool.map(store.holder, addresses)
        failures = pool.map(lambda address: read_failure(store, address), addresses)
        return [
            _status(
                cells,
                sum(parts.sae for parts in of_checkpoint),
                sum(parts.codes for parts in of_checkpoint),
                len(exported.intersection(cells)),
                holder,
                failure,
            )
            for cells, holder, failure in zip(groups, holders, failures, strict=True)
            for of_checkpoint in [list(islice(progress, len(cells)))]
        ]


def _status(
    cells: Sequence[Cell],
    trained: int,
    encoded: int,
    exported: int,
    holder: Holder | None,
    failure: CheckpointFailure | None,
) -> CheckpointStatus:
    state = "running" if holder else "failed" if failure else "missing"
    if exported == len(cells):
        state = "finished"  # even if somebody checks that once more
    size, step, _ = cells[0]
    status = CheckpointStatus(size, step, state, len(cells), trained, encoded, exported)
    if holder:
        status = status._replace(built_by=str(holder))
    if holder and holder.total > 0:
        status = status._replace(
            work=holder.work, done=holder.done / holder.total, rate=holder.rate
        )
        if holder.rate > 0:
            seconds = max(0.0, (holder.total - holder.done) / holder.rate)
            status = status._replace(seconds_left=seconds)
    if failure:
        status = status._replace(
            attempts=failure.attempts, failed_on=failure.host, error=failure.error
        )
    return status


def as_rows(statuses: Sequence[CheckpointStatus]) -> Rows:
    """Tabulate everything that is known of each checkpoint."""
    return Rows([*CheckpointStatus._fields], [tuple(status) for status in statuses])


def exit_status(statuses: Sequence[CheckpointStatus]) -> int:
    """Return FINISHED, FAILED if that is all that is left, or UNFINISHED."""
    states = {status.state for status in statuses}
    if states & {"running", "missing"}:
        return UNFINISHED
    return FAILED if "failed" in states else FINISHED


def grid(statuses: Sequence[CheckpointStatus]) -> Rows:
    """Tabulate the finished layers of each size (row) at each step (column)."""
    steps = sorted({status.step for status in statuses})
    entries = {(status.size, status.step): _entry(status) for status in statuses}
    sizes = dict.fromkeys(status.size for status in statuses)
    rows = [
        (size, *(entries.get((size, step), "") for step in steps)) for size in sizes
    ]
    return Rows(["size", *map(str, steps)], rows)


def _entry(status: CheckpointStatus) -> str:
    layers = f"{status.exported}/{status.layers}"
    return (
        f"{layers} {status.state}" if status.state in ("running", "failed") else layers
    )


def running(statuses: Sequence[CheckpointStatus]) -> Rows:
    """Tabulate who builds what, how fast, and the time left for that work."""
    names = ["size", "step", "built by", "work", "done", "a second", "left"]
    rows = [
        (
            *(status.size, status.step, status.built_by, status.work),
            None if status.done is None else f"{status.done:.0%}",
            status.rate,
            None if status.seconds_left is None else duration(status.seconds_left),
        )
        for status in statuses
        if status.built_by
    ]
    return Rows(names, rows)


def failed(statuses: Sequence[CheckpointStatus]) -> Rows:
    """Tabulate the checkpoints that could not be built, with the last error."""
    names = ["size", "step", "attempts", "failed on", "error"]
    rows = [
        (status.size, status.step, status.attempts, status.failed_on, status.error)
        for status in statuses
        if status.error
    ]
    return Rows(names, rows)
