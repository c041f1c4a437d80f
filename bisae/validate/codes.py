"""Check the promises over a cell's codes and what grows with them: validations/codes/.

Reads `sae/` and `codes/` of a cell, and its tables, as tables of a row a token, a
feature, an array; what these must be like is sql/codes/. Writes nothing.
"""

from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bisae.assets import asset_dir
from bisae.grid import Cell, at
from bisae.query import (
    Connection,
    create_views,
    database,
    named,
    parquet_view,
    read_views,
    table_file,
)
from bisae.store import Array, Store
from bisae.validate.checks import check
from bisae.validate.outcomes import Outcome
from bisae.validate.suites import read_suite

MEMORY = "1GiB"
"""What DuckDB may use beside the rows, 22 bytes a token, and the libraries."""
FOLDED = ("features", "feature_languages", "firings", "clusters")
"""The tables of a cell that promises over its codes are about too."""
COMPUTED_ONCE = frozenset(
    {"code_floors", "fired_sums", "firing_counts", "firings_differ", "reencoded"}
)
FLOORS = "select feature, floor from code_floors"


def code_files() -> list[Path]:
    """The suites over codes and weights."""
    return sorted((asset_dir("validations") / "codes").glob("*.json"))


def check_cell(store: Store, cell: Cell, again: Mapping[str, Any]) -> list[Outcome]:
    """Check every promise over an exported cell's codes; rows say which cell it is.

    `again` are the tables of a sample that was encoded again; promises over it are
    passed over where there is none.
    """
    con = database(store.tables, memory=MEMORY)
    with closing(con), at(cell), named(f"cell {cell}"):
        feature = store.stored_codes(cell).feature
        have = _open(con, store, cell, feature) | put(con, again)
        views = read_views("codes")
        have = create_views(con, views, have, COMPUTED_ONCE)
        con.register("fired", store.codes_above(cell, _floors(con, feature)))
        have = create_views(con, views, have | {"fired"}, COMPUTED_ONCE)
        suites = [read_suite(file) for file in code_files()]
        outcomes = check(con, [one for one in suites if one.view in have])
    where = cell._asdict()
    return [one._replace(rows=[where | row for row in one.rows]) for one in outcomes]


def put(con: Connection, tables: Mapping[str, Any]) -> set[str]:
    """Make Arrow tables known; gives their names."""
    for name, table in tables.items():
        con.register(name, table)
    return set(tables)


def _open(con: Connection, store: Store, cell: Cell, feature: Array) -> set[str]:
    """Make known what a cell's promises are about; gives the names.

    `feature` is what each number in the codes stands for, (n,).
    """
    rows, features = store.told(cell)
    files = {name: table_file(store, name, cell) for name in FOLDED}
    files["settings"] = table_file(store, "settings")
    for name, file in files.items():
        parquet_view(con, name, [file])
    made = {
        "cell_settings": _settings(store, cell),
        "eval_documents": _documents(store),
        "code_rows": rows,
        "code_features": features,
        "code_numbers": _numbers(feature),
        "cell_arrays": _arrays(store, cell),
        "sae_rows": _directions(store, cell),
        "codes": store.codes_stream(cell),
    }
    return {*files} | put(con, made)


def _settings(store: Store, cell: Cell) -> pa.Table:
    """What the study asks of a cell's arrays, and how many features it found dead."""
    sae, known = store.study.sae, store.attributes(cell, "sae")
    row = {
        "n_features": sae.n_features,
        "d_model": store.study.model(cell.size).d_model or known["d_model"],
        "k": sae.k,
        "encoder_bias": sae.encoder_bias,
        "n_documents": store.n_documents("eval"),
        "context": store.study.corpus.context,
        "n_dead": store.attributes(cell, "codes")["n_dead"],
    }
    return pa.Table.from_pylist([row])


def _documents(store: Store) -> pa.Table:
    blocks = [(block.length, block.language) for block in store.documents("eval")]
    length, language = (np.concatenate(one) for one in zip(*blocks, strict=True))
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
    """Shapes, and how much of a weight is not finite; codes tell that row by row."""
    rows = []
    for path, array in store.arrays(cell):
        part, name = path.split("/")
        weights = store.weight_rows(cell, name) if part == "sae" else ()
        n_not_finite = sum(int((~np.isfinite(one)).sum()) for one in weights)
        shape = list(array.shape)
        rows.append({"name": path, "shape": shape, "n_not_finite": n_not_finite})
    return pa.Table.from_pylist(rows)


def _directions(store: Store, cell: Cell) -> pa.Table:
    """The norm of each feature's direction, in float64."""
    norms = [
        np.sqrt(np.square(rows.astype(np.float64)).sum(1))
        for rows in store.weight_rows(cell, "W_dec")
    ]
    norm = np.concatenate(norms)
    return pa.table({"feature": np.arange(len(norm)), "norm": norm})


def _floors(con: Connection, feature: Array) -> Array:
    """Above which value each feature fires; those without codes have none."""
    found: Any = con.execute(FLOORS).fetchnumpy()
    floor = np.full(int(feature.max()) + 1, np.inf)
    floor[found["feature"]] = found["floor"]
    return floor
