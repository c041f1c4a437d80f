"""`bisae lineage`: matches of features against plain sets, and how a run goes."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from scipy.optimize import linear_sum_assignment

from bisae.cli import main
from bisae.files import AnyPath
from bisae.grid import Cell, parse_selection
from bisae.pipeline.build import build
from bisae.query import Connection, connect
from bisae.sae import start
from bisae.store import Store, open_store, provenance_of, table_file
from bisae.store.verify import verify
from bisae.tables.lineage import export_lineage
from support import lineage_reference as reference
from support.lineage_reference import Firings, Row
from support.reference import Corpus
from support.rows import assert_same, rows_of, stored
from support.store_copy import copy_store

FOLLOWED = parse_selection("layer=1")
SEED = 1
PAIRS = [
    (Cell("M", 0, 1), Cell("M", 40, 1)),
    (Cell("S", 0, 1), Cell("S", 5, 1)),
    (Cell("S", 40, 1), Cell("M", 40, 1)),
]


@pytest.fixture(scope="module")
def replicate(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two steps of the study's smaller size, by autoencoders with another seed."""
    where = tmp_path_factory.mktemp("seed-1") / "store"
    sae = tiny.study.sae.model_copy(update={"seed": SEED})
    study = tiny.study.model_copy(update={"store": str(where), "sae": sae})
    only = parse_selection("size=S,layer=1,step=5,step=40")
    return build(study, only, ("train", "encode", "export"))


@pytest.fixture(scope="module")
def store(
    tiny: Store, replicate: Store, tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """A copy of the tiny store whose features are followed in one layer."""
    where = tmp_path_factory.mktemp("followed") / "store"
    copy_store(tiny, where)
    opened = open_store(where)
    assert export_lineage(opened, FOLLOWED) == 7
    # One more pair of steps of S, and both of its cells with both of the replicate.
    assert export_lineage(opened, parse_selection(STEPS), replicate) == 5
    return opened


STEPS = "size=S,layer=1,step=5,step=40"


@pytest.fixture(scope="module")
def con(store: Store) -> Iterator[Connection]:
    with closing(connect(store)) as connection:
        yield connection


@pytest.fixture(scope="module")
def learned(store: Store) -> Iterator[Connection]:
    """The same as if all features were learned, which those of a tiny study are not."""
    with closing(connect(store)) as connection:
        select = AS_LEARNED.format("matched_features")
        connection.execute(f"create table learned as {select}")
        connection.execute("create or replace view matched_features as from learned")
        yield connection


AS_LEARNED = """
    select * replace (
        case
            when fate <> 'unlearned' then fate
            when is_divided(n_parts, parts_share, held) then 'divided'
            when is_part then 'part'
            when is_mutual and jaccard >= threshold then 'match'
            when held >= 0.5 then 'held'
            when holds >= 0.5 then 'holds'
            when jaccard >= threshold / 2 then 'unclear'
            else 'unmatched'
        end as fate
    )
    from {}
"""


def where(cell: Cell, cell_to: Cell, seed: int = 0) -> str:
    return (
        f"(size, step, layer) = {(*cell,)} and seed_to = {seed} "
        f"and (size_to, step_to, layer_to) = {(*cell_to,)}"
    )


def firings(store: Store, cell: Cell) -> Firings:
    """The token rows on which each supported feature fires."""
    query = (
        "select feature, token_row from firings semi join "
        "(from features where supported) using (size, step, layer, feature) "
        f"where (size, step, layer) = {(*cell,)}"
    )
    fired = defaultdict(set)
    with closing(connect(store, query=query)) as con:
        for feature, row in con.execute(query).fetchall():
            fired[feature].add(row)
    return {feature: frozenset(rows) for feature, rows in fired.items()}


# -- the tables -----------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "cell_to"), PAIRS, ids=str)
def test_matches_agree(
    store: Store, con: Connection, cell: Cell, cell_to: Cell
) -> None:
    expected = reference.matches(firings(store, cell), firings(store, cell_to))
    directions = store.weights(cell)["W_dec"], store.weights(cell_to)["W_dec"]
    for row in expected:
        row["cosine"] = None
        if cell.size == cell_to.size:
            a, b = directions[0][row["feature"]], directions[1][row["feature_to"]]
            row["cosine"] = pytest.approx(float(a @ b), abs=1e-6)
    actual = rows_of(con, f"from feature_matches where {where(cell, cell_to)}")
    assert {row["mutual"] for row in expected} == {True, False}
    assert_same(actual, expected, "feature", "feature_to")


@pytest.mark.parametrize("is_permuted", [False, True])
@pytest.mark.parametrize(("cell", "cell_to"), PAIRS, ids=str)
def test_features_agree(
    store: Store,
    con: Connection,
    corpus: Corpus,
    cell: Cell,
    cell_to: Cell,
    *,
    is_permuted: bool,
) -> None:
    fired, fired_to = firings(store, cell), firings(store, cell_to)
    if is_permuted:
        seed = store.study.features.null_seed
        fired_to = reference.permuted(fired_to, corpus, seed)
    expected = reference.overlaps(fired, fired_to, len(corpus.tokens))
    condition = f"{where(cell, cell_to)} and is_permuted = {is_permuted}"
    actual = rows_of(con, f"from matched_features where {condition}")
    assert_same(actual, expected, "is_to", "feature")


def test_the_null_keeps_languages_and_loses_content(con: Connection) -> None:
    rows = rows_of(
        con,
        "select is_permuted, avg(jaccard) as jaccard, sum(n_firings) as n_firings "
        "from matched_features where size = 'M' group by all order by all",
    )
    assert rows[0]["n_firings"] == rows[1]["n_firings"]
    assert rows[0]["jaccard"] > 3 * rows[1]["jaccard"]


def test_token_overlaps_agree(store: Store, con: Connection, corpus: Corpus) -> None:
    cell, cell_to = PAIRS[0]
    occurrences: Counter[int] = Counter()
    for token in corpus.tokens.values():
        occurrences[token.token_id] += 1
    expected = []
    for feature, rows in firings(store, cell).items():
        fired = Counter(corpus.tokens[row].token_id for row in rows)
        overlaps = [
            n / (len(rows) + occurrences[token] - n) for token, n in fired.items()
        ]
        expected.append({"feature": feature, "token_jaccard": max(overlaps)})
    condition = f"{where(cell, cell_to)} and not is_to and not is_permuted"
    actual = rows_of(con, f"from matched_features where {condition}")
    assert_same(actual, expected, "feature")


def test_cosines_with_the_start_agree(store: Store, con: Connection) -> None:
    cell, cell_to = PAIRS[2]
    for is_to, side in enumerate((cell, cell_to)):
        directions = store.weights(side)["W_dec"]
        x = torch.zeros(1, directions.shape[1])
        cosines = (directions * start(x, store.study.sae).W_dec.numpy()).sum(1)
        condition = (
            f"{where(cell, cell_to)} and is_to = {bool(is_to)} and not is_permuted"
        )
        for row in rows_of(con, f"from matched_features where {condition}"):
            expected = pytest.approx(float(cosines[row["feature"]]), abs=1e-6)
            assert row["start_cosine"] == expected
        query = f"from cells where (size, step, layer) = {(*side,)}"
        (row,) = rows_of(con, query)
        assert row["start_cosine"] == pytest.approx(float(np.median(cosines)), abs=1e-6)


# -- which pairs ----------------------------------------------------------------------


def test_each_cell_is_paired_with_its_neighbours(tiny: Store) -> None:
    pairs = stored(tiny, "from cell_pairs")
    kinds = ("is_next_step", "is_last_step", "is_next_layer", "is_next_size")
    actual = {
        (Cell(*[*row.values()][:3]), Cell(*[*row.values()][3:6])): {
            kind for kind in kinds if row[kind]
        }
        for row in pairs
    }
    expected: dict[tuple[Cell, Cell], set[str]] = defaultdict(set)
    for size, layers in (("S", (1, 2)), ("M", (0, 1, 3))):
        for layer in layers:
            for step, step_to in pairwise((0, 5, 40)):
                pair = Cell(size, step, layer), Cell(size, step_to, layer)
                expected[pair].add("is_next_step")
            for step in (0, 5):
                pair = Cell(size, step, layer), Cell(size, 40, layer)
                expected[pair].add("is_last_step")
        for step in (0, 5, 40):
            for layer, layer_to in pairwise(layers):
                pair = Cell(size, step, layer), Cell(size, step, layer_to)
                expected[pair].add("is_next_layer")
    for layer, layer_to in ((1, 1), (2, 3)):  # of 2 blocks, of 3
        expected[Cell("S", 40, layer), Cell("M", 40, layer_to)].add("is_next_size")
    assert actual == expected


def test_a_replicate_adds_the_pairs_of_both_seeds(con: Connection) -> None:
    query = "select distinct step, seed_to, step_to from feature_matches where size = "
    rows = rows_of(con, f"{query} 'S' and size_to = 'S' order by all")
    pairs = [tuple(row.values()) for row in rows]
    same_seed = [(0, 0, 5), (0, 0, 40), (5, 0, 40)]
    crossed = [(a, SEED, b) for a in (5, 40) for b in (5, 40)]
    assert pairs == sorted(same_seed + crossed)


def test_matches_with_a_replicate_agree(
    store: Store, replicate: Store, con: Connection
) -> None:
    cell, cell_to = Cell("S", 40, 1), Cell("S", 5, 1)
    expected = reference.matches(firings(store, cell), firings(replicate, cell_to))
    actual = rows_of(con, f"from feature_matches where {where(cell, cell_to, SEED)}")
    assert_same(actual, expected, "feature", "feature_to")


# -- the views ------------------------------------------------------------------------


def features_of(con: Connection, cell: Cell, cell_to: Cell, seed: int = 0) -> list[Row]:
    """The learned features of a pair of cells."""
    condition = f"{where(cell, cell_to, seed)} and fate <> 'unlearned'"
    return rows_of(con, f"from matched_features where {condition}")


def event(row: Row, is_earlier: bool) -> str:  # noqa: FBT001
    names = {
        "divided": ("split", "merge"),
        "part": ("merge", "split"),
        "held": ("widened", "narrowed"),
        "holds": ("narrowed", "widened"),
    }
    return names.get(row["fate"], (row["fate"],) * 2)[not is_earlier]


def confirmed(con: Connection, cell: Cell, cell_to: Cell) -> set[int]:
    """The features of a cell that another seed has too, there and not in `cell_to`."""
    fates = [
        {
            row["feature"]: row["fate"]
            for row in features_of(con, cell, replicate_cell, SEED)
            if not row["is_to"] and not row["is_permuted"]
        }
        for replicate_cell in (cell, cell_to)
    ]
    return {
        feature
        for feature, fate in fates[0].items()
        if (fate, fates[1].get(feature)) == ("match", "unmatched")
    }


def test_event_rates_are_counts(learned: Connection) -> None:
    """Of the pair with a replicate; deaths and births are confirmed."""
    cells = Cell("S", 5, 1), Cell("S", 40, 1)
    expected: list[Row] = []
    for is_to in (False, True):
        cell, cell_to = cells[::-1] if is_to else cells
        rows = [row for row in features_of(learned, *cells) if row["is_to"] == is_to]
        seeds = [
            row
            for row in features_of(learned, cell, cell, SEED)
            if not row["is_to"] and not row["is_permuted"]
        ]
        sure = confirmed(learned, cell, cell_to)
        actual, null = [], []
        for row in rows:
            if not row["is_permuted"]:
                is_sure = row["feature"] in sure and row["fate"] == "unmatched"
                name = (
                    ("birth" if is_to else "death")
                    if is_sure
                    else event(row, not is_to)
                )
                actual.append(name)
            elif row["feature"] % 2:
                null.append(event(row, not is_to))
        by_seeds = [event(row, is_earlier=True) for row in seeds]
        expected += [
            {
                "is_to": is_to,
                "event": name,
                "n_features": len(actual),
                "n": actual.count(name),
                "share": actual.count(name) / len(actual),
                "share_null": null.count(name) / len(null),
                "share_seeds": by_seeds.count(name) / len(by_seeds),
            }
            for name in {*actual}
        ]
    assert {row["event"] for row in expected} >= {"match", "unmatched"}
    names = ", ".join(repr(row["event"]) for row in expected)
    rates = rows_of(
        learned,
        f"from event_rates where {where(*cells).replace('and seed_to = 0 ', '')} "
        f"and population = 'supported' and event in ({names}) and n > 0",
    )
    assert_same(rates, expected, "is_to", "event")


def test_origins_are_counts(learned: Connection) -> None:
    cells = Cell("S", 5, 1), Cell("S", 40, 1)
    rows = [row for row in features_of(learned, *cells) if row["is_to"]]
    seeds = [
        row
        for row in features_of(learned, cells[1], cells[1], SEED)
        if not row["is_to"] and not row["is_permuted"]
    ]
    actual = [row for row in rows if not row["is_permuted"]]
    expected = []
    for last_class in ("mixed", "monolingual"):
        by_kind = [
            [origin(row) for row in kind if class_of(row) == last_class]
            for kind in (actual, seeds)
        ]
        n, n_seeds = map(len, by_kind)
        if not n:
            continue
        expected += [
            {
                "last_class": last_class,
                "origin": name,
                "n_features": n,
                "n": by_kind[0].count(name),
                "share": by_kind[0].count(name) / n,
                "share_seeds": by_kind[1].count(name) / n_seeds if n_seeds else None,
            }
            for name in ORIGINS
        ]
    answer = rows_of(
        learned, "from origins where size = 'S' and layer = 1 and step = 5"
    )
    assert_same(answer, expected, "last_class", "origin")


ORIGINS = ("monolingual", "mixed", "polysemantic", "partial", "unclear", "unmatched")


def class_of(row: Row) -> str:
    return "monolingual" if row["state"] == "monolingual" else "mixed"


def origin(row: Row) -> str:
    if row["fate"] == "match":
        return str(row["best_state"])
    return row["fate"] if row["fate"] in ORIGINS else "partial"


def test_other_views_add_up(learned: Connection) -> None:
    """Turnover, class changes, emergence and matches between seeds."""
    cells = Cell("S", 5, 1), Cell("S", 40, 1)
    rows = [row for row in features_of(learned, *cells) if not row["is_permuted"]]
    sides = [[row for row in rows if row["is_to"] == is_to] for is_to in (False, True)]
    shares = [
        [sum(row["fate"] == fate for row in side) / len(side) for side in sides]
        for fate in ("match", "unmatched")
    ]
    condition = "size = 'S' and layer = 1 and step = 5"
    (turnover,) = rows_of(learned, f"from turnover where {condition}")
    assert turnover["matched"] == pytest.approx(sum(shares[0]) / 2)
    assert turnover["unmatched"] == pytest.approx(sum(shares[1]) / 2)
    assert turnover["per_log"] == pytest.approx(turnover["unmatched"] / np.log(40 / 5))
    matched = [row for row in sides[0] if row["fate"] == "match"]
    sure = [
        row for row in matched if row["language_sure"] and row["best_language_sure"]
    ]
    changed = [row for row in sure if row["language_sure"] != row["best_language_sure"]]
    (changes,) = rows_of(
        learned, f"from class_changes where {condition} and step_to = 40"
    )
    counts = (changes["n_matched"], changes["n_sure"], changes["n_changed"])
    assert counts == (len(matched), len(sure), len(changed))
    seeds = features_of(learned, cells[1], cells[1], SEED)
    actual = [row for row in seeds if not row["is_to"] and not row["is_permuted"]]
    query = "from seed_matches where size = 'S' and step = 40"
    (between,) = rows_of(learned, query)
    assert between["matched"] == sum(r["fate"] == "match" for r in actual) / len(actual)
    ceiling = {row["feature"]: row["jaccard"] for row in actual}
    emerged = rows_of(learned, "from emergence where size = 'S' and layer = 1")
    steps: dict[int, list[int]] = defaultdict(list)
    for step in (0, 5):
        for row in features_of(learned, Cell("S", step, 1), cells[1]):
            least = max(ceiling.get(row["feature"], 1), row["threshold"]) / 2
            if row["is_to"] and not row["is_permuted"] and row["jaccard"] >= least:
                steps[row["feature"]].append(step)
    assert {row["feature"]: row["step"] for row in emerged} == {
        row["feature"]: min(steps[row["feature"]], default=None) for row in sides[1]
    }


def test_specificity_agrees(con: Connection, corpus: Corpus) -> None:
    condition = "size = 'S' and step = 40 and layer = 1"
    n = Counter(token.language for token in corpus.tokens.values())
    fired: dict[int, dict[str, int]] = defaultdict(dict)
    for row in rows_of(con, f"from feature_languages where {condition}"):
        fired[row["feature"]][row["language"]] = row["n_firings"]
    expected = []
    for feature, counts in fired.items():
        rates = sorted((counts[language] / n[language] for language in n), reverse=True)
        shares = np.array([rate for rate in rates if rate]) / sum(rates)
        expected.append(
            {
                "feature": feature,
                "density": sum(counts.values()) / n.total(),
                "is_dense": sum(counts.values()) > 0.1 * n.total(),
                "lape": float(-(shares * np.log(shares)).sum()),
                "monolinguality": (rates[0] - rates[1]) / sum(rates),
            }
        )
    actual = rows_of(con, f"from feature_specificity where {condition}")
    assert_same(actual, expected, "feature")


def test_compare_shows_the_features_that_another_seed_has(
    store: Store, replicate: Store
) -> None:
    stores = [str(opened.path) for opened in (store, replicate)]
    result = CliRunner().invoke(main, ["compare", *stores, "--features"])
    assert result.exit_code == 0, result.output
    expected = ["size", "step", "layer", "seed_to", "n_unlearned", "n_features"]
    assert result.stdout.split()[:6] == expected
    words = ["compare", *stores, "--features", "--format", "json"]
    rows = json.loads(CliRunner().invoke(main, words).stdout)
    assert [row["step"] for row in rows] == [5, 40]
    for row in rows:
        cell = Cell(row["size"], row["step"], row["layer"])
        pair = [opened.weights(cell)["W_dec"] for opened in (store, replicate)]
        cosines = np.abs(pair[0] @ pair[1].T)
        best = linear_sum_assignment(cosines, maximize=True)
        assert row["pw_mcc"] == pytest.approx(cosines[best].mean(), abs=1e-4)
        assert 0 < row["pw_mcc_null"] < row["pw_mcc"] + 0.05
    result = CliRunner().invoke(main, ["compare", *stores[::-1], "--features"])
    assert result.exit_code == 2
    assert f"`bisae lineage {stores[1]} --replicate {stores[0]}`" in result.stderr
    arguments = ["compare", *stores, "--features", "--findings"]
    assert (
        "give one of --findings and --features"
        in CliRunner().invoke(main, arguments).stderr
    )


# -- how a run goes -------------------------------------------------------------------


def test_what_is_current_is_kept(store: Store) -> None:
    cells = FOLLOWED.of(store.cells)
    files = [table_file(store, "feature_matches", cell) for cell in cells]
    before = [file.stat().st_mtime_ns for file in files if file.exists()]
    assert len(before) == 5  # of six cells; no pair begins at the last
    export_lineage(store, FOLLOWED)
    assert [file.stat().st_mtime_ns for file in files if file.exists()] == before
    assert not verify(store, FOLLOWED).findings


def test_a_pair_whose_cell_has_changed_is_matched_again(
    store: Store, tmp_path: Path
) -> None:
    copy_store(store, tmp_path / "store")
    second = open_store(tmp_path / "store")
    file = table_file(second, "feature_matches", Cell("S", 0, 1))
    before = provenance_of(file)["pairs"]
    features = table_file(second, "features", Cell("S", 40, 1))
    with closing(connect(second, query="from features")) as con:
        rewrite(con, features)
    export_lineage(second, parse_selection("size=S,layer=1"))
    after = provenance_of(file)["pairs"]
    changed = {pair for pair in before if after[pair] != before[pair]}
    assert changed == {"0/S/40/1"}
    with closing(connect(second, query="from feature_matches")) as con:
        query = "from feature_matches where size = 'S' and step = 0"
        rows = rows_of(con, query)
    with closing(connect(store, query="from feature_matches")) as con:
        assert rows == rows_of(con, query)


def rewrite(con: Connection, file: AnyPath) -> None:
    """Write the features of a cell again, with another provenance."""
    rows = f"from read_parquet('{file}', hive_partitioning = false)"
    con.execute(f"create table rewritten as {rows}")
    con.execute(f"copy rewritten to '{file}' (format parquet)")


def test_a_checkpoint_in_use_is_skipped(
    tiny: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy_store(tiny, tmp_path / "store")
    store, second = (open_store(tmp_path / "store") for _ in range(2))
    with second.lease(Cell("S", 0, 1).checkpoint):
        n = export_lineage(store, parse_selection("size=S,layer=1,step=0,step=5"))
    assert n == 0
    assert "skipping it" in capsys.readouterr().err
    assert not table_file(store, "feature_matches", Cell("S", 0, 1)).exists()


def test_the_command_says_how_many_pairs(store: Store) -> None:
    arguments = ["lineage", str(store.path), "--only", STEPS]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr.splitlines()[-1] == "1 pair of cells is in `feature_matches`"


def test_one_cell_has_no_pair(store: Store) -> None:
    arguments = ["lineage", str(store.path), "--only", "size=S,layer=1,step=5"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "select two or more steps, layers or sizes" in result.stderr


def test_a_store_that_is_no_replicate_is_refused(store: Store, tiny: Store) -> None:
    arguments = ["lineage", str(store.path), "--replicate", str(tiny.path)]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "both have [sae] seed = 0" in result.stderr
