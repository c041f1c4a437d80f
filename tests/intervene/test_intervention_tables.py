"""Perplexities, differences and intervals against plain Python; tables 1 and 4."""

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from numpy import quantile

from bisae.grid import Cell
from bisae.pipeline.intervene import intervene
from bisae.query import Connection, connect
from bisae.report import report
from bisae.store import Store
from bisae.study import Intervention, Study
from support.rows import Row, assert_same, by_key, near, rows_of
from support.store_copy import copy_store

ASKED: dict[str, Any] = {
    "size": "M",
    "classes": ("en", "ja"),
    "layer": 1,
    "mid_step": 5,
    "alpha": (0.1, 0.5),
    "m": (3, 6),
    "draws": 2,
    "documents": 12,
}
SETTING = ("control", "added", "alpha", "m", "scale_back")
REPLICATES = 200


@pytest.fixture(scope="module")
def measured(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A copy of the tiny store, with the intervention's tables."""
    folder = tmp_path_factory.mktemp("tables")
    copy_store(tiny, folder / "store")
    update = {
        "store": str(folder / "store"),
        "work_dir": str(folder / "work"),
        "intervention": Intervention.model_validate(ASKED),
    }
    return intervene(tiny.study.model_copy(update=update))[0]


@pytest.fixture(scope="module")
def con(measured: Store) -> Connection:
    return connect(measured)


@pytest.fixture(scope="module")
def losses(con: Connection) -> list[Row]:
    return rows_of(con, "from intervention_losses")


def perplexity(rows: Sequence[Row], weight: Sequence[int] | None = None) -> float:
    """exp(summed nll / tokens); each document as often as its weight says."""
    drawn = [weight[row["document"]] if weight else 1 for row in rows]
    nll = math.fsum(n * row["nll"] for n, row in zip(drawn, rows, strict=True))
    tokens = sum(n * row["n_tokens"] for n, row in zip(drawn, rows, strict=True))
    return math.exp(nll / tokens)


def in_language(rows: Sequence[Row], language: str) -> list[Row]:
    return [row for row in rows if language in ("all", row["language"])]


def by_draw(losses: Sequence[Row]) -> dict[tuple[Any, ...], list[Row]]:
    """The documents of each setting and draw."""
    actual: dict[tuple[Any, ...], list[Row]] = {}
    for row in losses:
        key = tuple(row[name] for name in (*SETTING, "draw"))
        actual.setdefault(key, []).append(row)
    return actual


# -- interventions --------------------------------------------------------------------


def test_perplexities_are_of_summed_losses(con: Connection, losses: list[Row]) -> None:
    settings = by_draw(losses)
    baseline = next(rows for key, rows in settings.items() if key[1] == "baseline")
    expected = [
        {
            **dict(zip((*SETTING, "draw"), key, strict=True)),
            **dict.fromkeys(["b_pre"], True),
            "full_step": 40,
            "language": language,
            "n_tokens": sum(row["n_tokens"] for row in local),
            "nll": math.fsum(row["nll"] for row in local),
            "perplexity": perplexity(local),
            "baseline": perplexity(in_language(baseline, language)),
        }
        for key, rows in settings.items()
        for language in ("en", "ja", "all")
        for local in [in_language(rows, language)]
        if key[1] != "baseline"
    ]
    actual = rows_of(con, "from interventions")
    assert_same(actual, expected, *SETTING, "draw", "language")


@pytest.mark.parametrize("name", ["added_norm", "residual_norm", "active_per_token"])
def test_norms_are_means_over_tokens(
    con: Connection, losses: list[Row], name: str
) -> None:
    actual = by_key(rows_of(con, "from interventions"), (*SETTING, "draw", "language"))
    for key, rows in by_draw(losses).items():
        if key[1] == "baseline":
            continue
        tokens = sum(row["n_tokens"] for row in rows)
        whole = math.fsum(row["n_tokens"] * row[name] for row in rows) / tokens
        assert actual[*key, "all"][name] == pytest.approx(whole, abs=1e-5)


def test_the_mean_of_means_is_another_number(con: Connection) -> None:
    actual = by_key(rows_of(con, "from interventions"), (*SETTING, "draw", "language"))
    for key, row in actual.items():
        if key[-1] == "all":
            means = mean(actual[*key[:-1], name]["perplexity"] for name in ("en", "ja"))
            assert abs(means - row["perplexity"]) > 1e-6


# -- effects --------------------------------------------------------------------------


def test_differences_are_means_over_draws(con: Connection) -> None:
    drawn: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows_of(con, "from interventions order by draw"):
        key = tuple(row[name] for name in (*SETTING, "language"))
        drawn.setdefault(key, []).append(row)
    actual = by_key(rows_of(con, "from intervention_effects"), (*SETTING, "language"))
    assert actual.keys() == drawn.keys()
    for key, rows in drawn.items():
        values = [row["perplexity"] for row in rows]
        (none,) = drawn["m", "none", key[2], 0, key[4], key[5]]
        row = actual[key]
        assert row["n_draws"] == len(rows)
        assert row["perplexity"] == near(mean(values))
        assert row["difference"] == near(mean(values) - rows[0]["baseline"])
        assert row["difference_none"] == near(mean(values) - none["perplexity"])
        spread = stdev(values) if len(values) > 1 else None
        assert row["spread"] == (spread and pytest.approx(spread, rel=1e-6))


def poisson(seed: int, replicate: int, document: int) -> int:
    """How often a document is drawn: sql/bootstrap/drawn_documents.sql, in Python."""
    text = f"{seed}:{replicate // 4}:{document}"
    digits = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    lane = replicate % 4
    u = int(digits[8 * lane : 8 * lane + 8], 16) / 2**32
    drawn, term, whole = 0, math.exp(-1), math.exp(-1)
    while u >= whole:
        drawn += 1
        term /= drawn
        whole += term
    return drawn


def test_intervals_are_a_paired_bootstrap(con: Connection, losses: list[Row]) -> None:
    settings, documents = by_draw(losses), {row["document"] for row in losses}
    weights = [
        [poisson(0, replicate, document) for document in range(max(documents) + 1)]
        for replicate in range(REPLICATES)
    ]
    actual = by_key(rows_of(con, "from intervention_intervals"), (*SETTING, "language"))
    baseline = next(rows for key, rows in settings.items() if key[1] == "baseline")
    for name, language in (("en", "all"), ("random_directions", "ja")):
        key = ("m", name, 0.5, 6, True)
        none = settings["m", "none", 0.5, 0, True, 0]
        draws = [settings[*key, draw] for draw in (0, 1)]
        for column, second in (("difference", baseline), ("difference_none", none)):
            changes = sorted(
                mean(
                    perplexity(in_language(rows, language), weight)
                    - perplexity(in_language(second, language), weight)
                    for rows in draws
                )
                for weight in weights
            )
            row = actual[*key, language]
            low, high = row[f"{column}_low"], row[f"{column}_high"]
            assert low == near(float(quantile(changes, 0.025)))
            assert high == near(float(quantile(changes, 0.975)))


def test_nothing_added_is_no_different_in_any_replicate(con: Connection) -> None:
    query = "from intervention_intervals where added = 'none'"
    for row in rows_of(con, query):
        assert (row["difference_none_low"], row["difference_none_high"]) == (0, 0)
        assert row["difference_low"] < row["difference_high"]


def test_same_losses_same_rows(con: Connection, measured: Store) -> None:
    answers = []
    for threads in (1, 2):
        again = connect(measured)
        again.execute(f"set threads = {threads}")
        query = "from intervention_effects order by all"
        answers.append(again.execute(query).fetchall())
    assert answers[0] == answers[1]


# -- the tables of the paper -----------------------------------------------------


def test_table_4_is_the_equation_as_written(con: Connection) -> None:
    key = ("control", "alpha", "m", "added", "language")
    expected = rows_of(con, "from intervention_effects where not scale_back")
    actual = rows_of(con, "from table_4")
    assert {name for row in actual for name in row} < {*expected[0]}
    assert_same(expected, actual, *key)


def test_table_1_is_the_setting_nearest_to_the_papers(con: Connection) -> None:
    actual = by_key(rows_of(con, "from table_1"), ["added", "measure"])
    effects = by_key(
        rows_of(con, "from table_4 where control = 'm' and alpha = 0.1"),
        ["m", "added", "language"],
    )
    for language in ("en", "ja", "all"):
        measure = f"perplexity {language}"
        for name in ("en", "ja", "none"):
            m = 0 if name == "none" else 6
            row, effect = actual[name, measure], effects[m, name, language]
            assert (row["alpha"], row["m"]) == (0.1, m)
            assert row["value"] == effect["perplexity"]
            assert actual["baseline", measure]["value"] == effect["baseline"]
    assert len(actual) == 4 * 3
    assert rows_of(con, "from translation_scores") == []  # none were asked for


def test_the_report_lays_languages_across(measured: Store) -> None:
    folder = report(measured, []).parent / "tables"
    item, four = (
        (folder / f"table_{number}.csv").read_text().splitlines() for number in (1, 4)
    )
    start = "size,step,layer,full_step,"
    result = "alpha,m,added,perplexity all,perplexity en,perplexity ja"
    assert item[0] == start + result
    assert len(item) == 1 + 4
    columns = [
        f"{language}_{name}"
        for language in ("all", "en", "ja")
        for name in ("difference", "difference_low", "difference_high")
    ]
    assert four[0] == start + ",".join(["control,alpha,m,added", *columns])
    assert len(four) == 1 + 2 * (4 * 3 * 2 + 2)


def test_without_interventions_their_tables_are_left_out(tiny: Store) -> None:
    names = "select view_name from duckdb_views()"
    there = {row["view_name"] for row in rows_of(connect(tiny), names)}
    assert "table_2" in there
    assert not {"table_1", "table_4", "intervention_effects"} & there


def test_the_command_translates_too(copied_study: Study, tmp_path: Path) -> None:
    """Each class, `b_pre` alone, and nothing; not twice. Table 1 has the scores."""
    study = copied_study.model_copy(update={"work_dir": str(tmp_path / "work")})
    request = study.intervention
    assert request
    few = request.model_copy(update={"documents": 2, "draws": 1})
    study = study.model_copy(update={"intervention": few})
    store, cell = intervene(study)
    actual = rows_of(connect(store), "from translation_scores")
    assert {row["added"] for row in actual} == {"baseline", "none", "en", "ja"}
    assert {Cell(*(row[name] for name in Cell._fields)) for row in actual} == {cell}
    scores = {
        (row["added"], f"{row['metric']} {row['source_language']}-{target}"): row
        for row in actual
        for target in [row["target_language"]]
    }
    result = by_key(rows_of(connect(store), "from table_1"), ["added", "measure"])
    for key, row in scores.items():
        assert result[key]["value"] == row["score"]
        assert (result[key]["alpha"], result[key]["m"]) == (row["alpha"], row["m"])
    intervene(study.model_copy(update={"work_dir": str(tmp_path / "other")}))
    assert not (tmp_path / "other" / "translations").exists()
    untranslated = few.model_copy(update={"translation": None})
    intervene(study.model_copy(update={"intervention": untranslated}))
    assert len(rows_of(connect(store), "from translation_scores")) == len(actual)
