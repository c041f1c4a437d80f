"""A Ray cluster of two machines builds what one process builds, whatever dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.errors import MachineError
from bisae.grid import Checkpoint, Selection
from bisae.pipeline.build import build
from bisae.pipeline.plan import TaskMemory, task_memory
from bisae.pipeline.prepare import prepare_build
from bisae.pipeline.ray.worker import Task
from bisae.store import Store, open_store, read_failure
from bisae.study import Study, load_study
from support.equal import assert_equal_stores
from support.store_copy import study_file_beside

GB = 10**9


def test_without_ray_the_extra_is_named(
    tiny: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "bisae.pipeline.ray.cluster", raising=False)
    study = Path(str(tiny.path)).parent / "tiny.toml"
    result = CliRunner().invoke(main, ["build", str(study), "--engine", "ray"])
    assert result.exit_code == 1
    message = "Ray is not installed; `pip install 'bisae[ray]'` installs it"
    assert result.stderr == f"Error: {message}\n"


@pytest.mark.parametrize(
    "options", [["--address", "head:6379"], ["--engine", "ray", "--wait"]], ids=str
)
def test_options_that_contradict_each_other(tiny: Store, options: list[str]) -> None:
    study = Path(str(tiny.path)).parent / "tiny.toml"
    result = CliRunner().invoke(main, ["build", str(study), *options])
    assert result.exit_code == 2
    assert "--address belongs to --engine ray, which waits without" in result.stderr


def test_a_task_asks_for_the_memory_that_is_planned(tiny_study: Study) -> None:
    """Training may use what all layers take; the host adds the libraries."""
    memory = task_memory(tiny_study, "M")
    assert memory.training_bytes
    assert memory.host_bytes > memory.training_bytes
    lm = tiny_study.lm.model_copy(update={"device": "cuda"})
    on_gpu = task_memory(tiny_study.model_copy(update={"lm": lm}), "M")
    assert on_gpu.training_bytes is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n_gpus", "need", "cores"), [(0, 10, 2), (1, 10, 4), (0, 64, 16), (0, 65, 0)]
)
def test_a_machine_is_divided_among_the_tasks_that_fit(
    n_gpus: int, need: int, cores: int
) -> None:
    """16 cores, four GPUs and 64 GB: of 10 GB six fit, or one for each GPU."""
    pytest.importorskip("ray")
    from bisae.pipeline.ray.cluster import _cores_of_a_task

    machine = {"CPU": 16.0, "GPU": 4.0, "memory": 64.0 * GB, "node:head": 1.0}
    assert _cores_of_a_task(machine, need * GB, n_gpus) == cores


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without cores, and two machines of one core each."""
    cluster_utils = pytest.importorskip("ray.cluster_utils")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")  # equal to the bit only so
        patch.setenv("RAY_memory_monitor_refresh_ms", "0")
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        size = {"object_store_memory": 80 * 2**20, "memory": 8 * GB}
        running = cluster_utils.Cluster(
            initialize_head=True, head_node_args={"num_cpus": 0, **size}
        )
        running.machines = [running.add_node(num_cpus=1, **size) for _ in range(2)]
        yield running
        running.shutdown()


def study_in(tiny: Store, folder: Path) -> Path:
    """The tiny study's file in another folder, with nothing built."""
    return study_file_beside(Path(str(tiny.path)).parent / "tiny.toml", folder)


@pytest.mark.slow
def test_no_machine_is_large_enough(
    cluster: Any, tiny: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bisae.pipeline.ray import driver

    path = study_in(tiny, tmp_path / "study")
    work = prepare_build(load_study(path), Selection())
    large = TaskMemory(100 * GB, None)
    monkeypatch.setattr(driver, "task_memory", lambda *_: large)
    with pytest.raises(MachineError, match=r"^no machine of the Ray cluster has 100"):
        driver.build_with_ray(work, path, cluster.address)


@pytest.mark.slow
def test_a_worker_of_another_version_ends_the_run(
    cluster: Any, tiny: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bisae.pipeline.ray import driver

    path = study_in(tiny, tmp_path / "study")
    work = prepare_build(load_study(path), Selection())
    monkeypatch.setattr(driver, "Task", partial(Task, version="0.0.1"))
    with pytest.raises(MachineError, match=r"is installed, not 0\.0\.1; install"):
        driver.build_with_ray(work, path, cluster.address)


@pytest.mark.slow
def test_a_cluster_that_cannot_be_reached(tiny: Store, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    from bisae.pipeline.ray import driver

    path = study_in(tiny, tmp_path / "study")
    work = prepare_build(load_study(path), Selection())
    with pytest.raises(MachineError, match=r"^cannot join the Ray cluster at 127.*:9"):
        driver.build_with_ray(work, path, "127.0.0.1:9")


def kill_a_worker_and_remove_a_machine(cluster: Any, store: Path) -> None:
    """Once each is in the middle of a checkpoint."""
    killed = wait_for_holder(store, set())
    os.kill(killed, signal.SIGKILL)
    machine = machine_of(cluster, wait_for_holder(store, {killed}))
    cluster.machines.remove(machine)
    cluster.remove_node(machine, allow_graceful=False)


def machine_of(cluster: Any, process: int) -> Any:
    """The machine whose raylet started a process, or one of its parents."""
    by_raylet = {m.all_processes["raylet"][0].process.pid: m for m in cluster.machines}
    while process not in by_raylet:
        stat = Path(f"/proc/{process}/stat").read_text()
        process = int(stat.rpartition(")")[2].split()[1])
    return by_raylet[process]


def wait_for_holder(store: Path, not_these: set[int]) -> int:
    """Wait until a worker builds a checkpoint; return its process."""
    while True:
        if (store / "bisae.zarr" / "cells").exists():
            opened = open_store(store)
            for checkpoint in {cell.checkpoint for cell in opened.cells}:
                holder = opened.holder(checkpoint)
                if holder and holder.pid not in not_these:
                    return holder.pid
        time.sleep(0.2)


@pytest.mark.slow
def test_whatever_dies_the_store_is_the_same(
    cluster: Any, tiny: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One worker is killed and one machine removed; the last test of the cluster."""
    from bisae.pipeline.ray.driver import build_with_ray

    path = study_in(tiny, tmp_path / "study")
    engine = partial(build_with_ray, path=path, address=cluster.address)
    arguments = cluster, path.parent / "store"
    chaos = threading.Thread(target=kill_a_worker_and_remove_a_machine, args=arguments)
    chaos.start()
    store = build(load_study(path), Selection(), engine=engine)
    chaos.join()
    assert len(cluster.machines) == 1
    assert capfd.readouterr().err.count("the worker died (") >= 2
    assert_equal_stores(store, tiny)
    assert read_failure(store, Checkpoint("S", 0)) is None


@pytest.mark.slow
def test_ctrl_c_ends_the_tasks_at_a_safe_point(tiny: Store, tmp_path: Path) -> None:
    """Leases are given back, and nothing is left half-written."""
    pytest.importorskip("ray")
    path = study_in(tiny, tmp_path / "study")
    store = path.parent / "store"
    words = ["build", str(path), "--engine", "ray", "--only", "size=S"]
    with subprocess.Popen(
        [sys.executable, "-m", "bisae", *words], stderr=subprocess.PIPE, text=True
    ) as command:
        wait_for_holder(store, set())
        command.send_signal(signal.SIGINT)
        _, said = command.communicate(timeout=300)
    assert command.returncode == 130
    assert "`bisae build` was stopped by SIGINT; what is finished is kept" in said
    opened = open_store(store)
    assert not any(opened.holder(cell.checkpoint) for cell in opened.cells)
    leases = [file.read_text() for file in store.glob("leases/S/*.json")]
    assert leases
    assert all('"given_back": true' in lease for lease in leases)
    assert not [*store.glob("unfinished/*")]


@pytest.mark.slow
def test_a_cluster_of_this_machine_builds_the_same_and_ends(
    tiny: Store, tmp_path: Path
) -> None:
    pytest.importorskip("ray")
    from bisae.pipeline.ray.driver import build_with_ray

    path = study_in(tiny, tmp_path / "study")
    engine = partial(build_with_ray, path=path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setattr(os, "sched_getaffinity", lambda _: {0})
        store = build(load_study(path), Selection(), engine=engine)
    assert_equal_stores(store, tiny)
