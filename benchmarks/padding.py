"""Time to compute states of short documents, in buckets and in whole padded blocks.

    OMP_WAIT_POLICY=passive python benchmarks/padding.py

An untrained Llama, random documents as long as paragraphs of manuals: of the 63 tokens
that fit, half of the documents have at most 29, a fifth have all. Both ways in turn,
medians of several rounds; `bisae` runs blocks in buckets.

Waiting is passive, as in `bisae`: threads that spin use processor time too.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from bisae.formats import Rows, render
from bisae.lm.states import StateBlocks, with_bos
from study import fill, make_study, wrapped


def seconds(work: Callable[[], object]) -> float:
    """Return the processor time of some work, which other processes hardly change."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, default in (("layers", 6), ("d", 256), ("documents", 256)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    lm = wrapped(arguments.d, arguments.layers)
    drawn = np.random.default_rng(0).lognormal(3.4, 0.75, arguments.documents)
    length = np.clip(drawn, 1, 63).astype(int)
    with tempfile.TemporaryDirectory() as folder:
        study = make_study(Path(folder), arguments.layers, arguments.documents * 63, {})
        store = fill(study, length)
        layers = [cell.layer for cell in study.cells]
        blocks = StateBlocks(store, "train", lm, study.cells)
        padded = [with_bos(block, 0) for block in store.documents("train", 128)]
        works: dict[str, Callable[[], object]] = {
            "padded blocks": lambda: [
                lm.hidden_states(*text, layers) for text in padded
            ],
            "blocks in buckets": lambda: [blocks[i] for i in range(len(blocks))],
        }
        computed = {name: positions(lm, work) for name, work in works.items()}
        rounds = [
            {name: seconds(work) for name, work in works.items()}
            for _ in range(arguments.rounds)
        ]
    taken = {name: statistics.median(times[name] for times in rounds) for name in works}
    first, real = taken["padded blocks"], int((length + 1).sum())
    values = [
        (name, f"{computed[name] / real - 1:.2f}", f"{t:.1f}", f"{t / first:.2f}")
        for name, t in taken.items()
    ]
    columns = ["states of", "padding per token", "processor seconds", "ratio"]
    print(render(Rows(columns, values), "markdown"), end="")


def positions(lm: object, work: Callable[[], object]) -> int:
    """Count the positions, padding included, that the model computes."""
    sizes: list[int] = []
    hook = lm._blocks[0].register_forward_pre_hook(
        lambda _, args: sizes.append(args[0].shape[0] * args[0].shape[1])
    )
    work()
    hook.remove()
    return sum(sizes)


if __name__ == "__main__":
    main()
