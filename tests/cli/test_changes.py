"""`bisae plan --changes`: what a build would do, against what it does."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.errors import StoreError
from bisae.files import any_path
from bisae.grid import Cell, Selection
from bisae.lm.configurations import with_layers
from bisae.pipeline.build import build
from bisae.pipeline.changes import changes
from bisae.store import Store, create_store, open_store, table_file
from bisae.study import Study, load_study
from bisae.study.schema import Semantic
from bisae.tables import outdated_tables
from support import DATA
from support.removal import remove_cells
from support.store_copy import copy_store

S_CELLS = [Cell("S", step, layer) for step in (0, 5, 40) for layer in (1, 2)]


@pytest.fixture
def file(tiny: Store, tmp_path: Path) -> Path:
    copy_store(tiny, tmp_path / "store")
    shutil.copy(DATA / "tiny.toml", tmp_path)
    return tmp_path / "tiny.toml"


@pytest.fixture
def built(file: Path) -> Study:
    """The tiny study, as its file says, over a copy of its store."""
    return load_study(file)


def changed(study: Study, **sections: Any) -> Study:
    return study.model_copy(update=sections)


def with_model(study: Study, size: str, **settings: Any) -> Study:
    models = [
        model.model_copy(update=settings) if model.size == size else model
        for model in study.models
    ]
    return changed(study, models=tuple(models))


def planned(study: Study) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in changes(study).values]


# -- tables ---------------------------------------------------------------------------


def state_of(store: Store) -> dict[str, int]:
    """The time at which each file of a table was written."""
    files = Path(str(store.tables)).rglob("rows.parquet")
    return {str(file): file.stat().st_mtime_ns for file in files}


def test_the_tables_that_are_planned_are_those_that_are_written(built: Study) -> None:
    """One threshold of the analysis is another; the larger size is not there."""
    remove_cells(built.store, "size=M")
    features = built.features.model_copy(update={"firing_threshold": 0.5})
    study = with_layers(changed(built, features=features))
    store = Store(any_path(study.store), study)
    stale = list(outdated_tables(store, S_CELLS))
    before = state_of(store)
    build(study, Selection(frozenset({"S"})), ("export", "check"))
    after = state_of(store)
    written = {file for file in after if after[file] != before.get(file)}
    assert {str(table_file(store, name, cell)) for name, cell, _ in stale} == written
    reasons = {name: why for name, _, why in stale}
    assert reasons["settings"] == "firing_threshold was 0.7, is 0.5"
    assert reasons["features"] == "firing_threshold was 0.7, is 0.5"
    assert reasons["code_checks"] == "is computed from features"
    assert "tokens" not in reasons
    assert list(outdated_tables(store, S_CELLS)) == []


def test_tables_are_counted_by_cell(built: Study) -> None:
    features = built.features.model_copy(update={"class_threshold": 0.8})
    rows = planned(changed(built, features=features))
    why = "class_threshold was 0.9, is 0.8"
    assert ("export", "settings", 0, why) in rows
    assert ("export", "features", 15, why) in rows
    assert {command for command, *_ in rows} == {"export", "check"}


@pytest.mark.parametrize("name", ["antipodes", "coherence", "sensitivity"])
def test_an_optional_table_that_is_missing_is_written(built: Study, name: str) -> None:
    """As in a store of an earlier version, which did not have the table."""
    table_file(open_store(built.store), name, Cell("S", 5, 1)).unlink()
    assert ("export", name, 1, "is not in the store") in planned(built)


# -- cells ----------------------------------------------------------------------------


def test_nothing_is_done_for_a_study_that_is_built(built: Study) -> None:
    assert planned(built) == []


def test_new_cells_are_trained(built: Study) -> None:
    study = with_model(built, "S", steps=(0, 5, 20, 40))
    what = "autoencoders, and all that follows"
    assert ("train", what, 2, "step 20 of S is new") in planned(study)
    study = with_model(built, "M", layers=(0, 1, 2, 3))
    assert ("train", what, 3, "layer 2 of M is new") in planned(study)
    (size,) = (model for model in built.models if model.size == "S")
    larger = size.model_copy(update={"size": "L", "layers": (1, 2)})
    study = changed(built, models=(larger, *built.models))
    assert ("train", what, 6, "size L is new") in planned(study)


def test_cells_without_codes_are_encoded(built: Study) -> None:
    folder = Path(built.store) / "bisae.zarr" / "cells" / "S" / "5" / "1"
    shutil.rmtree(folder / "codes")
    what = "codes, and all that follows"
    assert ("encode", what, 1, "is trained only") in planned(built)
    shutil.rmtree(folder / "sae")
    what = "autoencoders, and all that follows"
    assert ("train", what, 1, "is not built yet") in planned(built)


def test_what_was_built_otherwise_stays(built: Study) -> None:
    study = with_model(built, "M", lr=1e-3, tokens_per_step=128)
    kept = [row for row in planned(study) if row[0] == "nothing"]
    what = "cells built otherwise; `bisae rm` them to redo"
    assert kept == [
        ("nothing", what, 9, "lr was 0.003, is 0.001"),
        ("nothing", what, 3, "tokens_seen was 1280, is 640"),
        ("nothing", what, 3, "tokens_seen was 10240, is 5120"),
    ]


def without_s(study: Study) -> Study:
    (larger,) = (model for model in study.models if model.size == "M")
    return changed(study, models=(larger,), semantic=Semantic(), pretrain=None)


def test_a_size_that_is_removed_stays_in_the_store(built: Study) -> None:
    rows = planned(without_s(built))
    what = "cells that stay in the store, unseen"
    assert ("nothing", what, 6, "size S is not in the study any more") in rows
    home = Path(built.store)
    of_size = [file for file in home.rglob("*") if "S/" in str(file.relative_to(home))]
    before = {file: file.stat().st_mtime_ns for file in of_size}
    assert before
    build(without_s(built), Selection(), ("train", "encode"))
    assert {cell.size for cell in open_store(built.store).cells} == {"M"}
    assert {file: file.stat().st_mtime_ns for file in of_size} == before
    again = create_store(with_layers(built))
    assert all(again.cell_status(cell).codes for cell in S_CELLS)
    assert planned(built) == []


def test_another_corpus_or_autoencoder_needs_another_store(built: Study) -> None:
    sae = built.sae.model_copy(update={"k": 8})
    with pytest.raises(StoreError, match=r"\[sae\] k is not what it was built with"):
        changes(changed(built, sae=sae))


# -- the command ----------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_the_command_prints_changes(file: Path) -> None:
    result = run("plan", file, "--changes")
    assert result.exit_code == 0, result.output
    assert result.stderr == "a build would do nothing\n"
    file.write_text(
        file.read_text().replace("steps = [0, 5, 40]", "steps = [0, 40]", 1)
    )
    result = run("plan", file, "--changes", "--format", "csv")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "command,what,cells,why",
        'nothing,"cells that stay in the store, unseen",2,'
        "step 5 of S is not in the study any more",
        "export,current_tests,0,the tests have changed",
    ]


def test_without_a_store_there_is_nothing_to_compare(tmp_path: Path) -> None:
    shutil.copy(DATA / "tiny.toml", tmp_path)
    result = run("plan", tmp_path / "tiny.toml", "--changes")
    assert result.exit_code == 1
    assert result.stderr == (
        f"Error: there is no store at {tmp_path / 'store'} yet: everything would be "
        "built\n"
    )
