"""The GPU rows of benchmarks/README.md: a step, and the training of one checkpoint.

    make bench-gpu

Steps at the paper's widths are measured as by `step.py`, alongside those of other
projects if `pip install '.[bench]'` was run. Then all layers of an untrained model are
trained on random text: tokens a second, and the peak of the GPU's memory against the
plan. A few minutes on an H200; without a GPU it says so and measures nothing.
"""

import argparse
import tempfile
import time
from pathlib import Path

import torch
from step import measure, systems

from bisae.formats import Rows, render
from bisae.lm import LanguageModel
from bisae.memory import need
from bisae.store import Store
from bisae.train import train_checkpoint
from study import fill, make_lm, make_study

WIDTHS = (512, 1024, 2048, 3072)
"""Widths of the paper's models; 1,536 lies between two others."""
N, K, BATCH = 32_768, 32, 32_768
RUNS = 7
D, LAYERS, TOKENS = 1024, 16, 40 * BATCH
"""The paper's second smallest model, and enough text for forty steps."""


def steps(d: int) -> Rows:
    """Measure complete steps at a width, all systems in turn."""
    torch.manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(BATCH, d, device="cuda"), dim=1)
    seconds = measure(systems(x, N, K), RUNS, "cuda")
    first = next(iter(seconds.values()))
    values = [
        (name, round(1e3 * taken, 2), round(taken / first, 2))
        for name, taken in seconds.items()
    ]
    return Rows([f"step, d {d:,}", "ms", "ratio"], values)


def training() -> Rows:
    """Train every layer of one checkpoint; compare the peak with the plan."""
    with tempfile.TemporaryDirectory() as folder:
        sae = {"n_features": N, "k": K, "batch_tokens": BATCH}
        study = make_study(Path(folder), LAYERS, TOKENS, sae)
        on_gpu = {"device": "cuda", "dtype": "bfloat16"}
        lm_settings = study.lm.model_copy(update=on_gpu)
        study = study.model_copy(update={"lm": lm_settings})
        store: Store = fill(study)
        lm = LanguageModel(make_lm(D, LAYERS).to("cuda", torch.bfloat16))
        torch.cuda.reset_peak_memory_stats()
        began = time.perf_counter()
        train_checkpoint(store, lm, store.cells)
        seconds = time.perf_counter() - began
    peak = torch.cuda.max_memory_allocated() / 1e9
    planned = need(study, lm.shape, lm.n_params).of(LAYERS, LAYERS) / 1e9
    values = [
        ("tokens a second, every layer of each", round(TOKENS / seconds)),
        ("peak of allocated memory, GB", round(peak, 2)),
        ("plan, GB", round(planned, 2)),
        ("plan / peak", round(planned / peak, 2)),
    ]
    return Rows([f"training {LAYERS} layers, d {D:,}", "measured"], values)


def main() -> None:
    """Measure and print tables, or the reason for which nothing is measured."""
    argparse.ArgumentParser(description=__doc__.partition("\n")[0]).parse_args()
    if not torch.cuda.is_available():
        print("skipped: PyTorch sees no CUDA device")
        return
    print(f"{torch.cuda.get_device_name()}, PyTorch {torch.__version__}\n")
    for d in WIDTHS:
        print(render(steps(d), "markdown"), flush=True)
        torch.cuda.empty_cache()  # the next width's tensors have other sizes
    print(render(training(), "markdown"), end="")


if __name__ == "__main__":
    main()
