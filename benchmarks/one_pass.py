"""Time to train all layers in one pass, compared with one pass per layer.

    python benchmarks/one_pass.py

An untrained Llama, random text. All layers in one pass; one pass of the model and the
steps of each autoencoder, each timed alone, with their sum as the reference; a run for
each layer, as in most code. Medians of several rounds, all in turn.
"""

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch

from bisae.formats import Rows, render
from bisae.grid import Cell
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import StateBlocks
from bisae.sae import Trainer, start
from bisae.sae.kernels import Scratch
from bisae.store import Store
from bisae.study import Study
from bisae.train import train_checkpoint
from study import fill, make_study, wrapped


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def train(study: Study, lm: LanguageModel, cells: list[Cell]) -> None:
    """Train cells from scratch."""
    shutil.rmtree(Path(study.store) / "bisae.zarr" / "cells", ignore_errors=True)
    train_checkpoint(Store(Path(study.store), study), lm, cells)


def steps(study: Study, lm: LanguageModel, tokens: int) -> None:
    """Run the steps of one layer on a batch that is in memory."""
    x = torch.randn(study.sae.batch_tokens, lm.d_model)
    x = unit_states(x)
    trainer = Trainer(start(x, study.sae), study.sae, 1e-3, Scratch())
    for _ in range(-(-tokens // study.sae.batch_tokens)):
        trainer.step(x)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("layers", 8), ("d", 256), ("n", 4096), ("k", 32)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--tokens", type=int, default=65_536)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    lm = wrapped(arguments.d, arguments.layers)
    calls = count_calls(lm)
    sae = {"n_features": arguments.n, "k": arguments.k, "batch_tokens": arguments.batch}
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(Path(folder), arguments.layers, arguments.tokens, sae)
        blocks = StateBlocks(fill(study), "train", lm, study.cells)
        works: dict[str, Callable[[], object]] = {
            "all layers, one pass": lambda: train(study, lm, study.cells),
            "the model alone": lambda: [blocks[i] for i in range(len(blocks))],
            "every layer's steps alone": lambda: [
                steps(study, lm, arguments.tokens) for _ in study.cells
            ],
            "a run for each layer": lambda: [
                train(study, lm, [cell]) for cell in study.cells
            ],
        }
        train(study, lm, study.cells)
        forwards = len(calls)
        rounds = [
            {n: seconds(w) for n, w in works.items()} for _ in range(arguments.rounds)
        ]
    medians = {n: statistics.median(times[n] for times in rounds) for n in works}
    alone = medians["the model alone"] + medians["every layer's steps alone"]
    values = [
        (n, round(median, 1), round(median / alone, 2)) for n, median in medians.items()
    ]
    print(render(Rows(["what", "seconds", "ratio"], values), "markdown"), end="")
    print(f"\n{forwards} forward passes for {len(blocks)} batches of documents")


def count_calls(lm: LanguageModel) -> list[None]:
    """Return a list that grows with every pass of the model."""
    calls: list[None] = []
    plain = lm.hidden_states

    def counted(*arguments: object) -> object:
        calls.append(None)
        return plain(*arguments)

    lm.hidden_states = counted
    return calls


if __name__ == "__main__":
    main()
