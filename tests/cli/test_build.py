"""An interrupted build picks up; what is finished is never touched."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.grid import Cell, Selection, checkpoints, parse_selection
from bisae.lm.configurations import with_layers
from bisae.pipeline.build import build
from bisae.pipeline.status import checkpoint_status
from bisae.store import SHARED, Store, create_store, open_store
from bisae.study import Study, dump_study
from support import ROOT
from support.removal import remove_cells
from support.store_copy import copy_store

ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
"""For processes that train: equal to the bit only with as many threads as the tests."""


def arrays(store: Store, cell: Cell) -> list[np.ndarray]:
    weights = store.weights(cell)
    codes = list(store.codes(cell))
    return [
        *(weights[name] for name in sorted(weights)),
        *(item for block in codes for item in (block.index, block.value)),
    ]


@pytest.fixture
def unbuilt(copied_study: Study) -> Study:
    """The tiny study over a copy of its store, from which a checkpoint is removed."""
    remove_cells(copied_study.store, "size=S,step=40")
    return copied_study


def write_study(study: Study, folder: Path) -> Path:
    """Write a study's file."""
    path = folder / "study.toml"
    path.write_text(dump_study(study))
    return path


WAIT = """
import itertools, sys

def wait_after(owner, name, calls):
    '''Wait for the kill once a function was called so often.'''
    plain, numbers = getattr(owner, name), itertools.count(1)

    def waiting(*args, **kwargs):
        result = plain(*args, **kwargs)
        if next(numbers) == calls:
            print("waiting", flush=True)
            sys.stdin.read()
        return result

    setattr(owner, name, waiting)
"""


BUILD = """
from pathlib import Path
from bisae.pipeline.build import build
from bisae.grid import Selection
from bisae.study import load_study

build(load_study(Path(sys.argv[1])), Selection())
"""


def kill(path: Path, moment: str) -> None:
    """Build a study in another process, and kill it at a moment of its work."""
    with subprocess.Popen(
        [sys.executable, "-c", f"{WAIT}{moment}\n{BUILD}", str(path)],
        env=ONE_THREAD,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == b"waiting\n"
        process.kill()
    assert process.returncode == -signal.SIGKILL


def finished(store: str) -> dict[str, int]:
    """When the finished parts of all cells were written."""
    parts = Path(store).glob("bisae.zarr/cells/*/*/*/*")
    files = [file for section in parts for file in section.glob("zarr.json")]
    return {
        str(file): file.stat().st_mtime_ns
        for file in files
        if '"complete"' in file.read_text()
    }


TRAINED = "import bisae.store as s; wait_after(s.Store, 'write_sae', 1)"
ENCODED = "import bisae.store.writers as w; wait_after(w.CodesWriter, 'finish', 1)"


@pytest.mark.parametrize(
    "moments",
    [[ENCODED], pytest.param([TRAINED, ENCODED], marks=pytest.mark.slow)],
    ids=["once", "twice"],
)
def test_a_killed_build_goes_on_where_it_was(
    tiny: Store, unbuilt: Study, tmp_path: Path, moments: list[str]
) -> None:
    path, seen = write_study(unbuilt, tmp_path), finished(unbuilt.store)
    for moment in moments:
        kill(path, moment)
        now = finished(unbuilt.store)
        assert len(now) > len(seen)
        assert now.items() >= seen.items()
        seen = now
    store = build(unbuilt, Selection())
    assert len(finished(unbuilt.store)) == len(seen) + 1
    assert finished(unbuilt.store).items() >= seen.items()
    for cell in unbuilt.cells:
        for item, second in zip(arrays(store, cell), arrays(tiny, cell), strict=True):
            np.testing.assert_array_equal(item, second)


def test_a_checkpoint_that_is_killed_goes_on_inside_it(
    tiny: Store, unbuilt: Study, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is killed two batches after its state was saved, which is after each four."""
    moment = "import bisae.train.resume as r, bisae.train.run as t; r.SHARE = 1e9"
    kill(write_study(unbuilt, tmp_path), f"{moment}; wait_after(t, '_learn', 6)")
    assert list((tmp_path / "work").rglob("state.json"))
    build(unbuilt, Selection(), ("train",))
    tokens = 4 * unbuilt.sae.batch_tokens
    said = f"train S/40: resuming from token {tokens:,} of "
    assert said in capsys.readouterr().err
    assert not (tmp_path / "work").exists()
    store = open_store(unbuilt.store)
    for cell in unbuilt.cells:
        position, there = store.weights(cell), tiny.weights(cell)
        assert all(np.array_equal(position[name], there[name]) for name in position), (
            cell
        )


def test_only_builds_what_is_selected(tiny: Store, tmp_path: Path) -> None:
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    only = Selection(sizes=frozenset({"S"}), steps=frozenset({40}))
    store = build(study, only, ("train",))
    done = [cell for cell in study.cells if store.cell_status(cell).sae]
    assert done == [cell for cell in study.cells if cell[:2] == ("S", 40)]
    assert not any(store.cell_status(cell).codes for cell in done)


def test_a_grown_grid_adds_to_the_store(tiny: Store, tmp_path: Path) -> None:
    copy_store(tiny, tmp_path / "store")
    model = tiny.study.models[0].model_copy(update={"layers": (0, 1, 2)})
    models = (model, *tiny.study.models[1:])
    changed = {"store": str(tmp_path / "store"), "models": models}
    only = Selection(sizes=frozenset({"S"}), steps=frozenset({0}))
    store = build(tiny.study.model_copy(update=changed), only)
    assert store.cell_status(Cell("S", 0, 0)).codes
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
    from bisae.lm import LanguageModel

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
    probes = 2  # whether the model is causal
    validations = 2 * -(-store.n_documents("valid") // study.lm.batch_documents)
    passes = -(-documents // study.lm.batch_documents)
    assert len(calls) == probes + passes + validations


SHARE = """
import os, sys, time
from pathlib import Path
import bisae.store as s
from bisae.pipeline.build import build
from bisae.grid import parse_selection
from bisae.study import load_study

folder, plain = Path(sys.argv[1]), s.Store.write_sae
log, end = folder / "log", time.monotonic() + 120

def logged(self, cell, *rest, **options):
    with log.open("a") as lines:
        lines.write(f"{os.getpid()} {cell}\\n")
    while len(set(log.read_text().split()[::2])) < 2 and time.monotonic() < end:
        time.sleep(0.01)  # until the other one has begun as well
    plain(self, cell, *rest, **options)

s.Store.write_sae = logged
only = parse_selection(sys.argv[2])
build(load_study(folder / "study.toml"), only, ("train", "encode"))
"""


def test_two_builds_share_the_work(
    tiny: Store, copied_study: Study, tmp_path: Path
) -> None:
    """Side by side on one store, they train and encode each checkpoint once.

    As the workers of these tests do with all stages of the tiny study.
    """
    write_study(copied_study, tmp_path)
    only = "size=S,layer=1"
    remove_cells(copied_study.store, only)
    command = [sys.executable, "-c", SHARE, str(tmp_path), only]
    processes = [subprocess.Popen(command, env=ONE_THREAD) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    written = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    cells = parse_selection(only).of(tiny.cells)
    assert sorted(name for _, name in written) == sorted(map(str, cells))
    assert {pid for pid, _ in written} == {str(item.pid) for item in processes}
    store = open_store(copied_study.store)
    for cell in cells:
        for item, second in zip(arrays(store, cell), arrays(tiny, cell), strict=True):
            np.testing.assert_array_equal(item, second)


def test_what_another_builds_is_left_to_them(
    tiny: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tiny.study.model_copy(update={"store": str(tmp_path / "store")})
    second = create_store(study)
    with second.lease("S/5"):
        store = build(study, Selection(sizes=frozenset({"S"})), ("train",))
        line = capsys.readouterr().err
        assert re.search(
            r"S/5 is being built by .*process \d+ on .*; skipping it", line
        )
        statuses = checkpoint_status(store)
        by = {status[:2]: status.built_by or "" for status in statuses}
        assert by["S", 5].endswith(f"process {os.getpid()} on {socket.gethostname()}")
        assert not by["S", 0]
    with second.lease(SHARED):
        message = CliRunner().invoke(main, ["status", str(store.path)])
    assert "the shared tables are being written by " in message.stderr
    trained = [cell for cell in tiny.cells if store.cell_status(cell).sae]
    assert trained == [c for c in tiny.cells if c.size == "S" and c.step != 5]
    assert sum(s.layers - s.exported for s in statuses) == len(tiny.cells)


@pytest.fixture
def smaller(tiny: Store, tmp_path: Path) -> Study:
    """A study of two of the tiny study's cells, and in its store what those have."""
    copy_store(tiny, tmp_path / "reference")
    remove_cells(tmp_path / "reference", "size=M", "layer=2", "step=5")
    model = tiny.study.models[0].model_copy(update={"steps": (0, 40), "layers": (1,)})
    changed = {
        "models": (model,),
        "pretrain": None,
        "intervention": None,
        "store": str(tmp_path / "reference"),
        "work_dir": str(tmp_path / "work"),
    }
    study = tiny.study.model_copy(update=changed)
    (tmp_path / "reference" / "study.toml").write_text(dump_study(study))
    return study


@pytest.mark.slow
def test_kills_lose_nothing(smaller: Study, tmp_path: Path) -> None:
    """A few of what benchmarks/kills.py does a hundred times."""
    study = smaller.model_copy(update={"store": str(tmp_path / "store")})
    path = write_study(study, tmp_path)
    script = ROOT / "benchmarks" / "kills.py"
    command = [sys.executable, str(script), str(path), smaller.store]
    command += ["--kills", "4", "--longest", "5"]
    result = subprocess.run(command, env=ONE_THREAD, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("4 kills, ")
