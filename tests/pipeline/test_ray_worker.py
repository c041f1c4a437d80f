"""One attempt on a worker: how it ends, and what the machine may lack."""

import socket
from pathlib import Path

import pytest

from bisae.grid import Checkpoint
from bisae.pipeline import checkpoint as unit
from bisae.pipeline.ray.worker import Outcome, Task, run_task
from bisae.store import open_store, read_failure
from bisae.study import Study, dump_study
from support.removal import remove_cells

HOST = socket.gethostname()


@pytest.fixture
def task(copied_study: Study, tmp_path: Path) -> Task:
    """A checkpoint of the tiny study, of which one cell is to be built."""
    remove_cells(copied_study.store, "size=S,step=5,layer=1")
    path = tmp_path / "study.toml"
    path.write_text(dump_study(copied_study))
    checkpoint = Checkpoint("S", 5)
    return Task(str(path), copied_study.store, checkpoint, "run S/5", frozenset({1}))


def test_a_task_builds_its_checkpoint(task: Task) -> None:
    assert run_task(task) == Outcome("built")
    store = open_store(task.store)
    assert store.cell_status(store.cells[2]).codes


def test_a_task_that_fails_says_why(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unit, "open_model", lambda *_: 1 // 0)
    outcome = run_task(task)
    assert outcome.kind == "failed"
    assert outcome.reason.startswith("ZeroDivisionError: ")
    failure = read_failure(open_store(task.store), task.checkpoint)
    assert failure
    assert failure.host == HOST


def test_a_gpu_too_small_for_one_layer_fails_the_checkpoint(task: Task) -> None:
    """As the memory of a GPU would, the task's limit fits not even one layer."""
    outcome = run_task(task._replace(training_bytes=1000))
    assert outcome.kind == "failed"
    assert "one autoencoder needs 0.0 GB, 0.0 GB may be used; lower" in outcome.reason


def test_a_task_takes_over_from_its_own_dead_attempt_only(task: Task) -> None:
    store = open_store(task.store)
    store.task = "another run"
    with store.lease(task.checkpoint):
        outcome = run_task(task)
        assert outcome.kind == "held"
        assert outcome.reason.startswith("S/5 is being built by ")
    store.task = task.name
    lease = store.lease(task.checkpoint)
    lease.__enter__()  # the attempt dies with it
    assert run_task(task) == Outcome("built")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": "0.0.1"}, "is installed, not 0.0.1; install the same version"),
        ({"path": "/none/study.toml"}, "there is no /none/study.toml; keep the study"),
        ({"store": "/none"}, "there is no store /none; keep it where all machines"),
        ({"checkpoint": Checkpoint("S", 7)}, "no step 7 in this study"),
    ],
    ids=["version", "study", "store", "address"],
)
def test_what_a_machine_lacks_is_one_line_with_its_name(
    task: Task, change: dict[str, object], reason: str
) -> None:
    outcome = run_task(task._replace(**change))  # type: ignore[arg-type]
    assert outcome.kind == "unable"
    assert outcome.reason.startswith(f"{HOST}: ")
    assert reason in outcome.reason
    assert "\n" not in outcome.reason
