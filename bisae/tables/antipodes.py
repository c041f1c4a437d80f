"""Antipodes: which direction of a cell is the most opposite to each dense feature's.

Reads `cells` and `features` of cells, their directions, and the view `dense_features`;
writes `antipodes` of each cell.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from bisae.grid import Cell
from bisae.query import (
    Connection,
    create_views,
    make_cell_tables,
    open_dependencies,
    read_views,
    view_provenance,
)
from bisae.store import Array, Provenance, Store
from bisae.tables.context import ExportContext

TABLE, VIEW = "antipodes", "dense_features"


def antipode_provenances(context: ExportContext) -> dict[str, Provenance]:
    """Return the table's provenance, apart from codes and the tables it needs."""
    return {TABLE: view_provenance(read_views("grid"), VIEW, context.settings)}


def export_antipodes(context: ExportContext, cells: Iterable[Cell]) -> None:
    """Write the antipodes of dense features, of exported cells where not current."""
    store = context.store

    def fill(con: Connection, cell: Cell) -> None:
        tables = open_dependencies(con, store, [TABLE], cell)
        create_views(con, {VIEW: read_views("grid")[VIEW]}, tables)
        query = f"select feature from {VIEW} order by feature"
        columns: Any = con.execute(query).fetchnumpy()
        feature = np.asarray(columns["feature"])
        antipode, cosine = most_opposite(store, cell, feature)
        rows = {"feature": feature, "antipode": antipode, "antipodal_cosine": cosine}
        con.register(TABLE, pa.table(rows))

    make_cell_tables(store, cells, antipode_provenances(context), fill)


def most_opposite(
    store: Store, cell: Cell, features: NDArray[np.int32]
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Return the antipode of each of some features, and the cosine of both directions.

    Both are (features,). The antipode is the feature, alive or dead, of the lowest
    cosine; of several, the first. Holds the directions of `features`: at most 10 K are
    dense, since a token has K codes.
    """
    directions = np.concatenate(
        [rows[np.isin(numbers, features)] for numbers, rows in _directions(store, cell)]
    )
    antipode = np.zeros(len(features), np.int32)
    cosine = np.full(len(features), np.inf, np.float32)
    for numbers, rows in _directions(store, cell):
        cosines = directions @ rows.T
        cosines[features[:, None] == numbers] = np.inf  # none is its own antipode
        nearest = cosines.argmin(axis=1)
        least = np.take_along_axis(cosines, nearest[:, None], axis=1)[:, 0]
        is_lower = least < cosine
        antipode[is_lower] = numbers[nearest[is_lower]]
        cosine[is_lower] = least[is_lower]
    return antipode, cosine


def _directions(store: Store, cell: Cell) -> Iterator[tuple[NDArray[np.int32], Array]]:
    """Yield numbers of features and their unit directions, some at a time."""
    n_before = 0
    for rows in store.weight_rows(cell, "W_dec"):
        yield np.arange(n_before, n_before + len(rows), dtype=np.int32), rows
        n_before += len(rows)
