"""Cells are copied whole or not at all, and removed only when that is meant."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.files import any_path, below
from bisae.grid import Cell, Selection
from bisae.query import exported_cells
from bisae.store import Store, open_store, table_file
from bisae.store.verify import verify
from bisae.study import Study, dump_study
from bisae.study.schema import Semantic
from support.progress_lines import without_progress
from support.removal import remove_cells
from support.store_copy import copy_store

CELL = Cell("S", 40, 1)
ALL = Selection()


@pytest.fixture(params=["folder", "object store"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "folder":
        return str(tmp_path / "target")
    return str(request.getfixturevalue("bucket"))


def run(*words: object, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words], input=answer)


def equal(one: Store, other: Store, cell: Cell) -> bool:
    position, there = one.weights(cell), other.weights(cell)
    assert position.keys() == there.keys()
    pairs = zip(one.codes(cell), other.codes(cell), strict=True)
    return all(
        np.array_equal(position[name], there[name]) for name in position
    ) and all(
        np.array_equal(a.index, b.index) and np.array_equal(a.value, b.value)
        for a, b in pairs
    )


def test_some_cells_are_copied_and_then_the_rest(
    small_study: Study, target: str
) -> None:
    remove_cells(small_study.store, "step=0")
    copy = open_store(small_study.store)
    rest = exported_cells(copy)
    result = run("cp", copy.path, target, "--only", "size=S,step=40")
    assert result.exit_code == 0
    assert without_progress(result.stderr) == f"2 cells are in {target}\n"
    second = open_store(target)
    some = [cell for cell in rest if cell.step == 40]
    assert [cell for cell in copy.cells if second.cell_status(cell).codes] == some
    assert exported_cells(second) == some
    assert all(equal(copy, second, cell) for cell in some)
    looked = verify(second, ALL)
    assert (looked.findings, looked.parts) == ([], 7)
    before = {str(item): item.stat().st_mtime for item in below(second.folder(CELL))}
    assert run("cp", copy.path, target).exit_code == 0
    after = {str(item): item.stat().st_mtime for item in below(second.folder(CELL))}
    assert after == before  # what is finished there is left alone
    assert exported_cells(second) == rest
    assert all(equal(copy, second, cell) for cell in rest)
    assert verify(second, ALL).parts == verify(copy, ALL).parts
    query = "from trends order by all"
    answers = [run("sql", item, query).stdout for item in (copy.path, target)]
    assert answers[0] == answers[1] != ""


def test_a_copy_can_be_copied_back(tiny: Store, bucket: str, tmp_path: Path) -> None:
    back = tmp_path / "back"
    assert (
        run("cp", tiny.path, bucket, "--only", "size=M,step=5,layer=1").exit_code == 0
    )
    assert run("cp", bucket, back).exit_code == 0
    cell = Cell("M", 5, 1)
    assert equal(tiny, open_store(back), cell)
    assert verify(open_store(back), ALL).findings == []


def test_half_a_table_is_copied_again(tiny: Store, target: str) -> None:
    words = ("cp", tiny.path, target, "--only", "size=S,step=40,layer=1")
    assert run(*words).exit_code == 0
    second = open_store(target)
    file = table_file(second, "features", CELL)
    file.write_bytes(file.read_bytes()[:500])
    assert run(*words).exit_code == 0
    assert verify(second, ALL).findings == []


def test_what_is_damaged_is_not_copied(copy: Store, tmp_path: Path) -> None:
    chunk = Path(str(copy.folder(CELL) / "codes" / "value" / "c" / "0" / "0"))
    whole = bytearray(chunk.read_bytes())
    whole[50] ^= 4
    chunk.write_bytes(bytes(whole))
    target = tmp_path / "target"
    result = run("cp", copy.path, target, "--only", "size=S,step=40,layer=1")
    assert result.exit_code == 1
    said = f"Error: the copy of cells/{CELL}/codes is damaged: bisae.zarr/cells/{CELL}"
    assert result.stderr.startswith(f"{said}/codes/value, chunk c/0/0 (rows 0 to ")
    assert f"run the copy again, or `bisae verify {copy.path}`" in result.stderr
    second = open_store(target)
    assert second.cell_status(CELL) == (True, False)
    assert not (second.folder(CELL) / "codes").exists()


def test_nothing_finished_is_nothing_to_copy(copy: Store, tmp_path: Path) -> None:
    shutil.rmtree(str(copy.folder(CELL) / "codes"))
    result = run("cp", copy.path, tmp_path / "x", "--only", "size=S,step=40,layer=1")
    assert result.exit_code == 1
    assert "none of these cells is finished; see `bisae status`" in result.stderr
    assert not (tmp_path / "x").exists()


def test_cells_are_not_copied_to_another_study(copy: Store, tmp_path: Path) -> None:
    file = tmp_path / "other" / "study.toml"
    shutil.copytree(str(copy.path), tmp_path / "other")
    sae = copy.study.sae.model_copy(update={"seed": 7})
    file.write_text(dump_study(copy.study.model_copy(update={"sae": sae})))
    result = run("cp", copy.path, tmp_path / "other", "--only", "size=S")
    assert result.exit_code == 1
    assert "holds another study: [sae] seed" in result.stderr


def of_size(store: Store, number: int) -> Study:
    """The study with one of its sizes."""
    models = (store.study.models[number],)
    changed = {"models": models, "pretrain": None, "semantic": Semantic()}
    return store.study.model_copy(update=changed)


def test_a_grown_grid_is_copied_into_a_smaller_one(
    tiny: Store, copy: Store, tmp_path: Path
) -> None:
    """The store that was first has one size only; study.toml grows with it."""
    small = of_size(copy, 0)
    (tmp_path / "store" / "study.toml").write_text(dump_study(small))
    shutil.rmtree(tmp_path / "store" / "bisae.zarr" / "cells" / "M")
    assert run("cp", tiny.path, copy.path, "--only", "size=M,step=5").exit_code == 0
    assert open_store(copy.path).cells == tiny.cells


def test_a_grid_that_lacks_cells_takes_none_away(
    tiny: Store, copy: Store, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    (tmp_path / "store" / "study.toml").write_text(dump_study(of_size(copy, 0)))
    copy_store(tiny, target)
    (target / "study.toml").write_text(dump_study(of_size(copy, 1)))
    result = run("cp", copy.path, target)
    assert result.exit_code == 1
    assert f"{target} has cells that {copy.path} lacks, such as M/0/0" in result.stderr


# -- rm --------------------------------------------------------------------------------


def test_cells_are_removed_after_asking(copy: Store) -> None:
    words = ("rm", copy.path, "--only", "size=S,step=40")
    result = run(*words, answer="n\n")
    assert result.exit_code == 1
    assert f"remove 2 cells of {copy.path}, S/40/1 to S/40/2? [y/N]" in result.stderr
    assert copy.cell_status(CELL).codes
    result = run(*words, answer="y\n")
    assert result.exit_code == 0
    assert not copy.cell_status(CELL).sae
    assert CELL not in exported_cells(copy)
    looked = verify(copy, ALL)
    assert (looked.findings, looked.unfinished) == ([], 6)
    assert len(exported_cells(copy)) == len(copy.cells) - 2


def test_cells_are_removed_from_an_object_store(tiny: Store, bucket: str) -> None:
    run("cp", tiny.path, bucket, "--only", "size=S,step=40")
    assert run("rm", bucket, "--only", "layer=1", "--yes").exit_code == 0
    second = open_store(bucket)
    assert not second.cell_status(CELL).sae
    assert second.cell_status(CELL._replace(layer=2)).codes
    assert not [item for item in below(any_path(bucket)) if "layer=1" in str(item)]


def test_a_damaged_cell_can_be_removed(copy: Store) -> None:
    (copy.folder(CELL) / "sae" / "zarr.json").write_text("{")
    assert run("status", copy.path).exit_code == 1
    words = ("rm", copy.path, "--only", "size=S,step=40,layer=1", "--yes")
    assert run(*words).exit_code == 0
    assert run("status", copy.path).exit_code == 3  # it is to be built again


def test_rm_says_which(copy: Store) -> None:
    assert run("rm", copy.path, "--yes").exit_code == 2
    result = run("rm", copy.path, "--only", "step=41", "--yes")
    assert result.exit_code == 2
    assert "no step 41 in this study: the nearest is 40" in result.stderr


def test_what_is_being_built_is_not_removed(copy: Store) -> None:
    with open_store(copy.path).lease(CELL.checkpoint):
        result = run("rm", copy.path, "--only", "size=S,step=40", "--yes")
    assert result.exit_code == 1
    assert "S/40 is being built by " in result.stderr
    assert copy.cell_status(CELL).codes
