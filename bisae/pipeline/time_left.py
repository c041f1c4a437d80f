"""Estimate when a grid is finished, from what all of its builders trained last.

Reads the table `timings` of finished cells; writes nothing.
"""

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

from bisae.errors import Unfinished
from bisae.pipeline.status import CheckpointStatus
from bisae.query import columns_of, connect
from bisae.store import Store

RECENT = 8
"""The checkpoints whose rate counts, or two for each builder if they are more."""
TRAINED = """
select
    size,
    count(*) as layers,
    sum(train_seconds) as seconds,
    max(trained_at) as trained_at
from timings
group by size, step
having count(trained_at) = count(*)
order by trained_at desc
"""


def seconds_left(
    store: Store, statuses: Sequence[CheckpointStatus], now: datetime | None = None
) -> float | None:
    """Estimate the seconds until all is built; None if nobody builds, or too little is.

    The rate is the training time of the checkpoints trained last, by whichever builder,
    over the time since then, so it also counts the time for everything but training.
    A layer that is left takes as long as others of its size, or of all sizes.
    """
    n_builders = sum(status.built_by is not None for status in statuses)
    if not n_builders:
        return None
    try:
        with closing(connect(store, query=TRAINED)) as con:
            if "timings" not in columns_of(con):
                return None
            trained = con.execute(TRAINED).fetchall()
    except Unfinished:
        return None
    recent = trained[: 1 + max(RECENT, 2 * n_builders)]
    done: float = sum(seconds for *_, seconds, _ in recent[:-1])
    if not done:
        return None
    began = recent[-1][-1]
    now = now or datetime.now(UTC).replace(tzinfo=None)
    elapsed: float = (now - began).total_seconds()
    left = sum(
        (status.layers - status.exported) * _layer_seconds(trained, status.size)
        for status in statuses
    )
    return left * elapsed / done


def _layer_seconds(trained: Sequence[tuple[Any, ...]], size: str) -> float:
    """Return the mean training time of a size's layers, or of all if it has none."""
    rows = [row for row in trained if row[0] == size] or trained
    return float(sum(row[2] for row in rows) / sum(row[1] for row in rows))
