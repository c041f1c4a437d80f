"""One Parquet file of a table: what it is made from, and writing it."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bisae.errors import Damaged
from bisae.files import Place, written
from bisae.grid import Cell
from bisae.query.database import Connection, quoted, table_file
from bisae.query.failure import named
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
    con: Connection,
    store: Store,
    table: str,
    made: Made,
    cell: Cell | None = None,
    rows: str = "",
) -> None:
    """Write a table of a store: there whole or not at all, its sum beside it.

    `rows` is the table or view that has its rows, by default the one of its name. Those
    of a `cell` are put in order, and begin with its address. Raises LeaseLost.
    """
    select = f"from {rows or table}"
    if cell:
        select = f"select {addressed(cell)}, * from ({select} order by all)"
    store.check_leases()
    file = table_file(store, table, cell)
    with written(file, store.check_leases) as partial, named(f"table {table}"):
        con.execute(
            f"copy ({select}) to {quoted(str(partial))} (format parquet, "
            "use_tmp_file false, compression zstd, "
            f"kv_metadata {{bisae: {quoted(_footer(made))}}})"
        )


def addressed(cell: Cell) -> str:
    """The columns that say which cell rows are of."""
    size, step, layer = cell
    return f"{quoted(size)} as size, {step}::bigint as step, {layer}::int as layer"


def _footer(made: Made) -> str:
    return json.dumps(made, sort_keys=True)
