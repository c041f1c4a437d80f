"""Several `bisae build --wait` build one study together, and each stays to the end."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.grid import Checkpoint, parse_selection
from bisae.pipeline import local
from bisae.pipeline.local import build_as_worker
from bisae.pipeline.prepare import prepare_build
from bisae.store import Store, create_store, open_store
from bisae.study import Study, dump_study
from support.equal import assert_equal_stores
from support.removal import remove_cells
from support.store_copy import study_file_beside

ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}


def test_a_worker_waits_for_what_others_build(
    copied_study: Study,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """S/5 is held at first, and given back while the worker sleeps."""
    remove_cells(copied_study.store, "size=S,layer=1")
    work = prepare_build(copied_study, parse_selection("size=S,layer=1"), ("train",))
    held = create_store(copied_study).lease("S/5")
    held.__enter__()
    rounds = list[set[Checkpoint]]()

    def sleep(_seconds: float) -> None:
        cells = [cell for cell in work.cells if work.store.cell_status(cell).sae]
        rounds.append({cell.checkpoint for cell in cells})
        if len(rounds) == 2:
            held.__exit__(None, None, None)

    monkeypatch.setattr(time, "sleep", sleep)
    assert build_as_worker(work) == {}
    others = {Checkpoint("S", 0), Checkpoint("S", 40)}
    assert rounds == [others, others]
    line = "others build 1 of the checkpoints that are left; waiting\n"
    assert capsys.readouterr().err.count(line) == 1
    assert work.store.cell_status(work.cells[1]).sae


def test_a_signal_ends_a_worker_that_waits(
    copied_study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(dump_study(copied_study))
    kill = partial(os.kill, os.getpid(), signal.SIGTERM)
    monkeypatch.setattr(time, "sleep", lambda _: kill())
    words = ["build", str(path), "--wait", "--only", "size=S,step=5"]
    with create_store(copied_study).lease("S/5"):
        result = CliRunner().invoke(main, words)
    assert result.exit_code == 143
    line = result.stderr.splitlines()[-1]
    assert "`bisae build` was stopped by SIGTERM; what is finished is kept" in line


def test_workers_begin_at_different_checkpoints(copied_study: Study) -> None:
    work = prepare_build(copied_study, parse_selection("size=S"), ("export",))
    firsts = {local._from_random_start(work.checkpoints)[0] for _ in range(100)}
    assert firsts == set(work.checkpoints)
    assert sorted(local._from_random_start(work.checkpoints)) == work.checkpoints


@pytest.mark.slow
def test_three_workers_build_what_one_process_builds(
    tiny: Store, tmp_path: Path
) -> None:
    """Each ends with status 0 after everything is built; one of them reports."""
    home = Path(str(tiny.path)).parent
    path = study_file_beside(home / "tiny.toml", tmp_path / "study")
    command = [sys.executable, "-m", "bisae", "build", str(path), "--wait"]
    workers = [subprocess.Popen(command, env=ONE_THREAD) for _ in range(3)]
    assert [worker.wait() for worker in workers] == [0, 0, 0]
    store = open_store(path.parent / "store")
    assert (path.parent / "store" / "reports" / "index.html").exists()
    assert_equal_stores(store, tiny)
