"""Perplexities, differences and intervals against plain Python; tables 1 and 4."""

import math
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest
from scipy.stats import norm

from bisae.grid import Cell
from bisae.pipeline.intervene import intervene
from bisae.query import Connection, connect
from bisae.report import report
from bisae.store import Store
from bisae.study import Intervention, Study
from support.rows import Row, assert_same, by_key, near, rows_of, stored
from support.steering_reference import difference
from support.store_copy import copy_store

ASKED: dict[str, Any] = {
    "size": "M",
    "classes": ("en", "ja", "mixed"),
    "layer": 1,
    "mid_step": 0,
    "full_step": 5,
    "alpha": (0.1, 0.5),
    "m": (3, 6),
    "draws": 2,
    "documents": 12,
}
SETTING = ("control", "added", "alpha", "m", "scale_back")
CONTRAST = ("control", "reference", "alpha", "m", "scale_back", "language", "measure")


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


def perplexity(rows: Sequence[Row]) -> float:
    """exp(summed nll / tokens)."""
    nll = math.fsum(row["nll"] for row in rows)
    return math.exp(nll / sum(row["n_tokens"] for row in rows))


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
            "full_step": 5,
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


def drawn(
    losses: Sequence[Row], key: tuple[Any, ...], language: str
) -> list[list[Row]]:
    """The documents of a setting, draw by draw."""
    settings = by_draw(in_language(losses, language))
    return [settings[full] for full in sorted(settings) if full[:-1] == key]


def test_intervals_are_over_documents_and_draws(
    con: Connection, losses: list[Row]
) -> None:
    actual = by_key(rows_of(con, "from intervention_intervals"), (*SETTING, "language"))
    for name, language in (("en", "all"), ("random_directions", "ja"), ("none", "en")):
        key = ("m", name, 0.5, 0 if name == "none" else 6, True)
        references = {
            "difference": ("m", "baseline", 0.0, 0, False),
            "difference_none": ("m", "none", 0.5, 0, True),
        }
        for column, reference in references.items():
            expected = difference(
                drawn(losses, key, language),
                drawn(losses, reference, language),
                "perplexity",
                whole=(name == "none", True),
            )
            row = actual[*key, language]
            assert expected.half is not None
            low, high = (
                expected.estimate - expected.half,
                expected.estimate + expected.half,
            )
            assert row[f"{column}_low"] == pytest.approx(low, rel=1e-6, abs=1e-12)
            assert row[f"{column}_high"] == pytest.approx(high, rel=1e-6, abs=1e-12)


def test_nothing_added_is_no_different_in_any_replicate(con: Connection) -> None:
    query = "from intervention_intervals where added = 'none'"
    for row in rows_of(con, query):
        assert (row["difference_none_low"], row["difference_none_high"]) == (0, 0)
        assert row["difference_low"] < row["difference_high"]


def test_same_losses_same_rows(con: Connection, measured: Store) -> None:
    answers = []
    for threads in (1, 2):
        query = "from intervention_effects order by all"
        again = connect(measured, query=query)
        again.execute(f"set threads = {threads}")
        answers.append(again.execute(query).fetchall())
    assert answers[0] == answers[1]


# -- contrasts ------------------------------------------------------------------------


def test_contrasts_are_of_mixed_features_with_all_others(
    con: Connection, losses: list[Row]
) -> None:
    actual = by_key(rows_of(con, "from intervention_contrasts"), CONTRAST)
    references, controls = {"en", "ja", "random_features"}, {"m", "norm", "firings"}
    assert {key[:2] for key in actual} == set(product(controls, references))
    assert len(actual) == 9 * 2 * 2 * 2 * 3 * 2
    for key, row in actual.items():
        control, reference, *strength, language, measure = key
        expected = difference(
            drawn(losses, (control, "mixed", *strength), language),
            drawn(losses, (control, reference, *strength), language),
            measure,
            whole=(False, False),
        )
        assert expected.half
        assert expected.over_draws is not None
        values = {
            "estimate": expected.estimate,
            "low": expected.estimate - expected.half,
            "high": expected.estimate + expected.half,
            "standard_deviation": math.sqrt(expected.variance or 0),
            "sd_documents": math.sqrt(expected.over_documents),
            "sd_draws": math.sqrt(expected.over_draws),
            "df": expected.df,
            "z": expected.z,
        }
        assert {name: row[name] for name in values} == pytest.approx(
            values, rel=1e-5, abs=1e-8
        )
        assert row["comparison"] == f"mixed less {reference.replace('_', ' ')}"
        assert (row["n_draws"], row["n_draws_reference"]) == (2, 2)
        assert row["n_documents"] == (24 if language == "all" else 12)


def test_the_claim_is_of_the_setting_nearest_to_the_papers(con: Connection) -> None:
    query = "from intervention_contrasts where measure = 'perplexity' and alpha = 0.1"
    contrasts = by_key(
        rows_of(con, f"{query} and m = 6 and not scale_back"),
        ["language", "control", "reference"],
    )
    words = {"m": "number", "norm": "norm", "firings": "firings"}
    expected = [
        {
            "language": language,
            "comparison": f"mixed against {name}, same {words[control]}",
            "finding": "steering",
            "alpha": 0.1,
            "estimate": -row["estimate"],
            "low": -row["high"],
            "high": -row["low"],
            "p": 2 * norm.sf(abs(row["z"])),
        }
        for (language, control, reference), row in contrasts.items()
        for name in [reference.replace("_", " ")]
    ]
    largest = 0.0
    for rank, item in enumerate(sorted(expected, key=lambda item: item["p"])):
        largest = max(largest, min(1.0, (len(expected) - rank) * item["p"]))
        sign = "yes" if item["estimate"] > 0 else "no"
        item["verdict"] = sign if largest < 0.05 else "undecided"
    p = {(item["language"], item["comparison"]): item.pop("p") for item in expected}
    actual = rows_of(con, "from steering_findings")
    assert_same(actual, expected, "language", "comparison")
    for row in actual:
        of_row = p[row["language"], row["comparison"]]
        assert row["p"] == pytest.approx(of_row, abs=1e-6)
        assert of_row <= row["p_family"] + 1e-6


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
        for name in ("en", "ja", "mixed", "none"):
            m = 0 if name == "none" else 6
            row, effect = actual[name, measure], effects[m, name, language]
            assert (row["alpha"], row["m"]) == (0.1, m)
            assert row["value"] == effect["perplexity"]
            assert actual["baseline", measure]["value"] == effect["baseline"]
    assert len(actual) == 5 * 3
    assert rows_of(con, "from translation_scores") == []  # none were asked for


def test_the_report_lays_languages_across(measured: Store) -> None:
    page = report(measured, [])
    assert page.read_text().count('id="steering"') == 1
    folder = page.parent / "tables"
    item, four = (
        (folder / f"table_{number}.csv").read_text().splitlines() for number in (1, 4)
    )
    start = "size,step,layer,full_step,"
    result = "alpha,m,added,perplexity all,perplexity en,perplexity ja"
    assert item[0] == start + result
    assert len(item) == 1 + 5
    columns = [
        f"{language}_{name}"
        for language in ("all", "en", "ja")
        for name in ("difference", "difference_low", "difference_high")
    ]
    assert four[0] == start + ",".join(["control,alpha,m,added", *columns])
    assert len(four) == 1 + 2 * (5 * 3 * 2 + 2)


def test_without_interventions_their_tables_are_left_out(tiny: Store) -> None:
    names = "select view_name from duckdb_views()"
    there = {row["view_name"] for row in rows_of(connect(tiny), names)}
    assert "table_2" in there
    missing = {"table_1", "table_4", "intervention_effects", "steering_findings"}
    assert not missing & there


def test_the_command_translates_too(copied_study: Study, tmp_path: Path) -> None:
    """Each class, `b_pre` alone, and nothing; not twice. Table 1 has the scores."""
    study = copied_study.model_copy(update={"work_dir": str(tmp_path / "work")})
    request = study.intervention
    assert request
    few = request.model_copy(update={"documents": 2, "draws": 1})
    study = study.model_copy(update={"intervention": few})
    store, cell = intervene(study)
    actual = stored(store, "from translation_scores")
    assert {row["added"] for row in actual} == {"baseline", "none", "en", "ja"}
    assert {Cell(*(row[name] for name in Cell._fields)) for row in actual} == {cell}
    scores = {
        (row["added"], f"{row['metric']} {row['source_language']}-{target}"): row
        for row in actual
        for target in [row["target_language"]]
    }
    result = by_key(stored(store, "from table_1"), ["added", "measure"])
    for key, row in scores.items():
        assert result[key]["value"] == row["score"]
        assert (result[key]["alpha"], result[key]["m"]) == (row["alpha"], row["m"])
    intervene(study.model_copy(update={"work_dir": str(tmp_path / "other")}))
    assert not (tmp_path / "other" / "translations").exists()
    untranslated = few.model_copy(update={"translation": None})
    intervene(study.model_copy(update={"intervention": untranslated}))
    assert len(stored(store, "from translation_scores")) == len(actual)
