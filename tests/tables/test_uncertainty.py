"""`bisae uncertainty`: each replicate against a plain recount, and how a run goes."""

import re
import shutil
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import bisae
from bisae.cli import main
from bisae.grid import Cell, parse_cell, parse_selection
from bisae.query import connect, rows_of
from bisae.store import Store, open_store, table_file
from bisae.store.verify import verify
from bisae.tables.bootstrap import draw_replicates
from support.bootstrap_reference import Firing, drawn_trends, weight
from support.reference import Row, Token
from support.store_copy import copy_store

DRAWN = parse_selection("size=M,step=40")
EARLIER = parse_selection("size=M,step=5,layer=1")
CELL = parse_cell("M/40/1")
HERE = f"size = '{CELL.size}' and step = {CELL.step} and layer = {CELL.layer}"
SEED, REPLICATES = 3, 18
"""More than are drawn at once."""
KEY = ("size", "step", "layer", "population", "name")


@pytest.fixture(scope="module")
def store(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A copy of the tiny store in which texts were drawn again.

    They are those of one checkpoint, and of one layer at an earlier step.
    """
    where = tmp_path_factory.mktemp("drawn") / "store"
    copy_store(tiny, where)
    opened = open_store(where)
    cells = draw_replicates(opened, DRAWN, REPLICATES, SEED)
    assert cells == DRAWN.of(opened.cells)
    draw_replicates(opened, EARLIER, REPLICATES, SEED)
    return opened


def rows(store: Store, query: str) -> list[Row]:
    with closing(connect(store, query=query)) as con:
        names, values = rows_of(con, query)
    return [dict(zip(names, row, strict=True)) for row in values]


def key(row: Row) -> tuple[object, ...]:
    return tuple(row[name] for name in KEY)


def firings(store: Store) -> dict[int, list[Firing]]:
    actual = defaultdict(list)
    for row in rows(
        store,
        "select feature, token_row, document, position, token_id, tokens.language, "
        "cluster, vocab.language as own from firings "
        "join tokens using (token_row) join vocab using (token_id) "
        f"join clusters using (size, step, layer, feature, token_id) where {HERE}",
    ):
        token = Token(*(row[name] for name in Token._fields))
        actual[row["feature"]].append(Firing(token, row["cluster"], row["own"]))
    return actual


@pytest.mark.parametrize("replicate", [0, 6, 17])
def test_a_replicate_has_the_trends_of_the_drawn_text(
    store: Store, replicate: int
) -> None:
    (cell,) = rows(store, f"select n_dead from cells where {HERE}")
    listed = rows(store, f"select feature, supported from features where {HERE}")
    expected = drawn_trends(
        firings(store),
        {item["feature"]: item["supported"] for item in listed},
        cell["n_dead"],
        {
            item: weight(SEED, replicate, item)
            for item in range(store.n_documents("eval"))
        },
        store.study.features,
        store.languages,
    )
    query = f"from replicates where {HERE} and replicate = {replicate}"
    result = {(row["population"], row["name"]): row for row in rows(store, query)}
    assert {name: row["value"] for name, row in result.items()} == pytest.approx(
        expected, abs=2e-8
    )
    assert len(result) == 27
    assert {row["seed"] for row in result.values()} == {SEED}


def bootstrap_factors(
    store: Store, values: Mapping[tuple[object, ...], Sequence[float]]
) -> dict[tuple[str, str], float]:
    """By how much the halves of the text differ more than the replicates do."""
    halves: dict[tuple[object, ...], Row] = defaultdict(dict)
    for row in rows(store, "from eval_size"):
        if "half" in row["documents"]:
            address = [str(row[name]) for name in KEY[:-1]]
            halves[tuple(address)][row["documents"]] = row
    squares: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    for trend, drawn in values.items():
        *address, population, name = map(str, trend)
        first, second = halves[*address, population].values()
        if not name.startswith("share of") and None not in (
            first[name],
            second[name],
        ):
            square = (first[name] - second[name]) ** 2
            square /= 2 * sqrt(2) if "share" in name else 4
            squares[population, name].append((square, statistics.variance(drawn)))
    return {
        name: max(1.0, sqrt(sum(a for a, _ in pairs) / sum(b for _, b in pairs)))
        for name, pairs in squares.items()
    }


def test_bands_hold_for_all_steps_of_a_layer_at_once(store: Store) -> None:
    """Of the replicates, 95 % lie within the band of the text at every step."""
    uncertainty = {key(row): row for row in rows(store, "from uncertainty")}
    bands: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in rows(store, "from bands"):
        bands[row["size"], row["layer"], row["population"], row["name"]].append(row)
    values = defaultdict(list)
    for row in rows(store, "from replicates"):
        if row["value"] is not None:
            values[key(row)].append((row["replicate"], row["value"]))
    assert {len(listed) for listed in bands.values()} == {1, 2}
    for listed in bands.values():
        largest = [0.0] * REPLICATES
        for row in listed:
            content, drawn = uncertainty[key(row)], dict(values[key(row)])
            spread = statistics.stdev(drawn.values())
            for replicate, value in drawn.items():
                distance = abs(value - content["replicates_mean"]) / (spread or 1)
                largest[replicate] = max(largest[replicate], distance)
        quantile = np.quantile(largest, 0.95)
        for row in listed:
            half = quantile * uncertainty[key(row)]["standard_deviation"]
            assert row["high"] - row["estimate"] == pytest.approx(half, rel=1e-6)
            assert row["estimate"] - row["low"] == pytest.approx(half, rel=1e-6)
            assert (row["n_steps"], row["n_replicates"]) == (len(listed), REPLICATES)


def test_the_interval_is_the_spread_of_the_replicates_about_the_estimate(
    store: Store,
) -> None:
    values = defaultdict(list)
    for row in rows(store, "from replicates"):
        values[key(row)].append(row["value"])
    trends = {key(row): row for row in rows(store, "from trend_values")}
    result = rows(store, "from uncertainty")
    assert {key(row) for row in result} == set(values)
    factors = bootstrap_factors(store, values)
    assert any(factor > 1 for factor in factors.values())
    for row in result:
        drawn, trend = values[key(row)], trends[key(row)]
        name = "mixed_share" if row["name"].startswith("share of") else row["name"]
        factor = factors[row["population"], name]
        half = 1.959964 * statistics.stdev(drawn) * factor
        has_interval = trend["low"] is not None
        width = (trend["high"] - trend["low"]) / 2 if has_interval else 0
        expected = {
            "estimate": trend["value"],
            "low": trend["value"] - half,
            "high": trend["value"] + half,
            "replicates_mean": statistics.fmean(drawn),
            "n_replicates": REPLICATES,
            "factor": factor,
            "features_low": trend["low"],
            "features_high": trend["high"],
            "design_effect": (half / width) ** 2 if width else None,
        }
        assert {name: row[name] for name in expected} == pytest.approx(
            expected, abs=1e-8
        )


def test_design_effects_are_summed_up_by_name(store: Store) -> None:
    effects = defaultdict(list)
    for row in rows(store, "from uncertainty where population = 'alive'"):
        if row["design_effect"] is not None:
            effects[row["name"]].append(row["design_effect"])
    expected = [
        {
            "name": name,
            "n_cells": len(values),
            "n_too_narrow": sum(value > 1 for value in values),
            "median_design_effect": pytest.approx(statistics.median(values)),
            "largest_design_effect": max(values),
        }
        for name, values in sorted(effects.items())
    ]
    assert {"mixed_share", "monosemanticity"} <= effects.keys()
    assert rows(store, "from design_effects") == expected


def test_the_figure_has_each_interval_of_the_middle_layers(store: Store) -> None:
    where = "where layer = 1 and population = 'alive'"
    where += " and name in ('mixed_share', 'monosemanticity')"
    uncertainty = {key(row): row for row in rows(store, f"from uncertainty {where}")}
    bands = {key(row): row for row in rows(store, f"from bands {where}")}
    result = rows(store, "from figure_bands")
    assert len(result) == len(uncertainty) == len(bands) == 4
    for row in result:
        address = key(row | {"population": "alive", "name": row["measure"]})
        content, band = uncertainty[address], bands[address]
        names = ("estimate", "low", "high", "features_low", "design_effect")
        assert [row[name] for name in names] == [content[name] for name in names]
        assert (row["band_low"], row["band_high"]) == (band["low"], band["high"])


def test_what_is_current_is_not_made_again(store: Store) -> None:
    files = [table_file(store, "replicates", cell) for cell in DRAWN.of(store.cells)]
    was = [file.stat().st_mtime_ns for file in files]
    draw_replicates(store, DRAWN, REPLICATES, SEED)
    assert [file.stat().st_mtime_ns for file in files] == was


@pytest.mark.parametrize(("replicates", "seed"), [(4, 3), (3, 4)])
def test_another_number_or_seed_is_drawn_anew(
    store: Store, tmp_path: Path, replicates: int, seed: int
) -> None:
    shutil.copytree(str(store.path), tmp_path / "store")
    second, cell = open_store(tmp_path / "store"), parse_selection("step=40,layer=3")
    draw_replicates(second, cell, replicates, seed)
    query = "select layer, seed, count(distinct replicate) from replicates group by all"
    result = (
        bisae.open(str(second.path)).sql(f"{query} order by layer").to_numpy().tolist()
    )
    assert result == [[0, 3, 18], [1, 3, 18], [3, seed, replicates]]
    assert verify(second, cell).findings == []


def test_what_another_builds_is_not_drawn(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    second = open_store(store.path)
    with second.lease("S/5"):
        assert draw_replicates(store, parse_selection("size=S,step=5"), 2, 0) == []
    line = r"S/5 is being built by .*; skipping it"
    assert re.search(line, capsys.readouterr().err)
    assert not table_file(store, "replicates", Cell("S", 5, 1)).exists()


def test_the_command_prints_the_mixed_shares_of_the_cells(store: Store) -> None:
    words = ["uncertainty", str(store.path), "--only", "size=M,step=40,layer=1"]
    words += ["--replicates", str(REPLICATES), "--seed", str(SEED), "--format", "csv"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    head, line = result.stdout.splitlines()
    assert head.startswith("size,step,layer,mixed_share,low,high,replicates_mean")
    assert line.startswith("M,40,1,")


def test_cells_that_are_not_exported_are_an_error(store: Store, tmp_path: Path) -> None:
    shutil.copytree(str(store.path), tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "tables" / "features" / "size=S")
    words = ["uncertainty", str(tmp_path / "store"), "--only", "size=S"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "none of these cells is exported; `bisae status`" in result.stderr
