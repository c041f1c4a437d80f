"""The script that `bisae plan --slurm` prints, run with stand-ins for SLURM."""

import os
import re
import subprocess
from math import ceil
from pathlib import Path

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.pipeline.devices import GPUS
from bisae.pipeline.plan import plan
from bisae.study import load_draft
from support import ROOT

PAPER = ROOT / "examples" / "llm-jp-3.toml"


@pytest.fixture
def script(tmp_path: Path) -> Path:
    words = ["plan", str(PAPER), "--device", "h200", "--slurm"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    path = tmp_path / "job.sh"
    path.write_text(result.stdout)
    return path


def options(script: Path) -> dict[str, str]:
    lines = re.findall(r"^#SBATCH --(\S+?)(?:=(.*))?$", script.read_text(), re.M)
    return dict(lines)


def test_memory_and_hours_are_those_of_the_plan(script: Path) -> None:
    draft, _ = load_draft(PAPER)
    sizes = plan(draft, GPUS["h200"])
    asked = options(script)
    assert asked["mem"] == f"{ceil(1.5 * max(size.host_gb for size in sizes))}G"
    hours = sum(size.hours for size in sizes) / 16
    assert asked["time"] == f"{min(24, ceil(1.5 * hours))}:00:00"
    assert asked["array"] == "0-15"
    assert asked["gres"] == "gpu:1"
    assert asked["signal"] == "TERM@300"


@pytest.mark.parametrize(("status", "requeued"), [(0, False), (1, False), (143, True)])
def test_a_job_that_was_stopped_in_time_is_requeued(
    script: Path, tmp_path: Path, status: int, *, requeued: bool
) -> None:
    """srun and scontrol write what they are called with."""
    for name, code in {"srun": status, "scontrol": 0}.items():
        stand_in = tmp_path / name
        log = f'echo {name} "$@" >> {tmp_path}/log'
        stand_in.write_text(f"#!/bin/sh\n{log}\nexit {code}\n")
        stand_in.chmod(0o755)
    environment = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_CPUS_PER_TASK": "8",
        "SLURM_ARRAY_JOB_ID": "70",
        "SLURM_ARRAY_TASK_ID": "3",
    }
    result = subprocess.run(["bash", "-u", script], env=environment, check=False)
    assert result.returncode == status
    calls = (tmp_path / "log").read_text().splitlines()
    assert calls[0] == f"srun --cpus-per-task=8 bisae build {PAPER} --wait"
    assert calls[1:] == (["scontrol requeue 70_3"] if requeued else [])
