"""A failing checkpoint is recorded, and does not keep others from being built."""

import json
import shutil
import socket
import subprocess
import sys
from math import inf
from pathlib import Path

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.errors import CheckpointsFailed, MachineError, StoreError
from bisae.grid import Checkpoint, Selection, parse_selection
from bisae.pipeline import checkpoint as unit
from bisae.pipeline.build import build
from bisae.pipeline.checkpoint import build_checkpoint, open_build
from bisae.pipeline.local import build_as_worker
from bisae.pipeline.prepare import Build, prepare_build
from bisae.store import (
    Store,
    create_store,
    forget_failure,
    open_store,
    read_failure,
    record_failure,
)
from bisae.study import Model, Study, dump_study
from support.removal import remove_cells
from support.studies import make_study

S7 = Checkpoint("1M", 7)


@pytest.fixture
def empty(tmp_path: Path) -> Store:
    """The store of a study of which nothing is built."""
    return create_store(make_study(tmp_path / "store"))


def failure_file(store: Store, checkpoint: Checkpoint) -> Path:
    home = Path(str(store.path)) / "failures" / checkpoint.size
    return home / f"{checkpoint.step}.json"


def test_a_failure_counts_attempts_and_is_forgotten(empty: Store) -> None:
    assert read_failure(empty, S7) is None
    first = record_failure(empty, S7, "no\nlayer \x1b[1m9", "far")
    assert (first.error, first.attempts, first.host) == ("no layer ?[1m9", 1, "far")
    second = record_failure(empty, S7, "again")
    assert second == read_failure(empty, S7)
    assert str(second) == f"again (2 attempts, the last on {socket.gethostname()})"
    forget_failure(empty, S7)
    assert read_failure(empty, S7) is None
    forget_failure(empty, S7)


@pytest.mark.parametrize(
    "change",
    [{"attempts": "many"}, {"attempts": 0}, {"error": "\x1b[2J"}, {"more": 1}],
    ids=str,
)
def test_a_malformed_failure_counts_as_none(
    empty: Store, change: dict[str, object]
) -> None:
    record_failure(empty, S7, "no layer 9")
    file = failure_file(empty, S7)
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert read_failure(empty, S7) is None


def with_steps(study: Study, *steps: int) -> Study:
    """The study with further steps of its first model, without checkpoints."""
    first = study.models[0].model_dump()
    first["steps"] = sorted({*first["steps"], *steps})
    models = (Model.model_validate(first), *study.models[1:])
    return study.model_copy(update={"models": models})


def test_the_rest_is_built_and_the_next_build_tries_again(
    copied_study: Study, tmp_path: Path
) -> None:
    """S/3 is missing at first; S/5 and S/40 come after it."""
    remove_cells(copied_study.store, "size=S,step=40,layer=1")
    study, missing = with_steps(copied_study, 3), Checkpoint("S", 3)
    folder = Path(study.models[0].checkpoint_at(3)[0])
    only = parse_selection("size=S,layer=1")
    for attempt in (1, 2, 3):
        with pytest.raises(
            CheckpointsFailed, match=r"^1 of 4 checkpoints failed: S/3:"
        ):
            build(study, only, ("train",))
        store = open_store(study.store)
        failure = read_failure(store, missing)
        assert failure
        assert failure.attempts == attempt
        assert failure.error.startswith(f"no checkpoint folder {folder}")
        assert failure.host == socket.gethostname()
        trained = [c for c in only.of(study.cells) if store.cell_status(c).sae]
        assert [cell.step for cell in trained] == [0, 5, 40]
    shutil.copytree(study.models[0].checkpoint_at(0)[0], folder)
    try:
        store = build(study, only, ("train",))
    finally:
        shutil.rmtree(folder)
    assert read_failure(store, missing) is None


def prepared(study: Study) -> Build:
    """One cell that is to be trained again."""
    remove_cells(study.store, "size=S,step=5,layer=1")
    return prepare_build(study, parse_selection("size=S,step=5,layer=1"), ("train",))


@pytest.mark.parametrize("error", [MachineError("no GPU"), StoreError("disk full")])
def test_what_is_no_fault_of_the_checkpoint_ends_the_build(
    copied_study: Study, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> None:
        raise error

    work, checkpoint = prepared(copied_study), Checkpoint("S", 5)
    monkeypatch.setattr(unit, "open_model", fail)
    with pytest.raises(type(error), match=str(error)):
        build_checkpoint(work, checkpoint)
    assert read_failure(work.store, checkpoint) is None


def test_an_unexpected_error_is_recorded_and_its_traceback_printed(
    copied_study: Study,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    work, checkpoint = prepared(copied_study), Checkpoint("S", 5)
    monkeypatch.setattr(unit, "open_model", lambda *_: 1 // 0)
    failure = build_checkpoint(work, checkpoint)
    assert failure
    assert failure.error.startswith("ZeroDivisionError: ")
    assert "Traceback" in capsys.readouterr().err


DIE = """
import os, sys
from bisae.store import open_store
store = open_store(sys.argv[1])
with store.lease("S/5") as staging:
    os._exit(9)
"""


def test_a_death_counts_as_an_attempt_and_workers_leave_it_alone_after_two(
    copied_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, checkpoint = prepared(copied_study), Checkpoint("S", 5)
    record_failure(work.store, checkpoint, "it was out of memory")
    subprocess.run([sys.executable, "-c", DIE, copied_study.store], check=False)
    with monkeypatch.context() as patch:
        patch.setattr(unit, "open_model", None)  # it is not even opened
        failures = build_as_worker(work)
    assert "ended without an error: killed, or out of memory" in failures[checkpoint]
    assert "2 attempts" in failures[checkpoint]
    assert build_as_worker(work, retry_failed=True) == {}
    assert read_failure(work.store, checkpoint) is None
    assert build_checkpoint(work, checkpoint, inf) is None


def test_a_worker_ends_when_nobody_builds_what_it_waits_for(
    copied_study: Study,
) -> None:
    """S/5 starts from S/3, whose checkpoint is missing."""
    sae = copied_study.sae.model_copy(update={"start": "previous"})
    store = str(Path(copied_study.store).with_name("another"))
    update = {"sae": sae, "store": store}
    study = with_steps(copied_study.model_copy(update=update), 3)
    work = prepare_build(study, parse_selection("size=S,layer=1"), ("train",))
    failures = build_as_worker(work)
    assert sorted(checkpoint.step for checkpoint in failures) == [3, 5, 40]
    assert "S/5/1 starts from S/3/1" in failures[Checkpoint("S", 5)]
    assert work.store.cell_status(work.cells[0]).sae


def test_the_command_lists_what_failed(copied_study: Study, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(dump_study(with_steps(copied_study, 3)))
    result = CliRunner().invoke(main, ["build", str(path), "--only", "size=S,step=3"])
    assert result.exit_code == 1
    note, line = result.stderr.splitlines()
    assert note.startswith("S/3 failed: no checkpoint folder")
    assert line.startswith("Error: S/3: no checkpoint folder")


def test_a_checkpoint_of_a_study_file_is_built_where_only_the_file_is(
    copied_study: Study, tmp_path: Path
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(dump_study(copied_study))
    work = open_build(path, Checkpoint("S", 5))
    assert work.checkpoints == [Checkpoint("S", 5)]
    assert [cell.layer for cell in work.cells] == [1, 2]
    assert build_checkpoint(work, Checkpoint("S", 5)) is None
    assert Selection().of(work.store.cells) == copied_study.cells
