"""Check the promises over a cell's codes and what grows with them: validations/codes/.

Reads `sae/` and `codes/` of a cell, and its tables, as tables of a row a token, a
feature, an array; what these must be like is sql/codes/. Writes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from bisae.assets import asset_dir
from bisae.errors import SqlError
from bisae.grid import Cell, at
from bisae.progress import track
from bisae.query import (
    Connection,
    addressed,
    create_views,
    database,
    named,
    parquet_view,
    read_views,
    schema,
    table_file,
)
from bisae.store import Array, Store
from bisae.validate.checks import ROWS_SHOWN, SETTINGS, check, error, shown
from bisae.validate.once import MOST, check_of
from bisae.validate.outcomes import Outcome
from bisae.validate.suites import Suite, read_suite

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


def check_cells(
    store: Store, cells: Sequence[Cell], again: Mapping[Cell, Mapping[str, Any]]
) -> list[tuple[Cell, list[Outcome]]]:
    """Check every promise over the codes of exported cells; rows say which cell it is.

    `again` are the tables of a sample that was encoded again; promises over it are
    passed over where there is none. The rows that break a promise are computed cell by
    cell, and the library looks at those of all cells at once: it takes its time for
    each promise.
    """
    suites = [read_suite(file) for file in code_files()]
    present: dict[Cell, set[str]] = {}
    failed: dict[tuple[Cell, str], str] = {}
    title = f"promises {cells[0].checkpoint}" if cells else ""
    with closing(database(store.tables, memory=MEMORY)) as con:
        parquet_view(con, SETTINGS, [table_file(store, SETTINGS)])
        for cell in track(cells, len(cells), title, "cells"):
            with at(cell), named(f"cell {cell}"), schema(con, "cell"):
                present[cell] = _open_cell(con, store, cell, again.get(cell, {}))
                for name in present[cell].intersection(_checks(suites)):
                    try:
                        _keep_rows(con, cell, name)
                    except SqlError as error:
                        failed[cell, name] = str(error)
        looked_at = set().union(*present.values())
        suites = [suite for suite in suites if suite.view in looked_at]
        outcomes = check(con, [suite._replace(view=SETTINGS) for suite in suites])
        return [
            (cell, _of_cell(con, cell, suites, outcomes, present[cell], failed))
            for cell in cells
        ]


def _checks(suites: Iterable[Suite]) -> list[str]:
    """The views whose every row breaks a promise."""
    return [check_of(one.expectation) for suite in suites for one in suite.promises]


def _keep_rows(con: Connection, cell: Cell, name: str) -> None:
    """Add the rows of a cell's check to a table of its name. Raises SqlError."""
    rows = f"select {addressed(cell)}, * from cell.{name} limit {MOST}"
    with named():
        (exists,) = con.execute(
            "select count(*) from duckdb_tables() "
            "where schema_name = 'main' and table_name = ?",
            [name],
        ).fetchall()[0]
        action = "insert into" if exists else "create table"
        con.execute(f"{action} main.{name} {'' if exists else 'as '}{rows}")


def _of_cell(
    con: Connection,
    cell: Cell,
    suites: Iterable[Suite],
    outcomes: Iterable[Outcome],
    present: set[str],
    failed: Mapping[tuple[Cell, str], str],
) -> list[Outcome]:
    """Return a cell's part of the outcomes of all cells, one for each promise."""
    promises = [(suite, promise) for suite in suites for promise in suite.promises]
    own = []
    for (suite, promise), outcome in zip(promises, outcomes, strict=True):
        name = check_of(promise.expectation)
        if suite.view not in present:
            continue
        outcome = outcome._replace(view=suite.view)
        if reason := failed.get((cell, name)):
            outcome = error(suite, promise, reason)
        elif outcome.status == "fail":
            outcome = outcome._replace(**_broken(con, cell, name))
        own.append(outcome)
    return own


def _broken(con: Connection, cell: Cell, name: str) -> dict[str, Any]:
    """How often, and where, a cell breaks a promise that some cell breaks."""
    here = f"from main.{name} where (size, step, layer) = (?, ?, ?)"
    (n_bad,) = con.execute(f"select count(*) {here}", [*cell]).fetchall()[0]
    cursor = con.execute(f"{here} order by all limit {ROWS_SHOWN}", [*cell])
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    status = "fail" if n_bad else "pass"
    columns = {"status": status, "observed": str(n_bad), "n_bad": n_bad}
    return columns | {"rows": shown(rows)}


def _open_cell(
    con: Connection, store: Store, cell: Cell, again: Mapping[str, Any]
) -> set[str]:
    """Make the tables and views of a cell's promises; return their names."""
    feature = store.stored_codes(cell).feature
    rows, features = store.told(cell)
    for name in FOLDED:
        parquet_view(con, name, [table_file(store, name, cell)])
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
    views = read_views("codes")
    names = {*FOLDED, *tables, SETTINGS}
    names = create_views(con, views, names, COMPUTED_ONCE)
    con.register("fired", store.codes_above(cell, _floors(con, feature)))
    return create_views(con, views, names | {"fired"}, COMPUTED_ONCE)


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
