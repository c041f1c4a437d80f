"""Peak memory of training, compared with the dense step and with the plan.

    python benchmarks/memory.py

Every figure is the peak resident size of a fresh process, median of five. First a few
steps at batch 16,384, of bisae and dense. Then `bisae train` at batch 8,192, next to
the estimate of `bisae plan`.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import tomli_w
import torch
from dense import Dense

from bisae.formats import Rows, render
from bisae.sae import Trainer, start
from bisae.study import Sae
from study import fill, make_lm, make_study

D, N, K, STEPS = 512, 8192, 32, 3


def some_steps(system: str, batch: int) -> None:
    """Run a few steps of one system."""
    torch.set_num_threads(2)
    x = torch.nn.functional.normalize(torch.randn(batch, D), dim=1)
    settings = Sae(n_features=N, k=K)
    if system == "dense":
        dense = Dense(D, N, K, "cpu")
        for _ in range(STEPS):
            dense.step(x)
    elif system == "bisae":
        trainer = Trainer(start(x[:1024], settings), settings, 1e-3)
        for _ in range(STEPS):
            trainer.step(x)


def train(study: str) -> None:
    """Run the command `bisae train`."""
    from bisae.cli import main as bisae

    torch.set_num_threads(2)
    bisae(["train", study], standalone_mode=False)


def peak(*work: str) -> float:
    """Return the peak resident gigabytes of this script at `work`, in a new process."""
    command = [sys.executable, __file__, "--work", *work]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(result.stdout.split()[-1])


def against_dense(batch: int, runs: int) -> list[tuple[object, ...]]:
    """Measure rows of the table: this step and the dense one."""
    peaks = {
        name: statistics.median(peak("steps", name, str(batch)) for _ in range(runs))
        for name in ("nothing", "bisae", "dense")
    }
    return [
        (
            f"{name}, batch {batch:,}",
            round(gigabytes, 2),
            round(gigabytes / peaks["dense"], 2),
        )
        for name, gigabytes in peaks.items()
    ]


def against_plan(batch: int, layers: int, runs: int) -> list[tuple[object, ...]]:
    """Measure rows of the table: the memory of training, and the plan's estimate."""
    with tempfile.TemporaryDirectory() as folder:
        work_folder = Path(folder)
        make_lm(D, layers).save_pretrained(work_folder / "lm" / "0")
        sae = {"n_features": N, "k": K, "batch_tokens": batch}
        study = make_study(work_folder, layers, 12 * batch, sae)
        path = work_folder / "study.toml"
        path.write_text(tomli_w.dumps(study.model_dump(mode="json", exclude_none=True)))
        command = [sys.executable, "-m", "bisae", "plan", str(path), "--format", "json"]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        planned = json.loads(result.stdout)[0]["host_gb"]
        fill(study)
        taken = []
        for _ in range(runs):
            for cells in (work_folder / "store" / "bisae.zarr").glob("cells"):
                subprocess.run(["rm", "-r", str(cells)], check=True)
            taken.append(peak("train", str(path)))
    median_peak = statistics.median(taken)
    what = f"{layers} layers, batch {batch:,}"
    return [
        (f"bisae train, {what}", round(median_peak, 2), 1.0),
        (f"bisae plan, {what}", round(planned, 2), round(planned / median_peak, 2)),
    ]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--work", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        what, *rest = arguments.work
        if what == "steps":
            some_steps(rest[0], int(rest[1]))
        else:
            train(rest[0])
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)
        return
    rows = against_dense(16_384, arguments.runs)
    rows += against_plan(8192, 1, arguments.runs) + against_plan(
        8192, 4, arguments.runs
    )
    print(render(Rows(["process", "GB", "ratio"], rows), "markdown"), end="")


if __name__ == "__main__":
    main()
