"""Retrieval: planted pairs against numpy, and the tables of the tiny store."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import permutations
from math import sqrt
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from bisae.corpus import PairTexts, pair_texts
from bisae.encode.hidden_ranks import hidden_ranks
from bisae.grid import Cell
from bisae.query import (
    Connection,
    closure,
    connect,
    create_views,
    database,
    read_views,
)
from bisae.store import Store, registry, table_file, table_names
from bisae.tables.pairs import TABLES
from support import pair_reference
from support.pair_reference import Vectors, Z
from support.reference import wilson
from support.rows import Row, assert_same, near, planted, rows_of

LANGUAGES = ("de", "en", "ja")
N_PAIRS, N_FEATURES, N_TOKENS = 30, 40, 12
DIRECTIONS = list(permutations(LANGUAGES, 2))
CELL = Cell("S", 40, 1)
MIXED = range(0, N_FEATURES, 3)
ADDRESS: Row = {"size": "M", "step": 5, "layer": 1}

Planted = dict[str, Vectors]


@pytest.fixture(scope="module")
def vectors() -> Planted:
    """Codes and tokens of texts: a translation shares a part of them, which is planted.

    German has no text of every third pair. Two pairs are equal in all languages, so
    that their ranks tie; one text has no code of a mixed feature, and one no code.
    """
    draw = np.random.default_rng(3)
    meaning = draw.random((N_PAIRS, N_FEATURES)) * (
        draw.random((N_PAIRS, N_FEATURES)) < 0.2
    )
    codes: dict[str, dict[int, np.ndarray]] = {name: {} for name in LANGUAGES}
    tokens: dict[str, dict[int, np.ndarray]] = {name: {} for name in LANGUAGES}
    for language in LANGUAGES:
        of_language = draw.random(N_FEATURES)
        for pair in range(N_PAIRS):
            if language == "de" and pair % 3 == 0:
                continue
            noise = draw.random(N_FEATURES) * (draw.random(N_FEATURES) < 0.3)
            vector = meaning[pair] + 0.7 * noise + 0.2 * of_language * (noise > 0.2)
            codes[language][pair] = vector.astype(np.float32).astype(float)
            tokens[language][pair] = draw.integers(0, 3, N_TOKENS).astype(float)
    for language in LANGUAGES:
        codes[language][5] = codes[language][4]
        tokens[language][5] = tokens[language][4]
    codes["en"][7][MIXED] = 0
    codes["ja"][8][:] = 0
    return {"codes": codes, "tokens": tokens}


def active(vectors: Planted, language: str) -> dict[int, set[int]]:
    """The features with a code, by pair."""
    return {
        pair: {int(feature) for feature in np.flatnonzero(vector)}
        for pair, vector in vectors["codes"][language].items()
    }


@pytest.fixture(scope="module")
def planted_con(vectors: Planted) -> Iterator[Connection]:
    """The views of sql/pairs over the planted texts; feature 1 never is alive."""
    codes = [
        {
            "pair": pair,
            "language": language,
            "feature": int(feature),
            "mean_value": np.float32(vector[feature]),
        }
        for language, by_pair in vectors["codes"].items()
        for pair, vector in by_pair.items()
        for feature in np.flatnonzero(vector)
    ]
    tokens = [
        {
            "pair": pair,
            "language": language,
            "token_id": int(token),
            "n_tokens": int(counts[token]),
        }
        for language, by_pair in vectors["tokens"].items()
        for pair, counts in by_pair.items()
        for token in np.flatnonzero(counts)
    ]
    features = [
        {
            "feature": feature,
            "language": "mixed" if feature in MIXED else "en",
        }
        for feature in range(N_FEATURES)
        if feature != 1
    ]
    hidden = [{"language_a": "en", "language_b": "ja", "pair": 1, "rank": 3}]
    tables = {
        "pair_codes": codes,
        "pair_tokens": tokens,
        "features": features,
        "hidden_ranks": hidden,
    }
    with closing(database()) as con:
        for name, rows in tables.items():
            con.register(name, pa.Table.from_pylist(rows))
        create_views(con, read_views("pairs"), tables, keep=True)
        yield con


def of_source(vectors: Planted, source: str) -> Vectors:
    """The vectors that a source compares: tokens as shares of their text."""
    kept = np.ones(N_FEATURES)
    if source in ("mixed", "other"):
        kept = np.isin(range(N_FEATURES), MIXED) == (source == "mixed")
    return {
        language: {
            pair: vector / vector.sum() if source == "tokens" else vector * kept
            for pair, vector in by_pair.items()
        }
        for language, by_pair in vectors[
            "tokens" if source == "tokens" else "codes"
        ].items()
    }


@pytest.mark.parametrize("source", ["codes", "mixed", "other", "tokens"])
def test_ranks_are_those_of_dense_vectors(
    planted_con: Connection, vectors: Planted, source: str
) -> None:
    expected = [
        {"language_a": a, "language_b": b, "pair": pair, "rank": rank}
        for a, b in DIRECTIONS
        for pair, rank in pair_reference.ranks(of_source(vectors, source), a, b).items()
    ]
    query = "from pair_ranks where source = ?"
    actual = rows_of(planted_con, query, [source])
    assert_same(actual, expected, "language_a", "language_b", "pair")
    assert len({row["rank"] for row in actual}) > 5


def test_a_planted_translation_is_found_and_ties_count_against_it(
    planted_con: Connection,
) -> None:
    rows = rows_of(planted_con, "from pair_ranks where source = 'codes'")
    hits = [row["rank"] == 1 for row in rows if row["pair"] not in (4, 5)]
    assert np.mean(hits) > 0.5
    assert all(row["rank"] > 1 for row in rows if row["pair"] in (4, 5))


def test_a_text_without_codes_is_as_unlike_as_its_mean(
    planted_con: Connection, vectors: Planted
) -> None:
    """Less the mean it is not zero; a language without codes at all would be."""
    without = {language: {0: np.zeros(3), 1: np.zeros(3)} for language in ("en", "ja")}
    assert pair_reference.ranks(without, "en", "ja") == {0: 2, 1: 2}
    assert not vectors["codes"]["ja"][8].any()


def test_overlaps_are_those_of_sets(planted_con: Connection, vectors: Planted) -> None:
    expected = []
    for a, b in DIRECTIONS:
        if a > b:
            continue
        sets_a, sets_b = (active(vectors, language) for language in (a, b))
        sets_a, sets_b = (
            {pair: sets[pair] for pair in sorted(sets_a.keys() & sets_b.keys())}
            for sets in (sets_a, sets_b)
        )
        index = pair_reference.overlap(sets_a, sets_b)
        n = len(index)
        for row, pair in enumerate(sets_a):
            own = index[row, row]
            expected.append(
                {
                    "language_a": a,
                    "language_b": b,
                    "pair": pair,
                    "overlap": own,
                    "overlap_others_b": (index[row].sum() - own) / (n - 1),
                    "overlap_others_a": (index[:, row].sum() - own) / (n - 1),
                }
            )
    actual = rows_of(planted_con, "from pair_overlaps")
    assert_same(actual, expected, "language_a", "language_b", "pair")
    assert 0 < max(row["overlap"] for row in actual) < 1


def test_the_view_of_retrieval_is_the_plain_formula(planted_con: Connection) -> None:
    rows = [
        ADDRESS | row
        for row in rows_of(planted_con, "from pair_ranks where source <> 'hidden'")
    ]
    by_key: dict[tuple[str, str, str], dict[int, int]] = defaultdict(dict)
    for row in rows:
        key = row["source"], row["language_a"], row["language_b"]
        by_key[key][row["pair"]] = row["rank"]
    expected = []
    for (source, a, b), ranks in by_key.items():
        values = pair_reference.retrieval(ranks, by_key["tokens", a, b])
        hits = sum(rank == 1 for rank in ranks.values())
        low, high = wilson(hits, len(ranks))
        direction = {"source": source, "language_a": a, "language_b": b}
        expected.append(
            ADDRESS | direction | values | {"p_at_1_low": low, "p_at_1_high": high}
        )
    con = planted({"pair_ranks": rows}, "retrieval")
    rounded = [{name: near_z(value) for name, value in row.items()} for row in expected]
    assert_same(
        rows_of(con, "from retrieval"), rounded, "source", "language_a", "language_b"
    )


def near_z(value: Any) -> Any:
    """Equal up to the digits of the quantile that sql/macros.sql writes."""
    is_number = isinstance(value, float)
    return pytest.approx(float(value), rel=1e-6, abs=1e-9) if is_number else value


def test_overall_a_pair_is_one_unit(planted_con: Connection) -> None:
    rows = [
        ADDRESS | row
        for row in rows_of(planted_con, "from pair_ranks where source <> 'hidden'")
    ]
    hits: dict[str, dict[int, list[tuple[bool, float]]]] = {}
    size = {(a, b): 20 if "de" in (a, b) else 30 for a, b in DIRECTIONS}
    for row in rows:
        chance = 1 / size[row["language_a"], row["language_b"]]
        of_pair = hits.setdefault(row["source"], {}).setdefault(row["pair"], [])
        of_pair.append((row["rank"] == 1, chance))
    shares = {
        source: {
            pair: np.mean([h for h, _ in of]) for pair, of in sorted(by_pair.items())
        }
        for source, by_pair in hits.items()
    }
    con = planted({"pair_ranks": rows}, "retrieval_overall")
    for row in rows_of(con, "from retrieval_overall"):
        share = np.array(list(shares[row["source"]].values()))
        over = share - np.array(list(shares["tokens"].values()))
        padded = np.array([*over, 1, -1])
        half = Z * padded.std() / sqrt(len(padded))
        chance = np.mean(
            [np.mean([c for _, c in of]) for of in hits[row["source"]].values()]
        )
        assert row["n_pairs"] == len(share) == N_PAIRS
        assert row["p_at_1"] == near(float(share.mean()))
        assert row["chance_p_at_1"] == near(float(chance))
        assert row["over_tokens"] == near(float(over.mean()))
        assert row["over_tokens_low"] == near_z(padded.mean() - half)
        assert row["over_tokens_high"] == near_z(padded.mean() + half)
        low, high = wilson(share.sum(), len(share))
        assert (row["p_at_1_low"], row["p_at_1_high"]) == (near(low), near(high))


def test_the_interval_of_overlap_counts_a_pair_in_all_its_pairings(
    planted_con: Connection, vectors: Planted
) -> None:
    """Leaving one pair out at a time gives the same standard error."""
    rows = [ADDRESS | row for row in rows_of(planted_con, "from pair_overlaps")]
    con = planted({"pair_overlaps": rows}, "pair_overlap")
    (row,) = rows_of(con, "from pair_overlap where language_a = 'en'")
    sets = [active(vectors, name) for name in LANGUAGES]
    index = pair_reference.overlap(sets[1], sets[2])
    n = len(index)

    def difference(kept: np.ndarray) -> float:
        part = index[np.ix_(kept, kept)]
        own = np.diag(part)
        others = (part.sum() - own.sum()) / (len(part) * (len(part) - 1))
        return float(own.mean() - others)

    everyone = np.arange(n)
    left_out = [difference(np.delete(everyone, pair)) for pair in everyone]
    error = sqrt((n - 1) * np.var(left_out))
    assert row["difference"] == near(difference(everyone))
    half = (row["difference_high"] - row["difference_low"]) / 2
    assert half == pytest.approx(Z * error, rel=0.1)


# -- the tiny store --------------------------------------------------------------------


def plain(store: Store, texts: PairTexts, cell: Cell) -> tuple[Any, Any]:
    """Mean unit states (texts, d) and stored codes by text, of transformers' output."""
    from transformers import AutoModelForCausalLM

    location = store.study.model(cell.size).checkpoint_at(cell.step)[0]
    model: Any = AutoModelForCausalLM.from_pretrained(location)
    model.eval()
    weights = {k: v.astype(np.float64) for k, v in store.weights(cell).items()}
    bos, k = store.corpus_attributes()["bos_token_id"], store.study.sae.k
    means, codes = [], []
    for ids in texts.token_id:
        text = torch.tensor([[bos, *ids[ids >= 0].tolist()]])
        with torch.no_grad():
            hidden = model(text, output_hidden_states=True).hidden_states[cell.layer]
        x = hidden[0, 1:].double().numpy()
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        pre = (x - weights["b_pre"]) @ weights["W_enc"].T
        least = np.sort(pre, axis=1)[:, -k, None]
        means.append(x.mean(0))
        codes.append(np.where((pre >= least) & (pre > 0), pre, 0))
    return np.array(means), codes


def test_codes_and_ranks_of_a_cell_are_those_of_its_model(tiny: Store) -> None:
    texts = pair_texts(tiny)
    assert texts
    assert len(texts) == 2 * 40
    means, codes = plain(tiny, texts, CELL)
    rows = pq.read_table(table_file(tiny, "pair_codes", CELL)).to_pylist()
    actual = {(r["pair"], r["language"], r["feature"]): r for r in rows}
    expected = {
        (int(pair), tiny.languages[language], int(feature)): code[:, feature]
        for pair, language, code in zip(texts.pair, texts.language, codes, strict=True)
        for feature in np.flatnonzero(code.any(0))
    }
    assert actual.keys() == expected.keys()
    for key, value in expected.items():
        assert actual[key]["mean_value"] == pytest.approx(value.mean(), rel=2e-3)
    by_language: Vectors = {
        name: {
            int(pair): mean
            for pair, language, mean in zip(
                texts.pair, texts.language, means, strict=True
            )
            if tiny.languages[language] == name
        }
        for name in tiny.languages
    }
    ranks = pq.read_table(table_file(tiny, "hidden_ranks", CELL)).to_pylist()
    for a, b in permutations(tiny.languages, 2):
        stored = {
            row["pair"]: row["rank"]
            for row in ranks
            if (row["language_a"], row["language_b"]) == (a, b)
        }
        assert stored == pair_reference.ranks(by_language, a, b)


def test_ranks_by_states_of_three_languages(vectors: Planted) -> None:
    """Texts in any order, one language without every pair, and ties."""
    rows = [
        (LANGUAGES.index(language), pair, vector)
        for language, by_pair in vectors["codes"].items()
        for pair, vector in by_pair.items()
    ]
    order = np.random.default_rng(0).permutation(len(rows))
    language, pair, means = (np.array(column) for column in zip(*rows, strict=True))
    nothing = np.zeros((len(rows), 1), int)
    texts = PairTexts(nothing, language[order], nothing[:, 0], pair[order])
    actual = hidden_ranks(texts, LANGUAGES, means[order]).to_pylist()
    expected = [
        {"language_a": a, "language_b": b, "pair": number, "rank": rank}
        for a, b in DIRECTIONS
        for number, rank in pair_reference.ranks(vectors["codes"], a, b).items()
    ]
    assert_same(actual, expected, "language_a", "language_b", "pair")


def test_the_views_of_a_store_have_every_cell(tiny: Store) -> None:
    with closing(connect(tiny)) as con:
        for view, rows in (("retrieval", 10), ("retrieval_overall", 5)):
            counts = con.execute(f"select count(*) from {view}").fetchall()
            assert counts == [(rows * len(tiny.cells),)]
        counts = con.execute("select count(*) from pair_overlap").fetchall()
        assert counts == [(len(tiny.cells),)]
        tokens = "select distinct p_at_1, mrr from retrieval where source = 'tokens' "
        assert len(con.execute(tokens + "and language_a = 'en'").fetchall()) == 1


def test_tables_of_pairs_need_what_their_sql_reads() -> None:
    """Otherwise one would not be made again when that changes."""
    views = read_views("pairs")
    tables = {*table_names("cell"), *table_names("study")} - {"settings", *TABLES}
    for name in TABLES:
        reads = {read for view in closure(views, name) for read in view.reads}
        assert {*registry()[name].needs} == reads & tables, name
