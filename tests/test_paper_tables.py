"""The paper's tables: 2 and 3 of the tiny study, 1 and 4 of what the paper found."""

from collections.abc import Iterator
from statistics import stdev

import pytest
from reference import mean
from rows import Row, by_key, near, planted, rows_of

from bisae.query import Connection, connect
from bisae.store import Store

CELL = ("size", "step", "layer")
BASELINE = {"en": 17.57, "ja": 19.54, "all": 15.39}
PAPER = {
    (0.05, 5000, "en"): (-0.12, -0.08, -0.10),
    (0.05, 5000, "ja"): (-0.09, -0.21, -0.15),
    (0.05, 5000, "mixed"): (-0.21, -0.28, -0.25),
    (0.1, 1000, "en"): (-0.08, -0.07, -0.08),
    (0.1, 5000, "en"): (-0.16, -0.11, -0.14),
    (0.1, 5000, "ja"): (-0.10, -0.36, -0.24),
    (0.1, 5000, "mixed"): (-0.33, -0.50, -0.42),
    (0.2, 5000, "mixed"): (-0.37, -0.72, -0.56),
}
"""Differences of perplexity by alpha, m and what is added, in table 4."""
NONE = {(alpha, 0, "none"): (-0.01, -0.02, -0.03) for alpha in (0.05, 0.1)}
DRAWS = (0.05, -0.02, 0.01, -0.05, 0.01)
"""What each draw is off the mean."""
SHOWN = ("en", "ja", "mixed", "none")


@pytest.fixture(scope="module")
def con(tiny: Store) -> Connection:
    return connect(tiny)


# -- tables 2 and 3 -------------------------------------------------------------------


def test_table_2_is_the_best_rate_of_each_size(con: Connection) -> None:
    tried = rows_of(con, "from lr_search")
    sizes = {row["size"]: row["n_params"] for row in rows_of(con, "from cells")}
    found = rows_of(con, "from table_2")
    assert [row["size"] for row in found] == sorted(sizes, key=lambda one: sizes[one])
    for row in found:
        own = [one for one in tried if one["size"] == row["size"]]
        best = min(own, key=lambda one: (one["mse"], one["lr"]))
        for name in (*CELL, "lr", "mse"):
            assert row[name] == best[name]
        assert (row["n_rates"], row["n_params"]) == (len(own), sizes[row["size"]])


def test_table_3_is_the_time_of_each_size(con: Connection) -> None:
    cells = rows_of(con, "from cells")
    for row in rows_of(con, "from table_3"):
        own = [one for one in cells if one["size"] == row["size"]]
        seconds = [one["train_seconds"] for one in own]
        assert row["n_cells"] == len(own)
        assert row["train_seconds"] == pytest.approx(mean(seconds), abs=1e-9)
        assert row["train_seconds_total"] == pytest.approx(sum(seconds), abs=1e-8)
        assert row["train_seconds_least"] == min(seconds)
        assert row["train_seconds_most"] == max(seconds)
        buffers = [one["buffer_tokens"] for one in own]
        assert row["buffer_tokens_least"] == min(buffers)
        assert row["buffer_tokens_most"] == max(buffers)


def test_each_size_stands_once_in_its_order(con: Connection) -> None:
    found = rows_of(con, "from table_3")
    assert list(by_key(found, ["size"])) == [("S",), ("M",)]


# -- tables 1 and 4 -------------------------------------------------------------------


def interventions() -> Iterator[Row]:
    """The paper's table, five draws of each; and what is not to be counted."""
    for (alpha, m, added), differences in (PAPER | NONE).items():
        for (language, baseline), change in zip(
            BASELINE.items(), differences, strict=True
        ):
            row: Row = {"size": "3.7B", "step": 10_000, "layer": 14}
            row |= {"full_step": 500_000, "control": None, "alpha": alpha, "m": m}
            row |= {"added": added, "language": language, "baseline": baseline}
            row |= {"b_pre": True, "scale_back": False}
            for draw, off in enumerate(DRAWS if m else (0.0,)):
                yield {**row, "draw": draw, "perplexity": baseline + change + off}
            row |= {"draw": 0, "perplexity": 1e30}
            yield {**row, "b_pre": False}
            yield {**row, "scale_back": True}


@pytest.fixture(scope="module")
def added() -> Connection:
    settings: list[Row] = [{"languages": ["en", "ja"]}]
    tables = {"interventions": list(interventions()), "settings": settings}
    return planted(tables, "table_1", "table_4")


def test_table_4_has_means_over_draws(added: Connection) -> None:
    key = ("alpha", "m", "added", "language")
    found = by_key(rows_of(added, "from table_4"), key)
    assert len(found) == len(BASELINE) * len(PAPER | NONE)
    for setting, differences in (PAPER | NONE).items():
        for language, change in zip(BASELINE, differences, strict=True):
            row = found[*setting, language]
            assert row["n_draws"] == (5 if setting[1] else 1)
            assert row["baseline"] == BASELINE[language]
            assert row["difference"] == pytest.approx(change, abs=1e-9)
            assert row["perplexity"] == near(BASELINE[language] + change)


def test_table_4_has_the_spread_of_draws(added: Connection) -> None:
    wanted = pytest.approx(stdev(DRAWS), abs=1e-9)
    for row in rows_of(added, "from table_4"):
        assert row["spread"] == (None if row["added"] == "none" else wanted)


def test_table_4_compares_with_b_pre_alone(added: Connection) -> None:
    """At its own alpha: at 0.2, b_pre alone was not measured."""
    found = by_key(
        rows_of(added, "from table_4 where language = 'ja'"), ["alpha", "m", "added"]
    )
    assert found[0.1, 5000, "mixed"]["difference_none"] == pytest.approx(
        -0.48, abs=1e-9
    )
    assert found[0.1, 0, "none"]["difference_none"] == 0
    assert found[0.2, 5000, "mixed"]["difference_none"] is None


def test_table_1_is_the_setting_nearest_to_the_papers(added: Connection) -> None:
    found = by_key(rows_of(added, "from table_1"), ["added", "language"])
    for language, place in zip(BASELINE, range(3), strict=True):
        baseline = BASELINE[language]
        assert found["baseline", language]["perplexity"] == baseline
        for name in SHOWN:
            row = found[name, language]
            m = 0 if name == "none" else 5000
            assert (row["alpha"], row["m"]) == (0.1, m)
            change = (PAPER | NONE)[0.1, m, name][place]
            assert row["perplexity"] == near(baseline + change)
    assert len(found) == len(BASELINE) * (len(SHOWN) + 1)


def test_a_setting_that_the_paper_has_not_is_shown() -> None:
    """The nearest alpha first, then the nearest m; a control is not in table 1."""
    rows = [row for row in interventions() if row["alpha"] == 0.05]
    controls = [row | {"added": "random", "alpha": 0.1} for row in rows]
    settings: list[Row] = [{"languages": ["en", "ja"]}]
    tables = {"interventions": [*rows, *controls], "settings": settings}
    found = rows_of(planted(tables, "table_1"), "from table_1")
    assert {row["added"] for row in found} == {"baseline", *SHOWN}
    assert {row["alpha"] for row in found} == {0, 0.05}


def test_without_interventions_their_tables_are_left_out(con: Connection) -> None:
    names = "select view_name from duckdb_views()"
    there = {row["view_name"] for row in rows_of(con, names)}
    assert "table_2" in there
    assert not {"table_1", "table_4"} & there
