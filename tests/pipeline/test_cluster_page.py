"""The scripts of docs/cluster.md, run by bash with stand-ins for what is not here."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from support import ROOT

PAGE = (ROOT / "docs" / "cluster.md").read_text("utf-8")
SCRIPTS = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
STAND_INS = ("bisae", "sbatch", "ray", "pip", "sleep")


def calls_of(script: str, folder: Path, n_unfinished: int = 0) -> list[str]:
    """Run a script; return the commands that it calls, with the GPU they see.

    `bisae status` says a number of times that something is left to build.
    """
    log = folder / "log"
    for name in STAND_INS:
        (folder / name).write_text(
            f'#!/bin/sh\necho "{name} $* gpu=$CUDA_VISIBLE_DEVICES" >> {log}\n'
            f'[ "$1" != status ] || [ $(grep -c status {log}) -gt {n_unfinished} ] '
            "|| exit 3\n"
        )
        (folder / name).chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["bash", "-eu", "-c", script]
    subprocess.run(command, env=environment, cwd=folder, check=True)
    return [line.removesuffix(" gpu=") for line in log.read_text().splitlines()]


@pytest.fixture
def scripts() -> dict[str, str]:
    """The scripts by what they are about, so that none is forgotten."""
    assert len(SCRIPTS) == 4
    return dict(zip(("gpus", "slurm", "ray", "watch"), SCRIPTS, strict=True))


def test_one_worker_for_each_gpu(scripts: dict[str, str], tmp_path: Path) -> None:
    *workers, last = calls_of(scripts["gpus"], tmp_path)
    build = "bisae build study.toml --wait"
    assert sorted(workers) == [f"{build} gpu={gpu}" for gpu in range(4)]
    assert last == "bisae status store"


def test_a_job_array_is_submitted(scripts: dict[str, str], tmp_path: Path) -> None:
    calls = calls_of(scripts["slurm"], tmp_path)
    assert calls[1] == "sbatch --partition gpu job.sh"
    assert (tmp_path / "job.sh").exists()


def test_a_cluster_is_started_and_joined(
    scripts: dict[str, str], tmp_path: Path
) -> None:
    *_, token, head, node, build = calls_of(scripts["ray"], tmp_path)
    assert token == "ray get-auth-token --generate"
    assert head == "ray start --head --port 6379"
    assert node == "ray start --address first:6379"
    assert build == "bisae build study.toml --engine ray --address first:6379"


def test_a_script_waits_for_the_end(scripts: dict[str, str], tmp_path: Path) -> None:
    calls = calls_of(scripts["watch"], tmp_path, n_unfinished=2)
    assert calls.count("bisae status store") == 3
    assert calls.count("sleep 600") == 2
