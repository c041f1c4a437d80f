"""Coherence and its null, against every pair of tokens and against random tokens."""

from collections import defaultdict
from math import sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bisae.grid import Cell, Selection
from bisae.pipeline.build import build
from bisae.query import Connection
from bisae.store import Store, open_store, provenance_of, table_file, vector_files
from bisae.study import Study
from bisae.tables.pair_sums import TokenWeights, pair_sums
from bisae.tables.vectors import load_vectors
from support import reference
from support.coherence_reference import Text, Value
from support.reference import Corpus, Token
from support.rows import near, rows_of, stored

CELLS = [Cell("M", 5, 1), Cell("S", 0, 2)]
SOURCES = ("embeddings", "states")


@pytest.fixture(scope="module")
def texts(tiny: Store, corpus: Corpus) -> dict[str, Text]:
    """The text with the vectors of each source."""
    features = tiny.study.features
    limits = features.exclusive_threshold, features.min_exclusive_occurrences
    vectors = {
        source: dict(enumerate(load_vectors(tiny, source).rows)) for source in SOURCES
    }
    return {source: Text(corpus, vectors[source], *limits) for source in SOURCES}


def fired_tokens(con: Connection, corpus: Corpus, cell: Cell) -> dict[int, list[Token]]:
    """The tokens on which each feature of a cell fires."""
    query = "select feature, token_row from firings where (size, step, layer) = "
    fired = defaultdict(list)
    for row in rows_of(con, query + f"{(*cell,)}"):
        fired[row["feature"]].append(corpus.tokens[row["token_row"]])
    return fired


# -- the table ------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS, ids=str)
@pytest.mark.parametrize("source", SOURCES)
def test_coherence_agrees(
    con: Connection, corpus: Corpus, texts: dict[str, Text], cell: Cell, source: str
) -> None:
    expected = {
        (feature, *key): value
        for feature, tokens in fired_tokens(con, corpus, cell).items()
        for key, value in texts[source].coherence(tokens).items()
    }
    query = "from coherence where (size, step, layer, source) = (?, ?, ?, ?)"
    rows = rows_of(con, query, [*cell, source])
    names = ("feature", "language_a", "language_b", "token_set")
    actual = {tuple(row[name] for name in names): row for row in rows}
    assert len(actual) == len(rows)
    assert actual.keys() == expected.keys()
    assert {key[1:3] for key in actual} == {("en", "en"), ("en", "ja"), ("ja", "ja")}
    for key, value in expected.items():
        row = Value(*(actual[key][name] for name in Value._fields))
        assert row[:3] == value[:3]
        assert row.coherence == pytest.approx(value.coherence, abs=1e-9), key
        assert row.coherence_null == pytest.approx(value.coherence_null, abs=1e-9), key


def test_the_comparison_is_of_something(con: Connection) -> None:
    counts = rows_of(
        con,
        "select count(*) filter (where token_set = 'exclusive') as n_exclusive, "
        "count(*) filter (where abs(coherence - coherence_null) > 0.1) as n_excess, "
        "count(*) as n from coherence",
    )[0]
    assert 0 < counts["n_exclusive"] < counts["n"]
    assert 0 < counts["n_excess"] < counts["n"]


def test_the_null_is_the_mean_of_random_tokens(
    con: Connection, corpus: Corpus, texts: dict[str, Text]
) -> None:
    """Each pair of tokens is replaced by a random one of the same bins, many times."""
    text, draw = texts["embeddings"], np.random.default_rng(0)
    fired = fired_tokens(con, corpus, CELLS[0])
    query = (
        "select feature, n_pairs, coherence_null from coherence where size = 'M' "
        "and step = 5 and layer = 1 and source = 'embeddings' and token_set = 'all' "
        "and language_a < language_b and n_pairs > 100 order by feature limit 12"
    )
    rows = rows_of(con, query)
    assert len(rows) == 12
    deviations = []
    for row in rows:
        sides = [
            [token for token in fired[row["feature"]] if token.language == language]
            for language in ("en", "ja")
        ]
        drawn = [random_cosine(text, sides, draw) for _ in range(3000)]
        error = float(np.std(drawn)) / sqrt(len(drawn))
        deviations.append((np.mean(drawn) - row["coherence_null"]) / error)
    assert np.abs(deviations).max() < 4
    assert np.abs(deviations).mean() < 1.5


def random_cosine(
    text: Text, sides: list[list[Token]], draw: np.random.Generator
) -> float:
    """The cosine of random tokens in place of a random pair of firings."""
    while True:
        a, b = (side[draw.integers(len(side))] for side in sides)
        if a.token_id != b.token_id:
            break
    bins = [text.members[text.bin_of(t.language, t.token_id)] for t in (a, b)]
    while True:
        first, second = (int(members[draw.integers(len(members))]) for members in bins)
        if first != second:
            return text.cosine(first, second)


# -- the trends -----------------------------------------------------------------------


@pytest.mark.parametrize("population", ["alive", "supported"])
@pytest.mark.parametrize("kind", ["within", "across"])
def test_trends_agree(tiny: Store, con: Connection, population: str, kind: str) -> None:
    where = "size = 'M' and step = 5 and layer = 1"
    supported = {
        row["feature"]: row["supported"]
        for row in rows_of(con, f"from features where {where}")
    }
    parts = defaultdict(list)
    least = tiny.study.features.min_exclusive_firings
    for row in rows_of(con, f"from coherence where {where} and token_set = 'all'"):
        of_kind = (row["language_a"] == row["language_b"]) == (kind == "within")
        fires = min(row["n_firings_a"], row["n_firings_b"]) >= least
        counted = population == "alive" or supported[row["feature"]]
        if of_kind and fires and counted and row["source"] == "states":
            parts[row["feature"]].append(row)
    means: dict[str, list[float]] = {
        name: [] for name in ("coherence", "coherence_null", "excess")
    }
    for rows in parts.values():
        n = sum(row["n_pairs"] for row in rows)
        actual, null = (
            sum(row["n_pairs"] * row[name] for row in rows) / n
            for name in ("coherence", "coherence_null")
        )
        for values, value in zip(
            means.values(), (actual, null, actual - null), strict=True
        ):
            values.append(value)
    (trend,) = rows_of(
        con,
        f"from coherence_trends where {where} and source = 'states' "
        f"and token_set = 'all' and kind = '{kind}' and population = '{population}'",
    )
    assert trend["n_features"] == len(parts) > 1
    assert trend["coherence"] == near(reference.mean(means["coherence"]))
    assert trend["coherence_null"] == near(reference.mean(means["coherence_null"]))
    for name, value in reference.mean_columns("excess", means["excess"]).items():
        assert trend[name] == pytest.approx(value, rel=1e-6), name


def test_links_are_counted_by_language(con: Connection) -> None:
    languages = {row["token_id"]: row["language"] for row in rows_of(con, "from vocab")}
    (settings,) = rows_of(con, "from settings")
    kinds = {"n_links": 0, "n_within": 0, "n_across": 0, "n_shared": 0}
    for row in rows_of(con, "from neighbours"):
        if row["cosine"] > settings["semantic_threshold"]:
            a, b = (languages[row[name]] for name in ("token_id", "other"))
            kind = "shared" if None in (a, b) else "within" if a == b else "across"
            kinds["n_links"] += 1
            kinds[f"n_{kind}"] += 1
    assert rows_of(con, "from token_links") == [kinds]
    assert kinds["n_links"] > 0


# -- sums of pairs --------------------------------------------------------------------


def weights_of(counts: Any) -> TokenWeights:
    """The weights of counts, (sets, groups, tokens)."""
    set_number, group, token_id = np.nonzero(counts)
    weight = counts[set_number, group, token_id]
    return TokenWeights(set_number, group, token_id, weight, *counts.shape[:2])


@given(st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 3), st.integers(1, 9))
def test_sums_are_those_of_every_pair(
    seed: int, n_sets: int, n_groups: int, n_tokens: int
) -> None:
    draw = np.random.default_rng(seed)
    vectors = draw.normal(size=(n_tokens, 70)).astype(np.float16)
    counts = draw.integers(0, 4, (n_sets, n_groups, n_tokens))
    weights = weights_of(counts)
    cosines = vectors.astype(np.float64) @ vectors.astype(np.float64).T
    np.fill_diagonal(cosines, 0)
    expected = np.einsum("sav,sbw,vw->sab", counts, counts, cosines)
    actual = pair_sums(weights, vectors)
    assert actual == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_sums_do_not_depend_on_the_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(50, 130)).astype(np.float32)
    counts = draw.integers(0, 3, (9, 2, 50))
    weights = weights_of(counts)
    whole = pair_sums(weights, vectors)
    monkeypatch.setattr("bisae.tables.pair_sums.ROWS_AT_ONCE", 4)
    assert np.array_equal(pair_sums(weights, vectors), whole)


def test_a_dominant_token_costs_few_digits() -> None:
    """A million firings on one token and one on another: a single pair of tokens."""
    vectors = np.random.default_rng(0).normal(size=(2, 256)).astype(np.float16)
    sums = pair_sums(weights_of(np.array([[[1_000_000, 1]]])), vectors)
    product = float(vectors[0].astype(float) @ vectors[1].astype(float))
    assert sums[0, 0, 0] / 2_000_000 == pytest.approx(product, rel=1e-6)


# -- the states of tokens -------------------------------------------------------------


def test_states_are_means_of_unit_states(tiny: Store) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    cell = tiny.study.states_cell()
    assert cell == Cell("S", 40, 1)
    location = tiny.study.model(cell.size).checkpoint_at(cell.step)[0]
    model: Any = AutoModelForCausalLM.from_pretrained(location)
    model.eval()
    bos = tiny.corpus_attributes()["bos_token_id"]
    blocks = list(tiny.documents("eval"))
    token_id = np.concatenate([block.token_id for block in blocks])
    windows = torch.from_numpy(np.insert(token_id, 0, bos, axis=1)).long()
    with torch.no_grad():
        output = model(windows, output_hidden_states=True)
    states = output.hidden_states[cell.layer][:, 1:].double().numpy()
    states = states / np.linalg.norm(states, axis=2, keepdims=True)
    rows = load_vectors(tiny, "states").rows
    for token in np.unique(token_id)[::7]:
        mean = states[token_id == token].mean(0)
        expected = mean / np.linalg.norm(mean)
        assert rows[token] == pytest.approx(expected, abs=1e-3)
    absent = np.setdiff1d(np.arange(len(rows)), token_id)
    assert len(absent)
    assert not rows[absent].any()


def test_states_that_come_late_reach_every_cell(small_study: Study) -> None:
    """The cells of step 0 are exported before those of step 40 have states."""
    only = Selection(frozenset({"S"}))
    store = open_store(small_study.store)
    file = vector_files(store)["states"]
    whole = {cell: rows_of_cell(store, cell) for cell in only.of(store.cells)}
    file.unlink()
    for cell in whole:
        table_file(store, "coherence", cell).unlink()
    table_file(store, "bin_cosines").unlink()
    build(small_study, only, ("export",))
    assert {row["source"] for row in rows_of_cell(store, Cell("S", 0, 1))} == {
        "embeddings"
    }
    build(small_study, only, ("encode", "export"))
    assert file.exists()
    for cell, rows in whole.items():
        assert rows_of_cell(store, cell) == rows
        made_from = provenance_of(table_file(store, "coherence", cell))
        assert made_from["vectors"].keys() == {*SOURCES}


def rows_of_cell(store: Store, cell: Cell) -> list[dict[str, Any]]:
    where = f"where (size, step, layer) = {(*cell,)} order by all"
    return stored(store, f"from coherence {where}")


def test_a_study_without_states_has_embeddings_alone(small_study: Study) -> None:
    semantic = small_study.semantic.model_copy(update={"states": None})
    study = small_study.model_copy(update={"semantic": semantic})
    only = Selection(frozenset({"S"}), frozenset({0}))
    store = build(study, only, ("export",))
    rows = rows_of_cell(store, Cell("S", 0, 1))
    assert {row["source"] for row in rows} == {"embeddings"}
