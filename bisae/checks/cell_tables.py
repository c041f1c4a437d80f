"""The tables that checks of a cell's codes read: its arrays as rows for SQL.

Reads `sae/` and `codes/` of a cell, its tables and the evaluation text; writes nothing.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from bisae.checks.run import SETTINGS
from bisae.grid import Cell
from bisae.query import Connection, create_views, open_dependencies, read_check_views
from bisae.store import Array, Store
from bisae.store.verify import further_weights

RECORDED = "code_checks"
"""The table of the results, which needs the tables that codes are compared with."""
FLOORS = "select feature, floor from code_floors"


def open_cell(
    con: Connection, store: Store, cell: Cell, again: Mapping[str, Any]
) -> set[str]:
    """Create the tables and views of the checks of a cell's codes; return their names.

    `again` holds the tables of a sample that was encoded again, if any.
    """
    feature = store.stored_codes(cell).feature
    rows, features = store.slot_summary(cell)
    compared = open_dependencies(con, store, [RECORDED], cell)
    tables = {
        "cell_settings": _settings(store, cell),
        "eval_documents": _documents(store),
        "code_rows": rows,
        "code_features": features,
        "code_numbers": _numbers(feature),
        "cell_arrays": _arrays(store, cell),
        "sae_rows": _directions(store, cell),
        "codes": store.codes_stream(cell),
        **again,
    }
    for name, table in tables.items():
        con.register(name, table)
    views = read_check_views(of_codes=True)
    names = {*compared, *tables, SETTINGS}
    names = create_views(con, views, names, keep=True)
    con.register("fired", store.codes_above(cell, _floors(con, feature)))
    return create_views(con, views, names | {"fired"}, keep=True)


def _settings(store: Store, cell: Cell) -> pa.Table:
    """Return the study's settings for a cell, and its number of dead features."""
    sae, attributes = store.study.sae, store.attributes(cell, "sae")
    row = {
        "n_features": sae.n_features,
        "d_model": store.study.model(cell.size).d_model or attributes["d_model"],
        "k": sae.k,
        "further_weights": [f"sae/{name}" for name in further_weights(store, cell)],
        "n_documents": store.n_documents("eval"),
        "context": store.study.corpus.context,
        "n_dead": store.attributes(cell, "codes")["n_dead"],
    }
    return pa.Table.from_pylist([row])


def _documents(store: Store) -> pa.Table:
    blocks = [(block.length, block.language) for block in store.documents("eval")]
    length, language = (np.concatenate(arrays) for arrays in zip(*blocks, strict=True))
    return pa.table(
        {
            "document": np.arange(len(length)),
            "language": np.array(store.languages)[language],
            "n_tokens": length.astype(np.int64),
        }
    )


def _numbers(feature: Array) -> pa.Table:
    return pa.table({"number": np.arange(len(feature)), "feature": feature})


def _arrays(store: Store, cell: Cell) -> pa.Table:
    """Return array shapes, and the number of weights that are not finite."""
    rows = []
    for path, array in store.arrays(cell):
        group, name = path.split("/")
        weights = store.weight_rows(cell, name) if group == "sae" else ()
        n_not_finite = sum(int((~np.isfinite(block)).sum()) for block in weights)
        shape = list(array.shape)
        rows.append({"name": path, "shape": shape, "n_not_finite": n_not_finite})
    return pa.Table.from_pylist(rows)


def _directions(store: Store, cell: Cell) -> pa.Table:
    """Return the norm of each feature's direction, in float64."""
    norms = [
        np.sqrt(np.square(rows.astype(np.float64)).sum(1))
        for rows in store.weight_rows(cell, "W_dec")
    ]
    norm = np.concatenate(norms)
    return pa.table({"feature": np.arange(len(norm)), "norm": norm})


def _floors(con: Connection, feature: Array) -> Array:
    """Return the value above which each feature fires, infinite without codes."""
    columns: Any = con.execute(FLOORS).fetchnumpy()
    floor = np.full(int(feature.max()) + 1, np.inf)
    floor[columns["feature"]] = columns["floor"]
    return floor
