"""Antipodes of dense features, against every cosine of a cell's directions."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bisae.grid import Cell
from bisae.query import Connection, connect
from bisae.store import Store
from bisae.tables.antipodes import most_opposite
from support.rows import Row, rows_of

CELL = Cell("M", 40, 1)


@pytest.fixture(scope="module")
def con(tiny: Store) -> Iterator[Connection]:
    with closing(connect(tiny)) as connection:
        yield connection


def cosines(store: Store, cell: Cell) -> NDArray[Any]:
    """The cosine of every two directions, (n, n), in float64; 2 with itself."""
    directions = store.weights(cell)["W_dec"].astype(float)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    products: NDArray[Any] = directions @ directions.T
    np.fill_diagonal(products, 2)
    return products


def rows_by_feature(con: Connection, view: str, cell: Cell) -> dict[int, Row]:
    condition = f"(size, step, layer) = {(*cell,)}"
    rows = rows_of(con, f"from {view} where {condition}")
    by_feature = {row["feature"]: row for row in rows}
    assert len(by_feature) == len(rows)
    return by_feature


def test_antipodes_are_those_of_all_cosines(tiny: Store, con: Connection) -> None:
    n_tokens = rows_of(con, "select count(*) as n from tokens")[0]["n"]
    n_dense = 0
    for cell in tiny.cells:
        features = rows_by_feature(con, "features", cell)
        dense = {
            feature
            for feature, row in features.items()
            if row["n_firings"] > 0.1 * n_tokens
        }
        antipodes = rows_by_feature(con, "antipodes", cell)
        assert antipodes.keys() == dense
        expected = cosines(tiny, cell)
        for feature, row in antipodes.items():
            assert row["antipode"] == expected[feature].argmin()
            least = expected[feature].min()
            assert row["antipodal_cosine"] == pytest.approx(least, abs=1e-6)
        n_dense += len(dense)
    assert n_dense > len(tiny.cells)


def test_specificity_has_the_antipodes_of_dense_features(con: Connection) -> None:
    antipodes = rows_by_feature(con, "antipodes", CELL)
    rows = rows_by_feature(con, "feature_specificity", CELL)
    assert 0 < len(antipodes) < len(rows)
    for feature, row in rows.items():
        antipode = antipodes.get(feature, {})
        assert row["is_dense"] == bool(antipode)
        for column in ("antipode", "antipodal_cosine"):
            assert row[column] == antipode.get(column)
    assert rows_by_feature(con, "dense_features", CELL).keys() == antipodes.keys()


def test_antipodes_are_found_in_any_block_of_weights(
    tiny: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """256 features are read 60 at a time, and the last block is shorter."""
    monkeypatch.setattr("bisae.store.store.WEIGHT_ROWS", 60)
    features = np.array([0, 59, 60, 130, 255], np.int32)
    antipode, cosine = most_opposite(tiny, CELL, features)
    expected = cosines(tiny, CELL)[features]
    assert antipode.tolist() == expected.argmin(axis=1).tolist()
    np.testing.assert_allclose(cosine, expected.min(axis=1), atol=1e-6)
    assert len({number // 60 for number in antipode.tolist()}) > 1
    none = most_opposite(tiny, CELL, np.array([], np.int32))
    assert [len(values) for values in none] == [0, 0]
