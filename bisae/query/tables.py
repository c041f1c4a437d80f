"""One Parquet file of a table: what it is made from, and writing it."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bisae.errors import Damaged
from bisae.files import Place, written
from bisae.grid import Cell
from bisae.query.database import (
    DISABLED,
    TIMINGS,
    Connection,
    database,
    quoted,
    table_file,
)
from bisae.query.views import View, closure
from bisae.store import Store

Made = Mapping[str, Any]
"""What a table is made from; equal means that the rows would be equal."""


def made_by(views: Mapping[str, View], name: str, settings: Made) -> dict[str, Any]:
    """A view's SQL with all it hangs on, and the settings that they name."""
    text = "\n".join(view.select for view in closure(views, name))
    used = {key: settings[key] for key in settings if re.search(rf"\b{key}\b", text)}
    return used | {"sql": digest(text)}


def digest(text: str) -> str:
    """The sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def footer(file: Place) -> str:
    """What a file says it was made from; empty where it says nothing.

    Raises Damaged.
    """
    try:
        with file.open("rb") as opened:
            metadata = pq.read_metadata(opened).metadata or {}
        return bytes(metadata.get(b"bisae", b"")).decode()
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        reason = " ".join(str(error).split())
        remedy = "remove it, and `bisae export` makes it again"
        raise Damaged(str(file), reason, remedy) from error


def is_current(file: Place, made: Made) -> bool:
    """Whether a file is there and was made from the same."""
    return file.exists() and footer(file) == _footer(made)


def write_table(
    con: Connection, name: str, file: Place, made: Made, cell: Cell | None = None
) -> None:
    """Write a table or view: there whole or not at all, its sum beside it.

    Rows are in the order of all their columns, so that equal rows are equal bytes
    whatever order they come in; those of a `cell` begin with its address.
    """
    address = f"{addressed(cell)}, " if cell else ""
    select = f"select {address}* from {name} order by all"
    with written(file) as held:
        # Whether the file says that a column has no nulls would depend on what DuckDB
        # knows of its sources, such as how many files they are in.
        con.execute(f"set disabled_optimizers = '{DISABLED},statistics_propagation'")
        con.execute(
            f"copy ({select}) to {quoted(str(held))} (format parquet, "
            f"compression zstd, kv_metadata {{bisae: {quoted(_footer(made))}}})"
        )
        con.execute(f"set disabled_optimizers = '{DISABLED}'")


def write_timings(store: Store, cell: Cell, train_seconds: float) -> None:
    """Write how long a cell took to train."""
    with closing(database(store.tables)) as con:
        con.execute(
            f"create table {TIMINGS} as select ?::double as train_seconds",
            [train_seconds],
        )
        write_table(con, TIMINGS, table_file(store, TIMINGS, cell), {}, cell)


def addressed(cell: Cell) -> str:
    """The columns that say which cell rows are of."""
    size, step, layer = cell
    return f"{quoted(size)} as size, {step}::bigint as step, {layer}::int as layer"


def _footer(made: Made) -> str:
    return json.dumps(made, sort_keys=True)
