"""The spread between seeds: how far apart the trends of a study's replicates are.

Reads each store's trends or findings, and compares them with sql/compare.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from bisae.errors import CompareError
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.progress import track
from bisae.query import (
    columns_of,
    connect,
    create_views,
    database,
    read_views,
    rows_of,
)
from bisae.sae import seeded, start_directions
from bisae.store import Store
from bisae.tables.consistency import pw_mcc

TRENDS = "select size, step, layer, population, name, value from trend_values"
FINDINGS = """
    select finding, comparison, of_size, measure, estimate, sd_documents, fvu_left,
        fvu_right, at_same_fvu, at_same_firings, negligible::double as negligible
    from findings cross join settings
"""
SCHEMA = pa.schema(
    [
        ("store", pa.string()),
        ("seed", pa.int64()),
        ("size", pa.string()),
        ("step", pa.int64()),
        ("layer", pa.int32()),
        ("population", pa.string()),
        ("name", pa.string()),
        ("value", pa.float64()),
    ]
)
FINDINGS_SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("store", "finding", "comparison")),
        *((name, pa.string()) for name in ("of_size", "measure")),
        ("seed", pa.int64()),
        *((name, pa.float64()) for name in ("estimate", "sd_documents")),
        *((name, pa.float64()) for name in ("fvu_left", "fvu_right")),
        *((name, pa.float64()) for name in ("at_same_fvu", "at_same_firings")),
        ("negligible", pa.float64()),
    ]
)


def compare(stores: Sequence[Store]) -> Rows:
    """Return the view `spread` of some stores. Raises CompareError, Unfinished."""
    return _compared(stores, "spread", "store_trends", TRENDS, SCHEMA)


def compare_findings(stores: Sequence[Store]) -> Rows:
    """Return the view `seed_findings` of some stores. Raises as `compare` does."""
    return _compared(
        stores, "seed_findings", "store_findings", FINDINGS, FINDINGS_SCHEMA
    )


def compare_features(stores: Sequence[Store]) -> Rows:
    """Return the view `seed_matches` of the first store, for the seeds of the others.

    Two columns are added: pw_mcc, and pw_mcc_null, that of the random directions which
    both seeds start from. Raises CompareError, Unfinished.
    """
    first, *others = _check_replicates(stores)
    seeds = ", ".join(str(store.study.sae.seed) for store in others)
    query = f"from seed_matches where seed_to in ({seeds}) order by all"
    with closing(connect(first, query=query)) as con:
        has_matches = "seed_matches" in columns_of(con)
        rows = rows_of(con, query) if has_matches else Rows([], [])
    if not rows.values:
        msg = f"{first.path}: no feature is matched with another seed; "
        msg += f"`bisae lineage {first.path} --replicate {others[0].path}`"
        raise CompareError(msg)
    by_seed = {store.study.sae.seed: store for store in others}
    pairs = [
        (Cell(row["size"], row["step"], row["layer"]), by_seed[row["seed_to"]])
        for row in rows.records()
    ]
    values = [
        (*row, *_pw_mcc(first, second, cell))
        for row, (cell, second) in zip(
            rows.values, track(pairs, len(pairs), "PW-MCC", "cells"), strict=True
        )
    ]
    return Rows([*rows.names, "pw_mcc", "pw_mcc_null"], values)


def _pw_mcc(first: Store, second: Store, cell: Cell) -> tuple[float, float]:
    """Return the PW-MCC of a cell in two stores, and that of its random starts."""
    directions, starts = [], []
    for store in (first, second):
        directions.append(np.concatenate([*store.weight_rows(cell, "W_dec")]))
        settings = seeded(store.study.sae, cell)
        starts.append(start_directions(settings, directions[-1].shape[1]).numpy())
    return pw_mcc(*directions), pw_mcc(*starts)


def _check_replicates(stores: Sequence[Store]) -> Sequence[Store]:
    """Return the stores if they are replicates of each other. Raises CompareError."""
    if len(stores) < 2:
        msg = "a spread needs two or more stores of one study with different [sae] seed"
        raise CompareError(msg)
    for first, second in combinations(stores, 2):
        check_replicate(first, second)
    return stores


def _compared(
    stores: Sequence[Store], view: str, table: str, query: str, schema: pa.Schema
) -> Rows:
    """Return a view of sql/compare over what a query gives in each store."""
    rows = [
        row for store in _check_replicates(stores) for row in _of_store(store, query)
    ]
    with closing(database()) as con:
        con.register(table, pa.Table.from_pylist(rows, schema))
        views = read_views("compare")
        create_views(con, views, {table})
        return rows_of(con, f"from {view} order by {views[view].grain}")


def _of_store(store: Store, query: str) -> Iterator[dict[str, Any]]:
    """Yield what a query gives in a store, with the store's path and seed."""
    address = {"store": str(store.path), "seed": store.study.sae.seed}
    names, values = _rows_of_query(store, query)
    for row in values:
        yield address | dict(zip(names, row, strict=True))


def check_replicate(first: Store, second: Store) -> None:
    """Raise CompareError unless two stores differ in the seed and in nothing else."""
    expected, seed = _shared_settings(first), first.study.sae.seed
    for name, value in _shared_settings(second).items():
        if expected.get(name, value) != value:
            msg = f"{second.path} is not a replicate of {first.path}: {name} is "
            msg += f"{value}, not {expected[name]}; "
            msg += "compare stores that differ in [sae] seed alone"
            raise CompareError(msg)
    if second.study.sae.seed == seed:
        msg = f"{first.path} and {second.path} both have [sae] seed = {seed}, so "
        msg += "their autoencoders are the same; build one with another seed"
        raise CompareError(msg)


def _shared_settings(store: Store) -> dict[str, Any]:
    """Return the settings that replicates must share, under names for a message."""
    study = store.study
    expected: dict[str, Any] = {
        "the languages": store.languages,
        "the list of sizes": [model.size for model in study.grid],
        "the checkpoint of [semantic]": study.embeddings(),
        "the text's fingerprint": store.corpus_attributes()["fingerprint"],
    }
    for model in study.grid:
        expected[f"steps of {model.size}"] = model.steps
        expected[f"layers of {model.size}"] = model.layers
        if study.sae.lr != "search":
            expected[f"lr of {model.size}"] = study.lr(model.size)
    for section in ("sae", "features"):
        settings = getattr(study, section).model_dump(exclude={"seed"})
        expected |= {f"[{section}] {key}": value for key, value in settings.items()}
    # Weights are shuffled with the seed.
    query = "select distinct size, step, lm_fingerprint from cells "
    query += "where control is distinct from 'shuffled weights'"
    for size, step, fingerprint in _rows_of_query(store, query).values:
        expected[f"the model of {size}/{step}"] = fingerprint
    return expected


def _rows_of_query(store: Store, query: str) -> Rows:
    with closing(connect(store, query=query)) as con:
        return rows_of(con, query)
