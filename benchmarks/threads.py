"""Speed of PyTorch's threads, by the way in which they wait for each other.

    python benchmarks/threads.py
    python benchmarks/threads.py --busy 4

A small and a medium training step, and a pass of a language model of 135M parameters,
repeated for a few seconds; a fresh process each, since OpenMP reads its settings once.
All ways in turn, medians of several rounds; with `--busy`, next to that many processes
that never wait.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from bisae.formats import Rows, render
from bisae.sae import Trainer, start
from bisae.study import Sae

WAYS = {
    "default": {},
    "passive": {"OMP_WAIT_POLICY": "passive"},
    "spin 1,000": {"GOMP_SPINCOUNT": "1000"},
    "spin 10,000": {"GOMP_SPINCOUNT": "10000"},
    "spin 100,000": {"GOMP_SPINCOUNT": "100000"},
    "bound": {"OMP_PROC_BIND": "true"},
    "passive, bound": {"OMP_WAIT_POLICY": "passive", "OMP_PROC_BIND": "true"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
SETTINGS = {name for way in WAYS.values() for name in way}


def training(batch: int, d: int, n: int, k: int) -> Callable[[], object]:
    """Return one step of an autoencoder."""
    torch.manual_seed(0)
    x = torch.nn.functional.normalize(torch.randn(batch, d), dim=1)
    settings = Sae(n_features=n, k=k)
    trainer = Trainer(start(x[:1024], settings), settings, 1e-3)
    return lambda: trainer.step(x)


def language_model() -> Callable[[], object]:
    """Return a pass of a Llama of SmolLM2-135M's shape over 16 windows of 64 tokens."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=49_152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config).eval()
    token_id = torch.randint(config.vocab_size, (16, 64))

    def run() -> None:
        with torch.no_grad():
            model.model(token_id, use_cache=False)

    return run


WORKS = {
    "small step": lambda: training(256, 96, 512, 8),
    "medium step": lambda: training(2048, 512, 8192, 32),
    "language model": language_model,
}


def measure(name: str, seconds: float, busy: int) -> tuple[float, float]:
    """Return the runs per second of some work, and the processor seconds of a run."""
    work = WORKS[name]()
    work()  # the first run sets up what the others use
    others = [subprocess.Popen(["yes"], stdout=subprocess.DEVNULL) for _ in range(busy)]
    began, used, runs = time.perf_counter(), time.process_time(), 0
    while (passed := time.perf_counter() - began) < seconds:
        work()
        runs += 1
    used = time.process_time() - used
    for process in others:
        process.kill()
    return runs / passed, used / runs


def in_a_process(way: str, name: str, seconds: float, busy: int) -> tuple[float, float]:
    """Measure in a fresh process, whose threads wait in that way."""
    environment = {k: v for k, v in os.environ.items() if k not in SETTINGS}
    command = [sys.executable, __file__, "--work", name]
    command += ["--seconds", str(seconds), "--busy", str(busy)]
    result = subprocess.run(
        command, env=environment | WAYS[way], check=True, capture_output=True, text=True
    )
    rate, used = json.loads(result.stdout)
    print(f"{way}, {name}: {rate:.3g} a second", file=sys.stderr)
    return rate, used


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    parser.add_argument("--work", choices=WORKS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        print(json.dumps(measure(arguments.work, arguments.seconds, arguments.busy)))
        return
    results = {
        (way, name): []
        for _ in range(arguments.rounds)
        for way in arguments.ways
        for name in WORKS
    }
    for _ in range(arguments.rounds):
        for (way, name), measured in results.items():
            measured.append(in_a_process(way, name, arguments.seconds, arguments.busy))
    values = [
        (way, *(cell(results[way, name]) for name in WORKS)) for way in arguments.ways
    ]
    print(render(Rows(["threads", *WORKS], values), "markdown"), end="")


def cell(measured: list[tuple[float, float]]) -> str:
    """Format the median rate, its range, and the median processor time."""
    rates, used = zip(*measured, strict=True)
    middle, time_used = statistics.median(rates), statistics.median(used)
    return f"{middle:.3g} [{min(rates):.3g}, {max(rates):.3g}], {1e3 * time_used:.3g}"


if __name__ == "__main__":
    main()
