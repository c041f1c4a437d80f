"""`bisae compare`: the spread between stores of one study that differ in their seed."""

import shutil
import statistics
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import bisae
from bisae.cli import main
from bisae.files import replace
from bisae.grid import parse_selection
from bisae.pipeline.build import build
from bisae.store import Store, open_store, table_file
from bisae.store.opening import STUDY
from bisae.study import Study, dump_study
from bisae.study.schema import Semantic
from bisae.tables.compare import compare

BUILT = parse_selection("size=M,step=40,layer=1")


@pytest.fixture(scope="module")
def stores(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> list[Store]:
    """The tiny store, and some cells of the same study with another seed."""
    where = tmp_path_factory.mktemp("seed-1") / "store"
    sae = tiny.study.sae.model_copy(update={"seed": 1})
    study = tiny.study.model_copy(update={"store": str(where), "sae": sae})
    build(study, BUILT)
    return [tiny, open_store(where)]


def invoke(*words: object) -> Result:
    return CliRunner().invoke(main, ["compare", *map(str, words)])


def test_the_spread_is_that_of_the_trends(stores: list[Store]) -> None:
    values: dict[tuple[object, ...], list[float]] = defaultdict(list)
    for store in stores:
        frame = bisae.open(str(store.path)).sql(
            "select * exclude (low, high) from trend_values"
        )
        for *key, value in frame.itertuples(index=False):
            values[tuple(key)] += [] if value != value else [value]
    names, rows = compare(stores)
    assert names[:5] == ["size", "step", "layer", "population", "name"]
    assert {row[:5] for row in rows} == set(values)
    for *key, n_stores, mean, deviation, lowest, highest in rows:
        actual = values[tuple(key)]
        assert n_stores == len(actual)
        spread = statistics.stdev(actual) if len(actual) > 1 else None
        assert deviation == (spread and pytest.approx(spread, abs=1e-12))
        if actual:
            assert mean == pytest.approx(statistics.fmean(actual))
            assert (lowest, highest) == (min(actual), max(actual))


def test_cells_of_one_store_alone_say_so(stores: list[Store]) -> None:
    names, rows = compare(stores)
    count, both = names.index("n_stores"), set(BUILT.of(stores[0].cells))
    trends = [row for row in rows if row[3:5] == ("alive", "mixed_share")]
    assert len(trends) == len(stores[0].cells)
    assert {row[:3] for row in trends if row[count] == 2} == {tuple(c) for c in both}
    assert {row[count] for row in trends} == {1, 2}


def test_another_seed_gives_other_trends(stores: list[Store]) -> None:
    names, rows = compare(stores)
    spread = names.index("standard_deviation")
    assert any(row[spread] for row in rows if row[4] == "monosemanticity")


def test_the_command_prints_the_spread(stores: list[Store]) -> None:
    result = invoke(*(store.path for store in stores), "--format", "csv")
    assert result.exit_code == 0, result.output
    head, *lines = result.stdout.splitlines()
    assert head == (
        "size,step,layer,population,name,n_stores,mean,standard_deviation,lowest,highest"
    )
    assert len(lines) == len(stores[0].cells) * 3 * 18


# -- what is no replicate --------------------------------------------------------------


def with_study(store: Store, where: Path, **changed: Any) -> Path:
    """A store's tables and text, under a study that was changed."""
    shutil.copytree(str(store.path), where)
    study: Study = store.study.model_copy(update=changed | {"store": str(where)})
    (where / STUDY).unlink()
    replace(where / STUDY, dump_study(study))
    return where


def test_one_store_has_no_spread(stores: list[Store]) -> None:
    result = invoke(stores[0].path)
    assert result.exit_code == 2
    assert "a spread needs two or more stores" in result.stderr


def test_the_same_seed_twice_is_no_replicate(
    stores: list[Store], tmp_path: Path
) -> None:
    copy = with_study(stores[1], tmp_path / "copy")
    result = invoke(stores[0].path, stores[1].path, copy)
    assert result.exit_code == 2
    assert "both have [sae] seed = 1" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("section", "key", "value", "line"),
    [
        ("sae", "k", 3, "[sae] k is 3, not 4"),
        ("sae", "lr", 1e-3, "lr of S is 0.001, not 0.002"),
        ("features", "class_threshold", 0.8, "[features] class_threshold is 0.8, not"),
    ],
)
def test_another_setting_is_named(
    stores: list[Store],
    tmp_path: Path,
    section: str,
    key: str,
    value: object,
    line: str,
) -> None:
    changed = getattr(stores[1].study, section).model_copy(update={key: value})
    second = with_study(stores[1], tmp_path / "other", **{section: changed})
    result = invoke(stores[0].path, second)
    assert result.exit_code == 2
    assert f"{second} is not a replicate of {stores[0].path}: {line}" in result.stderr


def test_another_grid_is_named(stores: list[Store], tmp_path: Path) -> None:
    small, large = stores[1].study.models
    fewer = large.model_copy(update={"layers": (1, 3)})
    second = with_study(stores[1], tmp_path / "layers", models=(small, fewer))
    assert (
        "layers of M is (1, 3), not (0, 1, 3)" in invoke(stores[0].path, second).stderr
    )
    alone = with_study(
        stores[1],
        tmp_path / "sizes",
        models=(large,),
        pretrain=None,
        semantic=Semantic(),
    )
    line = "the list of sizes is ['M'], not ['S', 'M']"
    assert line in invoke(stores[0].path, alone).stderr


def test_another_model_is_named(stores: list[Store], tmp_path: Path) -> None:
    second = with_study(stores[1], tmp_path / "other")
    store = open_store(second)
    for cell in BUILT.of(store.cells):
        file = str(table_file(store, "cells", cell))
        table = pq.read_table(file, partitioning=None)
        location = table.column_names.index("lm_fingerprint")
        pq.write_table(
            table.set_column(location, "lm_fingerprint", pa.array(["another"])), file
        )
    result = invoke(stores[0].path, second)
    assert "the model of M/40 is another, not" in result.stderr
