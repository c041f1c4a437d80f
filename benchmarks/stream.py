"""Peak memory of writing and of reading a cell's codes, at two numbers of tokens.

    python benchmarks/stream.py [--rows 1000000 10000000]

Each row is a fresh process: codes of n 32,768, K 32, drawn block by block, appended to
a store; then read to the end as Arrow batches. Prints peak resident size and raw MB/s.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bisae.formats import Rows, render
from bisae.grid import Cell
from bisae.store import Store, create_store, open_store
from study import make_study

N, K, BLOCK = 32_768, 32, 8_064
CELL = Cell("M", 0, 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.inside:
        work, folder = arguments.inside
        {"write": write, "read": read}[work](Path(folder), arguments.rows[0])
        return
    results = []
    for rows in arguments.rows:
        with TemporaryDirectory() as folder:
            for work in ("write", "read"):
                results.append((work, rows, *measure(work, folder, rows)))
    print(render(Rows(["work", "tokens", "peak MB", "raw MB/s"], results), "markdown"))


def measure(work: str, folder: str, rows: int) -> tuple[float, float]:
    """Measure the peak resident size of a fresh process, and its speed."""
    command = [sys.executable, __file__, "--inside", work, folder, "--rows", str(rows)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds, peak = map(float, output.split())
    return peak, rows * K * 4 / seconds / 1e6


def write(folder: Path, rows: int) -> None:
    """Append codes with Zipf-distributed features and exponential values."""
    study = make_study(folder, 1, 2 * 63, {"n_features": N, "k": K, "batch_tokens": 63})
    store = create_store(study)
    weights = {"W_dec": np.zeros((N, 1), np.float32)}
    store.write_sae(CELL, weights, np.zeros(1, np.float32), {})
    draw, seconds = np.random.default_rng(0), 0.0
    with store.write_codes(CELL, rows) as writer:
        for first in range(0, rows, BLOCK):
            index, value = codes(draw, min(BLOCK, rows - first))
            began = time.perf_counter()
            writer.append(index, value)
            seconds += time.perf_counter() - began
        began = time.perf_counter()
        writer.finish({})
        report(seconds + time.perf_counter() - began)


def codes(draw: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw rows of distinct features with descending values."""
    rank = N ** draw.random((rows, K)) - 1  # log-uniform: Zipf with exponent 1
    index = (rank.astype(np.int64) * 12_289 + np.arange(K)) % N
    value = -np.sort(-draw.exponential(0.1, (rows, K)), axis=1)
    return index, value


def read(folder: Path, rows: int) -> None:
    """Read every batch."""
    store: Store = open_store(folder / "store")
    began = time.perf_counter()
    n = sum(batch.num_rows for batch in store.read_codes(CELL))
    assert n > 0.99 * rows * K
    report(time.perf_counter() - began)


def report(seconds: float) -> None:
    """Print seconds and the peak of memory in MB."""
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000)


if __name__ == "__main__":
    main()
