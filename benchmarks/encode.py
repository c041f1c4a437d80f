"""Time to encode hidden states, and to measure reconstructions from fewer codes too.

    OMP_WAIT_POLICY=passive python benchmarks/encode.py

One block of random unit states, an autoencoder as it starts. Medians of several rounds,
in processor time, which other work on the machine changes less.
"""

import argparse
import statistics
import time
from unittest.mock import patch

import torch

from bisae.formats import Rows, render
from bisae.sae import ReconstructionMetrics, metrics, start
from bisae.sae.kernels import Scratch
from bisae.study import Sae


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    sizes = {"d": 512, "n": 32_768, "k": 32, "tokens": 8_064, "rounds": 7}
    for name, default in {**sizes, "threads": 2}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    x = torch.randn(arguments.tokens, arguments.d)
    x /= x.norm(dim=1, keepdim=True)
    sae = start(x, Sae(n_features=arguments.n, k=arguments.k))
    scratch = Scratch()
    fewer = {"without fewer codes": {}, "with fewer codes": metrics.FEWER}
    times: dict[str, list[float]] = {name: [] for name in ["reconstruct", *fewer]}
    for _ in range(arguments.rounds):
        began = time.process_time()
        reconstruction = sae.reconstruct(x, scratch)
        times["reconstruct"].append(time.process_time() - began)
        for name, divisors in fewer.items():
            with patch.object(metrics, "FEWER", divisors):
                fit = ReconstructionMetrics(sae)
            began = time.process_time()
            fit.add(x, reconstruction)
            times[name].append(time.process_time() - began)
    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    values = [
        (
            name,
            round(1e6 * median / arguments.tokens, 1),
            median / medians["reconstruct"],
        )
        for name, median in medians.items()
    ]
    columns = ["what", "CPU microseconds per token", "of reconstruct"]
    print(render(Rows(columns, values), "markdown"), end="")


if __name__ == "__main__":
    main()
