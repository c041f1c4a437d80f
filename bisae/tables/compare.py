"""The spread between seeds: how far apart the trends of several stores of a study are.

Reads each store's trends; sql/compare does the rest. Writes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import combinations
from typing import Any

import pyarrow as pa

from bisae.errors import CompareError
from bisae.formats import Rows
from bisae.query import connect, create_views, database, read_views, rows_of
from bisae.store import Store

TRENDS = "select size, step, layer, population, name, value from trend_values"
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


def compare(stores: Sequence[Store]) -> Rows:
    """The view `spread` of some stores, in order. Raises CompareError, Unfinished."""
    if len(stores) < 2:
        msg = "a spread needs two stores or more, of one study but for [sae] seed"
        raise CompareError(msg)
    for one, other in combinations(stores, 2):
        _check_replicate(one, other)
    rows = [row for store in stores for row in _trends(store)]
    with closing(database()) as con:
        con.register("store_trends", pa.Table.from_pylist(rows, SCHEMA))
        create_views(con, read_views("compare"), {"store_trends"})
        return rows_of(con, "from spread order by size, step, layer, population, name")


def _trends(store: Store) -> Iterator[dict[str, Any]]:
    """Every trend of a store's exported cells, as rows of `store_trends`."""
    told = {"store": str(store.path), "seed": store.study.sae.seed}
    names, values = _ask(store, TRENDS)
    for row in values:
        yield told | dict(zip(names, row, strict=True))


def _check_replicate(one: Store, other: Store) -> None:
    """Refuse stores that differ in more than the seed, or not even there."""
    same, seed = _must_agree(one), one.study.sae.seed
    for what, value in _must_agree(other).items():
        if same.get(what, value) != value:
            msg = f"{other.path} is no replicate of {one.path}: {what} is {value}, "
            msg += f"not {same[what]}; compare stores that differ in [sae] seed alone"
            raise CompareError(msg)
    if other.study.sae.seed == seed:
        msg = f"{one.path} and {other.path} both have [sae] seed = {seed}, so "
        msg += "their autoencoders are the same; build one with another seed"
        raise CompareError(msg)


def _must_agree(store: Store) -> dict[str, Any]:
    """What replicates have in common, by the name that a user knows it by."""
    study = store.study
    told: dict[str, Any] = {
        "the languages": store.languages,
        "the list of sizes": [model.size for model in study.models],
        "the checkpoint of [semantic]": study.embeddings(),
        "the text's fingerprint": store.corpus_attributes()["fingerprint"],
    }
    for model in study.models:
        told[f"steps of {model.size}"] = model.steps
        told[f"layers of {model.size}"] = model.layers
        if study.sae.lr != "search":
            told[f"lr of {model.size}"] = study.lr(model.size)
    for section in ("sae", "features"):
        settings = getattr(study, section).model_dump(exclude={"seed"})
        told |= {f"[{section}] {key}": value for key, value in settings.items()}
    query = "select distinct size, step, lm_fingerprint from cells"
    for size, step, fingerprint in _ask(store, query).values:
        told[f"the model of {size}/{step}"] = fingerprint
    return told


def _ask(store: Store, query: str) -> Rows:
    with closing(connect(store, query=query)) as con:
        return rows_of(con, query)
