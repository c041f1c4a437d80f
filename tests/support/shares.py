"""Cells whose mixed share is known, made by hand, and what the views say of them."""

from collections.abc import Sequence
from typing import NamedTuple

import pyarrow as pa

from bisae.query import closure, create_views, database, read_views, rows_of
from support.reference import Row, wilson

N = 1000
"""Alive features of each cell."""
BOTH = ("half", "other half")


class Share(NamedTuple):
    """How mixed a cell is, by some of the text."""

    size: str
    step: int
    layer: int
    n_mixed: int
    """Mixed features of the N."""
    documents: str = "all"
    exclusive: int | None = None
    """The same over exclusive tokens; None: no feature has such a class."""
    n_params: int = 1

    def bounds(self) -> tuple[float, float]:
        """Wilson's interval."""
        return wilson(self.n_mixed, N)

    def row(self) -> Row:
        """Its row of `eval_size`, or of `trends`."""
        row: Row = {"size": self.size, "step": self.step, "layer": self.layer}
        row |= {"documents": self.documents, "population": "alive", "n_features": N}
        for name, count in (("", self.n_mixed), ("_exclusive", self.exclusive)):
            low, high = (None, None) if count is None else wilson(count, N)
            value = None if count is None else count / N
            values = zip(("", "_low", "_high"), (value, low, high), strict=True)
            row |= {f"mixed_share{name}{end}": item for end, item in values}
        return row

    def cell(self) -> Row:
        """Its row of `cells`; its fvu tells which cell it is."""
        row: Row = {"size": self.size, "step": self.step, "layer": self.layer}
        row |= {"n_params": self.n_params, "tokens_seen": self.step * 10}
        row |= {"n_layers": None}
        return row | {"fvu": self.layer / 100}


def ask(
    view: str, shares: Sequence[Share], replicates: Sequence[Row] = ()
) -> list[Row]:
    """A view's rows, where the shares are what is known."""
    con = database()
    rows = [item.row() for item in shares]
    schema = pa.Table.from_pylist([Share("", 0, 0, 1, exclusive=1).row()]).schema
    for name, documents in (("trends", {"all"}), ("eval_size", set(BOTH))):
        listed = [row for row in rows if row["documents"] in documents]
        table = pa.Table.from_pylist(listed, schema)
        con.register(name, table.drop(["documents"]) if name == "trends" else table)
    cells = {(item.size, item.step, item.layer): item.cell() for item in shares}
    con.register("cells", pa.Table.from_pylist(list(cells.values())))
    tables = {"trends", "eval_size", "cells"}
    if replicates:
        con.register("replicates", pa.Table.from_pylist(list(replicates)))
        tables.add("replicates")
    views = {item.name: item for item in closure(read_views("grid", "paper"), view)}
    create_views(con, views, tables)
    names, values = rows_of(con, f"from {view} order by all")
    con.close()
    return [dict(zip(names, row, strict=True)) for row in values]
