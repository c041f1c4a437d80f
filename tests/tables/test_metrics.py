"""The metrics: worked examples, properties, and the SQL against `reference`.

`tiny` is a small built study. What SQL says of it must be what plain Python says.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from math import log
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bisae.grid import Cell
from bisae.query import Connection
from bisae.store import Store
from bisae.store.records import Block, Codes
from bisae.study import Features
from support import reference
from support.reference import Activation, Bin, Corpus, Row, Rules, Token
from support.rows import assert_same, by_key, near, rows_of

LANGUAGES = ("en", "ja")
CONTEXT = 6
STILL = settings(derandomize=True, deadline=None, database=None)


# -- what the tests are made of -------------------------------------------------------


def rules_of(kinds: Mapping[int, int], **chosen: Any) -> Rules:
    """Token ids of one kind have one embedding; other kinds' are at right angles."""
    axes = np.eye(max(kinds.values(), default=0) + 1, dtype=np.float32)
    rows = {token_id: axes[kind] for token_id, kind in kinds.items()}
    return Rules(Features(**chosen), 0.5, rows, [Bin(1, 1, 1.0), Bin(2, 9, 0.25)])


def corpus_of(documents: Sequence[tuple[str, Sequence[int]]]) -> Corpus:
    """Documents of a language and token ids; languages are permuted to the other."""
    tokens = {}
    for document, (language, token_ids) in enumerate(documents):
        for position, token_id in enumerate(token_ids):
            row = document * (CONTEXT - 1) + position
            tokens[row] = Token(row, document, position, token_id, language)
    second = dict(zip(LANGUAGES, reversed(LANGUAGES), strict=True))
    permuted = {i: second[language] for i, (language, _) in enumerate(documents)}
    return Corpus(tokens, LANGUAGES, CONTEXT, permuted)


def meaning(*token_ids: int, kinds: Mapping[int, int]) -> Row:
    """The meaning of a feature that fires on these tokens."""
    fired = [Token(i, 0, i, item, "en") for i, item in enumerate(token_ids)]
    return reference.meaning_columns(fired, rules_of(kinds))


# -- the worked examples of the design ------------------------------------------------


def test_one_token_has_one_meaning() -> None:
    actual = meaning(7, 7, 7, kinds={7: 0})
    assert actual["token_entropy"] == 0
    assert actual["monosemanticity"] == 1
    assert actual["monosemanticity_null"] == 1
    assert (actual["n_tokens"], actual["n_clusters"]) == (1, 1)


def test_three_unlike_tokens_have_three_meanings() -> None:
    actual = meaning(1, 2, 3, kinds={1: 0, 2: 1, 3: 2})
    assert actual["token_entropy"] == near(log(3))
    assert actual["monosemanticity"] == near(0.0)
    assert actual["monosemanticity_null"] == 0.25
    assert actual["largest_cluster_share"] == near(1 / 3)


def test_three_like_tokens_have_one_meaning() -> None:
    actual = meaning(1, 2, 3, kinds={1: 0, 2: 0, 3: 0})
    assert actual["token_entropy"] == near(log(3))
    assert actual["semantic_entropy"] == 0
    assert actual["monosemanticity"] == 1


def test_two_of_three_in_one_cluster() -> None:
    actual = meaning(1, 2, 3, kinds={1: 0, 2: 0, 3: 1})
    assert actual["monosemanticity"] == near(1 - (log(3) - 2 / 3 * log(2)) / log(3))
    assert actual["monosemanticity"] == pytest.approx(0.4206, abs=5e-5)
    assert actual["largest_cluster_share"] == near(2 / 3)


def test_spans_of_three_and_one() -> None:
    tokens = [Token(i, 0, i, i, "en") for i in (9, 4, 3, 5)]
    assert reference.runs((t.document, t.position) for t in tokens) == [
        [(0, 3), (0, 4), (0, 5)],
        [(0, 9)],
    ]
    assert reference.mean_span(tokens) == 2
    assert reference.truncated_share(tokens, context=11) == 0.5
    assert reference.truncated_share(tokens, context=12) == 0


def test_a_span_ends_with_its_document() -> None:
    corpus = corpus_of([("en", range(5)), ("en", range(5))])
    assert reference.mean_span([corpus.tokens[4], corpus.tokens[5]]) == 1


# -- the other definitions ------------------------------------------------------------


def test_a_firing_is_above_the_threshold_not_at_it() -> None:
    values = (10.0, 7.0, 7.0078125, 6.9921875)
    activations = [Activation(i, 3, value) for i, value in enumerate(values)]
    fired = reference.firings(activations, 0.7)
    assert [item.token_row for item in fired] == [0, 2]


@pytest.mark.parametrize(
    ("n_english", "n_japanese", "expected"),
    [(9, 1, "mixed"), (10, 1, "en"), (1, 10, "ja"), (1, 0, "en"), (5, 5, "mixed")],
)
def test_a_class_needs_more_than_its_threshold(
    n_english: int, n_japanese: int, expected: str
) -> None:
    languages = ["en"] * n_english + ["ja"] * n_japanese
    assert reference.language_class(languages, 0.9) == expected


@pytest.mark.parametrize("length", [11, 2285, 2359])
def test_nine_of_ten_is_not_exclusive(length: int) -> None:
    """In floating point it is, for some lengths: 0.9000000000000001."""
    second = [0] * (length - 1)
    english, japanese = [1] * 9 + [2] * 10 + second, [1] + [3] * 18 + second
    tokens = [
        Token(0, 0, 0, token_id, language)
        for language, ids in (("en", english), ("ja", japanese))
        for token_id in ids
    ]
    assert reference.exclusive_tokens(tokens, 0.9) == {2: "en", 3: "ja"}


def test_exclusive_is_per_equal_text() -> None:
    """Ten in ten tokens outweigh ten in a thousand."""
    tokens = [Token(0, 0, 0, 1, "en")] * 10 + [Token(0, 0, 0, 1, "ja")] * 10
    tokens += [Token(0, 0, 0, 2, "ja")] * 990
    assert reference.exclusive_tokens(tokens, 0.9) == {1: "en", 2: "ja"}


def test_languages_of_a_feature() -> None:
    corpus = corpus_of([("en", [1, 1, 1, 1, 9]), ("ja", [2, 9])])
    fired = list(corpus.tokens.values())
    exclusive = reference.exclusive_tokens(fired, 0.9)
    assert exclusive == {1: "en", 2: "ja"}
    few, many = Features(min_exclusive_firings=6), Features(min_exclusive_firings=5)
    actual = reference.language_columns(fired[:5], exclusive, corpus.permuted, many)
    assert actual["language"] == "en"
    assert actual["language_permuted"] == "ja"
    assert actual["language_exclusive"] is None
    assert actual["p_shared"] == near(1 / 5)
    for rules, expected in ((many, "mixed"), (few, None)):
        actual = reference.language_columns(fired, exclusive, corpus.permuted, rules)
        assert actual["language_exclusive"] == expected


def test_components_chain_and_leaders_do_not() -> None:
    """1 is like 2 and 2 like 3, but 1 is not like 3."""
    chain = {1: {2}, 2: {1, 3}, 3: {2}}
    assert reference.components(chain) == [{1, 2, 3}]
    assert reference.greedy(chain, {1: 1, 2: 1, 3: 1}) == [{1, 2}, {3}]
    assert reference.greedy(chain, {1: 1, 2: 9, 3: 1}) == [{1, 2, 3}]
    assert reference.greedy(chain, {1: 1, 2: 1, 3: 2}) == [{2, 3}, {1}]


@pytest.mark.parametrize(
    ("clustering", "expected"),
    [("components", {1: 1, 2: 1, 3: 1, 8: 8}), ("greedy", {1: 1, 2: 1, 3: 3, 8: 8})],
)
def test_a_cluster_is_named_by_its_smallest_token(
    clustering: str, expected: dict[int, int]
) -> None:
    """3 is like 1, 1 is like 2; 2, the first leader, takes 1. Length is no matter."""
    rows = {1: (1.0, 0.0), 2: (0.3, 0.3), 3: (1.0, -1.0), 8: (-0.1, 0.0)}
    vectors = {item: np.array(row) for item, row in rows.items()}
    rules = replace(rules_of({}, clustering=clustering), embeddings=vectors)
    links = reference.neighbours([1, 2, 3, 8], rules)
    assert links == {1: {2, 3}, 2: {1}, 3: {1}, 8: set()}
    assert reference.clusters({1: 1, 2: 3, 3: 2, 8: 1}, rules) == expected


@pytest.mark.parametrize(
    ("min_firings", "min_documents", "expected"),
    [(3, 2, True), (4, 2, False), (3, 3, False)],
)
def test_support(min_firings: int, min_documents: int, expected: object) -> None:
    fired = list(corpus_of([("en", [1, 2]), ("ja", [3])]).tokens.values())
    chosen = Features(min_firings=min_firings, min_documents=min_documents)
    actual = reference.support_columns(fired, chosen)
    assert (actual["n_firings"], actual["n_documents"]) == (3, 2)
    assert actual["supported"] is expected
    assert actual["p_top_position"] == near(2 / 3)


def test_spans_of_firings_and_of_activations() -> None:
    """Activations on positions 0 to 3, the second below the threshold."""
    corpus = corpus_of([("en", [0, 0, 0, 0, 0])])
    activations = [Activation(i, 7, v) for i, v in enumerate((9.0, 1.0, 9.0, 10.0))]
    (actual,) = reference.feature_rows(corpus, rules_of({0: 0}), activations)
    assert (actual["n_active"], actual["n_firings"], actual["max_value"]) == (
        4,
        3,
        10.0,
    )
    assert (actual["mean_span"], actual["mean_span_active"]) == (1.5, 4.0)


def test_a_token_joins_the_leader_that_came_first() -> None:
    near_both = {1: {3}, 2: {3}, 3: {1, 2}}
    assert reference.greedy(near_both, {1: 2, 2: 3, 3: 1}) == [{2, 3}, {1}]


def test_a_bin_is_found_by_its_number_of_tokens() -> None:
    bins = [Bin(1, 1, 1.0), Bin(2, 3, 0.5), Bin(4, 7, 0.25)]
    scores = [reference.null_at(bins, n) for n in (1, 2, 3, 4, 7, 8)]
    assert scores == [1.0, 0.5, 0.5, 0.25, 0.25, None]


def test_intervals() -> None:
    assert reference.wilson(5, 10) == pytest.approx((0.23659, 0.76341), abs=1e-5)
    assert reference.wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    actual = reference.mean_columns("m", [1.0, 3.0])
    assert actual == {
        "m": 2.0,
        "m_low": near(2 - 1.959964),
        "m_high": near(2 + 1.959964),
    }
    assert reference.mean_columns("m", [3.0]) == {
        "m": 3.0,
        "m_low": None,
        "m_high": None,
    }
    assert set(reference.share_columns("s", 0, 0).values()) == {None}


def test_a_dead_feature_is_mixed_among_all() -> None:
    corpus = corpus_of([("en", [1, 2]), ("ja", [3])])
    activations = [Activation(0, 0, 1.0), Activation(1, 0, 1.0), Activation(5, 1, 1.0)]
    features = reference.feature_rows(corpus, rules_of({1: 0, 2: 0, 3: 1}), activations)
    trends = {row["population"]: row for row in reference.trend_rows(features, 4)}
    counts = {name: (row["n_features"], row["n_dead"]) for name, row in trends.items()}
    assert counts == {"all": (4, 2), "alive": (2, 2), "supported": (0, 2)}
    shares = {name: row["mixed_share"] for name, row in trends.items()}
    assert shares == {"all": 0.5, "alive": 0.0, "supported": None}
    assert trends["all"]["single_token_share"] == 0.5
    assert trends["all"]["mixed_share_exclusive"] is None


def test_alignment_of_concepts() -> None:
    """Each language half on food and half on animals; only `cat` is shared.

    In the text, animals are three of four times cats in language a, always in b.
    """
    rice, tea, cat, dog = [("rice", "food"), ("tea", "food")] + [
        (animal, "animal") for animal in ("cat", "dog")
    ]
    words = {0: rice, 1: cat, 2: tea, 3: cat, 4: dog, 5: cat, 6: cat}
    text = [Token(row, 0, 0, row, "ab"[row in (2, 3)]) for row in words]
    fired = [Token(i, 0, 0, i, language) for i, language in enumerate("aabb")]
    fired.append(Token(9, 0, 0, 9, "b"))
    by_feature = {5: fired, 6: fired[:2]}
    actual = reference.mixed_alignments(by_feature, words, text, ("a", "b"), 0.9)
    assert actual == {5: pytest.approx((0.5, 0.5, 0.375))}
    apart = reference.alignment(fired[:3:2], words, {"food": 0.5}, ("a", "b"))
    assert apart == (1.0, 0.0, 0.5)
    silent = reference.alignment(fired[:2], words, {"food": 0.5}, ("a", "b"))
    assert set(silent) == {None}
    assert reference.mean_alignment([actual[5], silent]) == actual[5]


def test_unlike_topics_have_no_concepts_to_compare() -> None:
    words = {0: ("rice", "food"), 1: ("cat", "animal")}
    fired = [Token(0, 0, 0, 0, "a"), Token(1, 0, 0, 1, "b")]
    assert reference.alignment(fired, words, {}, ("a", "b")) == (0.0, None, None)


def test_rows_are_numbered_by_window() -> None:
    """The first document is short; its last two places are no tokens."""
    token_id = np.array([[4, 5, -1, -1], [6, 7, 8, 9]])
    block = Block(3, token_id, np.array([1, 0]), np.array([2, 4]))
    tokens = reference.tokens_of([block], 5, LANGUAGES)
    assert sorted(tokens) == [12, 13, 16, 17, 18, 19]
    assert tokens[13] == Token(13, 3, 1, 5, "ja")
    assert tokens[16] == Token(16, 4, 0, 6, "en")


def test_a_code_of_zero_is_no_activation() -> None:
    value = np.array([[2, 0], [1, 0.5]], dtype=np.float16)
    codes = Codes(10, np.array([[3, 0], [0, 3]], dtype=np.uint16), value)
    actual = [Activation(10, 3, 2.0), Activation(11, 0, 1.0), Activation(11, 3, 0.5)]
    assert reference.activations_of([codes]) == actual


# -- properties -----------------------------------------------------------------------

counts_of = st.dictionaries(st.integers(0, 30), st.integers(1, 50), min_size=1)


@st.composite
def cells(draw: st.DrawFn) -> tuple[Corpus, Rules, list[Activation]]:
    """A corpus of some documents, and activations of four features on it."""
    ids = st.lists(st.integers(0, 8), min_size=1, max_size=CONTEXT - 1)
    documents = draw(st.lists(st.tuples(st.sampled_from(LANGUAGES), ids), min_size=1))
    corpus = corpus_of(documents)
    kinds = draw(st.fixed_dictionaries({i: st.integers(0, 3) for i in range(9)}))
    places = st.tuples(st.sampled_from(sorted(corpus.tokens)), st.integers(0, 3))
    values = st.floats(2**-14, 100, width=16)
    stored = draw(st.dictionaries(places, values, min_size=1))
    clustering = draw(st.sampled_from(("components", "greedy")))
    chosen = {"clustering": clustering, "min_firings": 2, "min_documents": 2}
    rules = rules_of(kinds, min_exclusive_firings=1, **chosen)
    return (
        corpus,
        rules,
        [Activation(*location, value) for location, value in stored.items()],
    )


@STILL
@given(counts_of, st.dictionaries(st.integers(0, 30), st.integers(0, 5), min_size=31))
def test_joining_tokens_loses_entropy(
    counts: Mapping[int, int], cluster: Mapping[int, int]
) -> None:
    sizes: Counter[int] = Counter()
    for token_id, n in counts.items():
        sizes[cluster[token_id]] += n
    tokens = reference.entropy(counts.values())
    semantic = reference.entropy(sizes.values())
    assert -1e-12 <= semantic <= tokens + 1e-12
    assert tokens <= log(len(counts)) + 1e-12
    assert -1e-12 <= reference.monosemanticity(tokens, semantic) <= 1


@STILL
@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12)), min_size=13))
def test_leader_clusters_lie_within_components(links: Mapping[int, set[int]]) -> None:
    near_ids = {
        a: {b for b in links if b != a and (b in links[a] or a in links[b])}
        for a in links
    }
    whole = reference.components(near_ids)
    parts = reference.greedy(near_ids, dict.fromkeys(links, 1))
    for groups in (whole, parts):
        assert sorted(item for group in groups for item in group) == sorted(links)
    assert all(any(section <= item for item in whole) for section in parts)


@STILL
@given(st.integers(0, 50), st.integers(0, 50))
def test_a_share_lies_in_its_interval(n: int, more: int) -> None:
    if n + more:
        low, high = reference.wilson(n, n + more)
        assert -1e-12 <= low <= n / (n + more) + 1e-12
        assert n / (n + more) - 1e-12 <= high <= 1 + 1e-12


@STILL
@given(cells())
def test_features_keep_their_bounds(
    cell: tuple[Corpus, Rules, list[Activation]],
) -> None:
    corpus, _, activations = cell
    features = reference.feature_rows(*cell)
    assert {f["feature"] for f in features} == {item.feature for item in activations}
    assert sum(f["n_active"] for f in features) == len(activations)
    for item in features:
        assert 1 <= item["n_firings"] <= item["n_active"]
        assert 1 <= item["n_clusters"] <= item["n_tokens"] <= item["n_firings"]
        assert item["semantic_entropy"] <= item["token_entropy"] + 1e-12
        assert -1e-12 <= item["monosemanticity"] <= 1
        assert 1 <= item["mean_span"] <= corpus.context - 1
        for share in ("largest_cluster_share", "p_top_position"):
            assert 0 < item[share] <= 1
        for share in ("p_shared", "truncated_share"):
            assert 0 <= item[share] <= 1
        second = {"en": "ja", "ja": "en", "mixed": "mixed"}[item["language"]]
        assert item["language_permuted"] == second


@STILL
@given(cells())
def test_shares_sum_to_one(cell: tuple[Corpus, Rules, list[Activation]]) -> None:
    features = reference.feature_rows(*cell)
    sums: Counter[int] = Counter()
    for row in reference.feature_language_rows(*cell):
        sums[row["feature"]] += row["p"]
    assert sums == {f["feature"]: near(1.0) for f in features}
    rows = reference.trend_language_rows(features, 4, LANGUAGES)
    for population in ("all", "alive"):
        shares = [r["share"] for r in rows if r["population"] == population]
        assert len(shares) == len(LANGUAGES) + 1
        assert sum(shares) == near(1.0)


# -- SQL against the reference --------------------------------------------------------

KEYS = {
    "firings": ("feature", "token_row"),
    "clusters": ("feature", "token_id"),
    "features": ("feature",),
    "feature_languages": ("feature", "language"),
    "trends": ("population",),
    "trend_languages": ("population", "language"),
}
ADDRESS = "size = ? and step = ? and layer = ?"


@pytest.fixture(scope="module", params=[0, -1], ids=["first cell", "last cell"])
def cell(request: pytest.FixtureRequest, tiny: Store) -> Cell:
    index: int = request.param
    return tiny.study.cells[index]


@pytest.fixture(scope="module")
def expected(
    tiny: Store, corpus: Corpus, rules: Rules, cell: Cell
) -> dict[str, list[Row]]:
    """Every table of the cell, as plain Python has it."""
    activations = reference.activations_of(tiny.codes(cell))
    features = reference.feature_rows(corpus, rules, activations)
    n_features, languages = tiny.study.sae.n_features, corpus.languages
    return {
        "firings": reference.firing_rows(rules, activations),
        "clusters": reference.cluster_rows(corpus, rules, activations),
        "features": features,
        "feature_languages": reference.feature_language_rows(
            corpus, rules, activations
        ),
        "trends": reference.trend_rows(features, n_features),
        "trend_languages": reference.trend_language_rows(
            features, n_features, languages
        ),
    }


@pytest.mark.parametrize("table", KEYS)
def test_sql_agrees(
    con: Connection, cell: Cell, expected: dict[str, list[Row]], table: str
) -> None:
    """Same rows; every column of the reference is there, and the same."""
    sql = f"from {table} where {ADDRESS}"
    assert_same(rows_of(con, sql, cell), expected[table], *KEYS[table])


def test_trends_repeat_the_cell(tiny: Store, con: Connection, cell: Cell) -> None:
    seen = tiny.study.model(cell.size).tokens_at(cell.step)
    sql = f"select distinct tokens_seen, fvu from trends where {ADDRESS}"
    fvu = rows_of(con, f"select fvu from cells where {ADDRESS}", cell)[0]["fvu"]
    assert rows_of(con, sql, cell) == [{"tokens_seen": seen, "fvu": fvu}]


def test_vocab_agrees(con: Connection, corpus: Corpus, rules: Rules) -> None:
    settings = rules.settings
    limits = settings.exclusive_threshold, settings.min_exclusive_occurrences
    vocab = by_key(rows_of(con, "select token_id, language from vocab"), ["token_id"])
    labelled = {item[0]: r["language"] for item, r in vocab.items() if r["language"]}
    assert labelled == reference.exclusive_tokens(corpus.tokens.values(), *limits)
    assert {t.token_id for t in corpus.tokens.values()} <= {item for (item,) in vocab}


def test_tokens_agree(con: Connection, corpus: Corpus) -> None:
    names = ", ".join(Token._fields)
    rows = rows_of(con, f"select {names} from tokens order by token_row")
    tokens = sorted(corpus.tokens.values())
    assert [Token(**row) for row in rows] == tokens


def test_documents_are_permuted_not_redrawn(con: Connection, corpus: Corpus) -> None:
    sql = "select document, language from documents"
    languages = {row["document"]: row["language"] for row in rows_of(con, sql)}
    assert languages == {t.document: t.language for t in corpus.tokens.values()}
    assert languages.keys() == corpus.permuted.keys()
    assert Counter(corpus.permuted.values()) == Counter(languages.values())
    assert languages != corpus.permuted


def test_settings_are_the_study(tiny: Store, con: Connection) -> None:
    (row,) = rows_of(con, "from settings")
    expected_value = tiny.study.features.model_dump()
    given_as = expected_value.pop("semantic_threshold")
    if not isinstance(given_as, str):
        assert row["semantic_threshold"] == given_as
    assert isinstance(row["semantic_threshold"], float)
    assert {name: row[name] for name in expected_value} == expected_value


def test_bins_of_the_null_follow_each_other(
    rules: Rules, expected: dict[str, list[Row]]
) -> None:
    bins = sorted(rules.mono_null)
    for item, after in pairwise(bins):
        assert item.n_tokens_low <= item.n_tokens_high < after.n_tokens_low
        assert after.n_tokens_low == item.n_tokens_high + 1
    assert all(-1e-12 <= item.monosemanticity <= 1 for item in bins)
    for feature in expected["features"]:
        drawn = feature["n_tokens"] <= bins[-1].n_tokens_high
        assert (feature["monosemanticity_null"] is not None) == drawn


def test_the_comparison_is_of_something(expected: dict[str, list[Row]]) -> None:
    """A tiny study on which every feature is alike would prove little."""
    features = expected["features"]
    for name in ("supported", "language", "n_clusters", "n_tokens", "mean_span"):
        assert len({feature[name] for feature in features}) > 1, name
    assert any(feature["language_exclusive"] for feature in features)


# -- concepts -------------------------------------------------------------------------


def fired_by(rows: Sequence[Row], corpus: Corpus) -> dict[int, list[Token]]:
    """The tokens that fire each feature."""
    actual: dict[int, list[Token]] = {}
    for row in rows:
        actual.setdefault(row["feature"], []).append(corpus.tokens[row["token_row"]])
    return actual


@pytest.mark.parametrize("population", ["alive", "supported"])
def test_translations_agree(
    con: Connection,
    corpus: Corpus,
    rules: Rules,
    cell: Cell,
    expected: dict[str, list[Row]],
    population: str,
) -> None:
    words = {
        row["token_row"]: (row["concept"], row["topic"])
        for row in rows_of(con, "from token_concepts")
    }
    sure = {row["feature"] for row in expected["features"] if row["supported"]}
    aligned = reference.mixed_alignments(
        fired_by(expected["firings"], corpus),
        words,
        corpus.tokens.values(),
        ("en", "ja"),
        rules.settings.class_threshold,
    )
    remaining = [
        item
        for feature, item in aligned.items()
        if item.same_topic is not None and (population == "alive" or feature in sure)
    ]
    sql = (
        "from lexicon_translations "
        "where size = ? and step = ? and layer = ? and population = ?"
    )
    result = rows_of(con, sql, [*cell, population])
    assert [row["n_features"] for row in result] == [len(remaining)] * bool(remaining)
    means = reference.mean_alignment(remaining)
    for row in result:
        assert row["same_topic"] == pytest.approx(means.same_topic, rel=1e-9)
        assert row["same_concept"] == pytest.approx(means.same_concept, rel=1e-9)
        chance = means.same_concept_chance
        assert row["same_concept_chance"] == pytest.approx(chance, rel=1e-9)
