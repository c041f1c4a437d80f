"""Semantic clusters and their null, against definitions in SQL and plain Python."""

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bisae.clusters import cluster, draw_null_sets, resolve_threshold

COMPONENTS = """
with recursive pairs as (
    select a.token_id as a, b.token_id as b
    from tokens as a, tokens as b
    where array_cosine_similarity(a.row, b.row) > $threshold
), reached(a, b) as (
    select token_id, token_id from tokens
    union
    select reached.a, pairs.b from reached join pairs on reached.b = pairs.a
)
select a, min(b) from reached group by a order by a
"""


def unit(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / norms, np.float32)


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0.1, 0.9))
@settings(max_examples=30, deadline=None)
def test_components_are_those_of_a_recursive_query(
    seed: int, n: int, threshold: float
) -> None:
    rows = unit(np.random.default_rng(seed).normal(size=(n, 4)))
    tokens = np.arange(n)
    ones = np.ones(n, np.int64)
    found = cluster(0 * ones, tokens, ones, rows, threshold, "components")
    con = duckdb.connect()
    con.execute("create table tokens (token_id integer, row float[4])")
    values = list(zip(tokens.tolist(), rows.tolist(), strict=True))
    con.executemany("insert into tokens values (?, ?)", values)
    plain = con.execute(COMPONENTS, {"threshold": threshold}).fetchall()
    assert found.tolist() == [lowest for _, lowest in plain]


def test_features_do_not_share_clusters() -> None:
    rows = unit(np.ones((3, 2)))
    feature, token_id = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 2])
    ones = np.ones(4, np.int64)
    found = cluster(feature, token_id, ones, rows, 0.5, "components")
    assert found.tolist() == [0, 0, 1, 1]


def test_greedy_clusters_have_a_leader_each() -> None:
    angles = np.deg2rad([0, 40, 80])
    rows = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    feature, token_id = np.zeros(3, np.int64), np.arange(3)
    ask = (rows, 0.7, "greedy")
    assert cluster(feature, token_id, np.array([3, 2, 1]), *ask).tolist() == [0, 0, 2]
    assert cluster(feature, token_id, np.array([1, 3, 2]), *ask).tolist() == [0, 0, 0]
    joined = cluster(feature, token_id, np.ones(3, np.int64), rows, 0.7, "components")
    assert joined.tolist() == [0, 0, 0]


@pytest.mark.parametrize("share", ["1e-2", "1e-3"])
def test_a_threshold_links_its_share_of_random_pairs(share: str) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(500, 16)))
    found = resolve_threshold(f"null:{share}", rows, np.arange(500), 0)
    assert found.link_rate == pytest.approx(float(share), rel=1e-2)
    cosine = (rows @ rows.T)[np.triu_indices(500, 1)]
    assert (cosine > found.cosine).mean() == pytest.approx(float(share), rel=0.2)


def test_a_number_is_kept_and_its_link_rate_told() -> None:
    rows = unit(np.random.default_rng(0).normal(size=(500, 128)))
    found = resolve_threshold(0.1, rows, np.arange(500), 0)
    assert found.cosine == 0.1
    assert found.link_rate == pytest.approx(0.13, abs=0.01)


def test_null_sets_have_their_sizes_and_the_texts_frequencies() -> None:
    draw = np.random.default_rng(0)
    text = draw.choice(100, 20_000, p=np.r_[0.5, np.full(99, 0.5 / 99)])
    sets = draw_null_sets(text, 50, 0)
    assert [bin_[1:] for bin_ in sets.bins[::50]] == [
        (1, 1),
        (2, 2),
        (3, 4),
        (5, 8),
        (9, 16),
        (17, 32),
        (33, 50),
    ]
    for feature, low, high in sets.bins:
        assert low <= (sets.feature == feature).sum() <= high
    largest = sets.feature >= 300
    common = sets.token_id[largest] == 0
    share = sets.n_firings[largest][common].sum() / sets.n_firings[largest].sum()
    assert share == pytest.approx(0.5, abs=0.05)
