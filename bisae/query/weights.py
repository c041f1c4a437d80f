"""Compare the weights of checkpoints: are they what their steps say?

Reads descriptions of weights and the tables `lm_weights` of cells; the comparisons are
views of sql/grid. Writes the table `lm_weights`.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from bisae.files import AnyPath
from bisae.grid import Cell, Checkpoint
from bisae.query.create import Connection, create_views
from bisae.query.database import database, parquet_view
from bisae.query.tables import write_tables
from bisae.query.views import read_views
from bisae.store import Store, table_file

TABLE = "lm_weights"
SCHEMA = pa.schema(
    [
        ("weights", pa.string()),
        ("position", pa.int64()),
        ("n_weights", pa.int64()),
        ("fingerprint", pa.string()),
        ("median_norm", pa.float64()),
        ("sample", pa.list_(pa.float64())),
        ("lm_fingerprint", pa.string()),
    ]
)
Weights = Sequence[Mapping[str, Any]]
"""The rows of `lm_weights` of one checkpoint, one for each group of its weights."""
FINDINGS = """
select size, finding, earlier_step, later_step, weights, list(step order by step)
from weight_findings
group by size, finding, earlier_step, later_step, weights
having
    $step::bigint is null
    or $step in (earlier_step, later_step)
    or bool_or(step = $step)
order by size, finding, earlier_step, later_step, weights
"""
MOST_NAMED = 4
"""Groups of weights that a message lists."""


def compared_weights(weights: Mapping[Checkpoint, Weights]) -> Connection:
    """Open a database with the weights of checkpoints and the views on them."""
    con = database()
    _put(con, weights)
    create_views(con, read_views("grid"), {TABLE})
    return con


def findings_about(store: Store, checkpoint: Checkpoint, weights: Weights) -> list[str]:
    """Return what is wrong with a checkpoint, compared with those in the store.

    `weights` are its own, which are not in the store yet.
    """
    files = [
        file
        for step in store.study.model(checkpoint.size).steps
        if step != checkpoint.step and (file := _file(store, checkpoint.size, step))
    ]
    with closing(database(store.tables)) as con:
        _put(con, {checkpoint: weights})
        if files:
            parquet_view(con, "stored", files)
            con.execute(f"insert into {TABLE} by name from stored")
        create_views(con, read_views("grid"), {TABLE})
        return weight_messages(con, checkpoint.step)


def weight_messages(con: Connection, step: int | None = None) -> list[str]:
    """Return a line for each finding about weights, or for those that name a step."""
    rows = con.execute(FINDINGS, {"step": step}).fetchall()
    return [_message(*row) for row in rows]


def write_weights(store: Store, cell: Cell, weights: Weights) -> None:
    """Write the table `lm_weights` of a cell. Raises LeaseLost."""
    with closing(database(store.tables)) as con:
        con.register(TABLE, pa.Table.from_pylist(list(weights), SCHEMA))
        write_tables(con, store, {TABLE: {}}, cell)


def _file(store: Store, size: str, step: int) -> AnyPath | None:
    """Return the table of one cell of a checkpoint; all its cells have the same."""
    files = (
        table_file(store, TABLE, cell)
        for cell in store.cells
        if cell.checkpoint == (size, step)
    )
    return next((file for file in files if file.exists()), None)


def _put(con: Connection, weights: Mapping[Checkpoint, Weights]) -> None:
    """Create the table `lm_weights`, as if each checkpoint had one cell, of layer 0."""
    rows = [
        {"size": size, "step": step, "layer": 0, **row}
        for (size, step), groups in weights.items()
        for row in groups
    ]
    address = [("size", pa.string()), ("step", pa.int64()), ("layer", pa.int32())]
    con.register("rows", pa.Table.from_pylist(rows, pa.schema([*address, *SCHEMA])))
    con.execute(f"create table {TABLE} as from rows")
    con.unregister("rows")


def _message(
    size: str,
    finding: str,
    earlier_step: int,
    later_step: int | None,
    weights: str,
    steps: list[int],
) -> str:
    names = weights.split(", ")
    where = ", ".join(names[:MOST_NAMED])
    if len(names) > MOST_NAMED:
        where += f" and {len(names) - MOST_NAMED} more groups"
    if finding == "shared":
        shared = " and ".join(map(str, [earlier_step, *steps]))
        return f"{size}: steps {shared} have the same weights: {where}"
    between = ", ".join(map(str, steps))
    return (
        f"{size}: steps {earlier_step} and {later_step} are like each other and unlike "
        f"{between} between them: {where}"
    )
