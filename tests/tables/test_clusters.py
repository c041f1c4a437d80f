"""Semantic clusters and their null, against definitions in SQL and plain Python."""

from typing import Any

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bisae.study import Features
from bisae.tables.clusters import (
    Clustering,
    EmbeddingRows,
    Graph,
    Ints,
    Links,
    Pairs,
    Products,
    TokenSets,
    draw_null_sets,
    find_pairs,
    linked_tokens,
    random_cosines,
    random_pairs,
    resolve_threshold,
)
from support import reference

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


def cluster(
    feature: Ints,
    token_id: Ints,
    n_firings: Ints,
    links: Links,
    threshold: float,
    method: str,
) -> Ints:
    """Each (feature, token)'s cluster, named by its lowest token."""
    sets = TokenSets(feature, token_id, 0 * feature + 4, {2: n_firings})
    clustering = Clustering(7, 2, 4, threshold, method)
    clusters = dict(zip(zip(feature, token_id, strict=True), token_id, strict=True))
    for linked in linked_tokens(sets, links, [clustering]):
        assert linked.clustering == 7
        keys = zip(linked.feature, linked.token_id, strict=True)
        clusters |= dict(zip(keys, linked.cluster, strict=True))
    return np.array(list(clusters.values()))


def unit(rows: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / norms, np.float32)


@given(st.integers(0, 10_000), st.integers(1, 30), st.floats(0.1, 0.9))
def test_components_are_those_of_a_recursive_query(
    seed: int, n: int, threshold: float
) -> None:
    rows = unit(np.random.default_rng(seed).normal(size=(n, 4)))
    tokens = np.arange(n)
    ones = np.ones(n, np.int64)
    for links in both(rows, threshold):
        actual = cluster(0 * ones, tokens, ones, links, threshold, "components")
        assert actual.tolist() == components_in_sql(rows, threshold)


def components_in_sql(rows: EmbeddingRows, threshold: float) -> list[int]:
    con = duckdb.connect()
    con.execute("create table tokens (token_id integer, row float[4])")
    values = list(enumerate(rows.tolist()))
    con.executemany("insert into tokens values (?, ?)", values)
    plain = con.execute(COMPONENTS, {"threshold": threshold}).fetchall()
    return [lowest for _, lowest in plain]


def both(rows: EmbeddingRows, threshold: float) -> list[Links]:
    """The two ways to tell what is alike; the graph knows more than is asked."""
    parts = list(find_pairs(rows, np.arange(len(rows)), threshold - 0.2))
    columns = (np.concatenate(item) for item in zip(*parts, strict=True))
    return [Graph(Pairs(*columns), len(rows)), Products(rows)]


@pytest.mark.parametrize("at_once", [1, 40, 10_000])
@pytest.mark.parametrize("rule", ["components", "greedy"])
def test_sets_are_clustered_as_one_by_one(
    rule: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many sets at once, in parts and tiles of any size, against plain Python."""
    draw = np.random.default_rng(0)
    rows = unit(draw.normal(size=(60, 3)))
    sets = [np.sort(draw.choice(60, n, replace=False)) for n in (1, 7, 30, 2, 60)]
    feature, token_id = np.repeat(np.arange(5), [1, 7, 30, 2, 60]), np.concatenate(sets)
    n_firings = draw.integers(1, 5, len(feature))
    monkeypatch.setattr("bisae.tables.clusters.rules.CANDIDATES_AT_ONCE", at_once)
    monkeypatch.setattr("bisae.tables.clusters.links.TILE", 16)
    expected = [
        label
        for i, tokens in enumerate(sets)
        for label in plainly(tokens, n_firings[feature == i], rows, rule)
    ]
    for links in both(rows, 0.8):
        actual = cluster(feature, token_id, n_firings, links, 0.8, rule)
        assert actual.tolist() == expected


def plainly(tokens: Any, n_firings: Any, rows: EmbeddingRows, rule: str) -> list[int]:
    """Each token's cluster, by the reference."""
    chosen = Features(clustering=rule)
    vectors = {int(token): rows[token] for token in tokens}
    counts = dict(zip(tokens.tolist(), n_firings.tolist(), strict=True))
    actual = reference.clusters(counts, reference.Rules(chosen, 0.8, vectors, []))
    return [actual[int(token)] for token in tokens]


def test_features_do_not_share_clusters() -> None:
    rows = unit(np.ones((3, 2)))
    feature, token_id = np.array([0, 0, 1, 1]), np.array([0, 2, 1, 2])
    ones = np.ones(4, np.int64)
    for links in both(rows, 0.5):
        actual = cluster(feature, token_id, ones, links, 0.5, "components")
        assert actual.tolist() == [0, 0, 1, 1]


def test_greedy_clusters_have_a_leader_each() -> None:
    angles = np.deg2rad([0, 40, 80])
    rows = unit(np.stack([np.cos(angles), np.sin(angles)], axis=1))
    feature, token_id = np.zeros(3, np.int64), np.arange(3)
    first, second = np.array([3, 2, 1]), np.array([1, 3, 2])
    for links in both(rows, 0.7):
        ask = (links, 0.7, "greedy")
        assert cluster(feature, token_id, first, *ask).tolist() == [0, 0, 2]
        assert cluster(feature, token_id, second, *ask).tolist() == [0, 0, 0]
        joined = cluster(feature, token_id, first, links, 0.7, "components")
        assert joined.tolist() == [0, 0, 0]


@pytest.mark.parametrize("share", ["1e-2", "1e-3"])
def test_a_threshold_links_its_share_of_random_pairs(share: str) -> None:
    rows = unit(np.random.default_rng(0).normal(size=(500, 16)))
    actual = resolve_threshold(f"null:{share}", random_cosines(rows, np.arange(500), 0))
    assert actual.link_rate == pytest.approx(float(share), rel=1e-2)
    cosine = (rows @ rows.T)[np.triu_indices(500, 1)]
    assert (cosine > actual.cosine).mean() == pytest.approx(float(share), rel=0.2)


def gap_around(threshold: float, rows: EmbeddingRows) -> float:
    """The distance from a threshold to the nearest cosine, in double precision."""
    exact = rows.astype(np.float64)
    cosines = (exact @ exact.T)[np.triu_indices(len(rows), 1)]
    return float(np.abs(cosines - threshold).min())


@pytest.mark.parametrize("share", ["1e-2", "1e-3", "1e-4", "1e-6"])
@pytest.mark.parametrize("n", [3, 40, 400])
def test_no_rounding_decides_a_link(n: int, share: str) -> None:
    """Every pair is farther from the threshold than any order of a sum moves it.

    Drawn with repetition, each pair of a small vocabulary would be drawn many times,
    and both neighbours of the quantile would be the same pair.
    """
    rows = unit(np.random.default_rng(n).normal(size=(n, 24)))
    cosines = random_cosines(rows, np.arange(n), 0)
    actual = resolve_threshold(f"null:{share}", cosines)
    assert gap_around(actual.cosine, rows) > 5e-7
    n_linked = round(float(share) * len(cosines))
    assert (cosines > actual.cosine).sum() == pytest.approx(n_linked, abs=2)
    assert actual.link_rate == (cosines > actual.cosine).mean()


def test_equal_cosines_are_on_one_side_of_the_threshold() -> None:
    """Half of the pairs have one of two cosines, up to rounding.

    The quantile is among equal ones; those above it are fewer than those below.
    """
    draw = np.random.default_rng(0)
    cosines = np.repeat([0.9, 0.5, 0.2], [100, 300, 600]).astype(np.float32)
    cosines += draw.uniform(-1e-7, 1e-7, 1000).astype(np.float32)
    for share, linked in ((0.04, 0), (0.06, 100), (0.2, 100), (0.3, 400), (0.6, 400)):
        actual = resolve_threshold(f"null:{share}", draw.permutation(cosines))
        assert actual.link_rate == pytest.approx(linked / 1000), share


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_a_quantile_among_close_cosines_stays_near_its_share(share: float) -> None:
    cosines = np.random.default_rng(0).normal(0, 0.02, 10**6).astype(np.float32)
    actual = resolve_threshold(f"null:{share}", cosines)
    assert actual.link_rate == pytest.approx(share, abs=0.03)


def test_all_pairs_are_drawn_once_while_they_are_few() -> None:
    first, second = random_pairs(1414, 0)
    expected = np.triu_indices(1414, 1)
    actual = sorted(zip(first.tolist(), second.tolist(), strict=True))
    assert len(actual) == 998_991
    assert actual == list(zip(*(side.tolist() for side in expected), strict=True))


@pytest.mark.parametrize("n", [1_416, 250_000])
def test_a_million_of_more_pairs_are_different(n: int) -> None:
    first, second = random_pairs(n, 0)
    assert len(np.unique(first * n + second)) == 1_000_000
    assert (first < second).all()
    assert first.min() >= 0
    assert second.max() < n
    assert second.mean() / n == pytest.approx(2 / 3, abs=0.002)
    assert first.mean() / n == pytest.approx(1 / 3, abs=0.002)


def test_a_number_is_kept_and_its_link_rate_told() -> None:
    rows = unit(np.random.default_rng(0).normal(size=(500, 128)))
    actual = resolve_threshold(0.1, random_cosines(rows, np.arange(500), 0))
    assert actual.cosine == 0.1
    assert actual.link_rate == pytest.approx(0.13, abs=0.01)


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
