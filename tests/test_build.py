"""An interrupted build picks up; what is finished is never touched."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bisae.build import build, checkpoint_status
from bisae.cli import main
from bisae.configurations import with_layers
from bisae.grid import Cell, Selection, checkpoints
from bisae.store import SHARED, Store, create_store, open_store
from bisae.study import Study, dump_study


def arrays(store: Store, cell: Cell) -> list[np.ndarray]:
    weights = store.weights(cell)
    codes = list(store.codes(cell))
    return [
        *(weights[name] for name in sorted(weights)),
        *(one for block in codes for one in (block.index, block.value)),
    ]


def start(study: Path, before: str = "") -> subprocess.Popen[bytes]:
    """Build in a process of its own, with as many threads as the tests have."""
    code = before
    code += "from bisae.cli import main; import sys; main(['build', sys.argv[1]])"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, str(study)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)


def trained(place: Path) -> list[Path]:
    """The metadata of finished autoencoders."""
    found = place.glob("bisae.zarr/cells/*/*/*/sae/zarr.json")
    return [path for path in found if '"complete"' in path.read_text()]


def test_a_killed_build_goes_on_where_it_was(tiny: Store, tmp_path: Path) -> None:
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    path = tmp_path / "study.toml"
    path.write_text(dump_study(study))
    seen: dict[Path, int] = {}
    for wanted in (1, 4):
        process = start(path)
        while len(trained(tmp_path / "store")) < wanted:
            assert process.poll() is None, "the build ended before it could be killed"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert all(file.stat().st_mtime_ns == at for file, at in seen.items())
        seen = {file: file.stat().st_mtime_ns for file in trained(tmp_path / "store")}
    store = build(study, Selection())
    assert all(file.stat().st_mtime_ns == at for file, at in seen.items())
    for cell in study.cells:
        for one, other in zip(arrays(store, cell), arrays(tiny, cell), strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_checkpoint_that_is_killed_goes_on_inside_it(
    tiny: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw = {"store": str(tmp_path / "store"), "work_dir": str(tmp_path / "work")}
    study = tiny.study.model_copy(update=raw)
    path = tmp_path / "study.toml"
    path.write_text(dump_study(study))
    keep_always = "import bisae.train.resume as kept; kept.SHARE = 1e9\n"
    states: list[Path] = []
    while not states:  # it may just have finished a checkpoint when it is killed
        process = start(path, keep_always)
        while not list((tmp_path / "work").rglob("state.json")):
            assert process.poll() is None, "the build ended before it could be killed"
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        states = list((tmp_path / "work").rglob("state.json"))
    build(study, Selection(), ("train",))
    assert re.search(r"train [SM]/\d+: goes on from token \d", capsys.readouterr().err)
    assert not (tmp_path / "work").exists()
    store = open_store(tmp_path / "store")
    for cell in study.cells:
        here, there = store.weights(cell), tiny.weights(cell)
        assert all(np.array_equal(here[name], there[name]) for name in here), cell


def test_only_builds_what_is_selected(tiny: Store, tmp_path: Path) -> None:
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    only = Selection(sizes=frozenset({"S"}), steps=frozenset({40}))
    store = build(study, only, ("train",))
    done = [cell for cell in study.cells if store.progress(cell).sae]
    assert done == [cell for cell in study.cells if cell[:2] == ("S", 40)]
    assert not any(store.progress(cell).codes for cell in done)


def test_a_grown_grid_adds_to_the_store(tiny: Store, tmp_path: Path) -> None:
    shutil.copytree(str(tiny.place), tmp_path / "store")
    model = tiny.study.models[0].model_copy(update={"layers": (0, 1, 2)})
    models = (model, *tiny.study.models[1:])
    changed = {"store": str(tmp_path / "store"), "models": models}
    store = build(tiny.study.model_copy(update=changed), Selection())
    assert store.progress(Cell("S", 0, 0)).codes
    assert open_store(tmp_path / "store").study.models[0].layers == (0, 1, 2)


def test_all_layers_means_every_block(tiny_study: Study) -> None:
    models = with_layers(tiny_study).models
    assert [model.layers for model in models] == [(1, 2), (0, 1, 3)]
    assert [model.d_model for model in models] == [32, 48]


def test_cells_are_grouped_by_checkpoint(tiny: Store) -> None:
    groups = list(checkpoints(tiny.study.cells))
    assert [cell for group in groups for cell in group] == tiny.study.cells
    assert all(len({cell[:2] for cell in group}) == 1 for group in groups)


def test_one_pass_trains_every_layer(
    tiny: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Count what the language model is asked for, while two layers are trained."""
    from bisae.hidden import LanguageModel

    calls: list[int] = []
    plain = LanguageModel.hidden_states

    def counted(self: LanguageModel, *args: object) -> object:
        calls.append(1)
        return plain(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(LanguageModel, "hidden_states", counted)
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    only = Selection(sizes=frozenset({"S"}), steps=frozenset({0}))
    store = build(study, only, ("train",))
    documents = store.n_documents("train")
    assert len(calls) == -(-documents // study.lm.batch_documents)


def test_two_builds_share_the_work(tiny: Store, tmp_path: Path) -> None:
    """Side by side on one store, they build each checkpoint once."""
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    path = tmp_path / "study.toml"
    path.write_text(dump_study(study))
    log = tmp_path / "log"
    watch = (
        "import os, bisae.store.store as s\n"
        "plain = s.Store.write_sae\n"
        "def logged(self, cell, *rest):\n"
        f"    open({str(log)!r}, 'a').write(f'{{os.getpid()}} {{cell}}\\n')\n"
        "    plain(self, cell, *rest)\n"
        "s.Store.write_sae = logged\n"
    )
    processes = [start(path, watch) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    written = [line.split() for line in log.read_text().splitlines()]
    assert sorted(name for _, name in written) == sorted(map(str, tiny.cells))
    builders: dict[str, set[str]] = {}
    for pid, name in written:
        builders.setdefault(name.rpartition("/")[0], set()).add(pid)
    assert all(len(pids) == 1 for pids in builders.values())
    assert set().union(*builders.values()) == {str(one.pid) for one in processes}
    store = open_store(tmp_path / "store")
    for cell in tiny.cells:
        for one, other in zip(arrays(store, cell), arrays(tiny, cell), strict=True):
            np.testing.assert_array_equal(one, other)


def test_what_another_builds_is_left_to_them(
    tiny: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    other = create_store(study)
    with other.lease("S/5"):
        store = build(study, Selection(sizes=frozenset({"S"})), ("train",))
        line = capsys.readouterr().err
        assert re.search(
            r"S/5 is being built by .*process \d+ on .*; left to them", line
        )
        rows, unfinished = checkpoint_status(store)
        by = {row[:2]: row[-1] for row in rows.values}
        assert by["S", 5].endswith(f"process {os.getpid()} on {socket.gethostname()}")
        assert not by["S", 0]
    with other.lease(SHARED):
        told = CliRunner().invoke(main, ["status", str(store.place)])
    assert "what all cells share is being written by " in told.stderr
    trained = [cell for cell in tiny.cells if store.progress(cell).sae]
    assert trained == [c for c in tiny.cells if c.size == "S" and c.step != 5]
    assert unfinished == len(tiny.cells)


def test_kills_lose_nothing(tiny: Store, tmp_path: Path) -> None:
    """A few of what benchmarks/kills.py does a hundred times."""
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    path = tmp_path / "study.toml"
    path.write_text(dump_study(study))
    script = Path(__file__).parents[1] / "benchmarks" / "kills.py"
    command = [sys.executable, str(script), str(path), str(tiny.place), "--kills", "4"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    told = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("4 kills, ")
