"""Time of one training step, compared with the encoder's matrix product alone.

    python benchmarks/step.py
    python benchmarks/step.py --device cuda --d 2048 --n 32768 --batch 32768

Whole steps: forward, backward, Adam, unit norm. All systems run in turn, so that other
work of the machine affects all alike; the table gives medians and their ratio to the
float32 product into a preallocated output (on a GPU the bfloat16 one). `sparsify` and
`sae-lens` need `pip install '.[bench]'`, otherwise their rows are left out.
"""

import argparse
import importlib.util
import os
import statistics
import time
from collections.abc import Callable

import torch
from dense import Dense
from torch import Tensor

from bisae.formats import Rows, render
from bisae.sae import Trainer, start
from bisae.study import Sae

Step = Callable[[], object]


def product(x: Tensor, n: int, dtype: torch.dtype) -> Step:
    """Return the encoder's matrix product into a preallocated output."""
    rows = torch.randn(n, x.shape[1], device=x.device, dtype=dtype)
    inputs, out = x.to(dtype), torch.empty(len(x), n, device=x.device, dtype=dtype)
    return lambda: torch.mm(inputs, rows.T, out=out)


def ours(x: Tensor, n: int, k: int, dtype: str) -> Step:
    """Return this project's step."""
    settings = Sae(n_features=n, k=k, product=dtype)
    trainer = Trainer(start(x[:1024], settings), settings, 1e-3)
    return lambda: trainer.step(x)


def dense(x: Tensor, n: int, k: int) -> Step:
    """Return the step of benchmarks/dense.py."""
    sae = Dense(x.shape[1], n, k, str(x.device))
    return lambda: sae.step(x)


def sparsify(x: Tensor, n: int, k: int) -> Step:
    """Return eai-sparsify's step, in the order of its trainer.

    If Triton is installed, it decodes with Triton on a CPU too, which cannot work.
    """
    if x.device.type == "cpu":
        os.environ["SPARSIFY_DISABLE_TRITON"] = "1"  # read when it is imported
    from sparsify import SparseCoder, SparseCoderConfig

    config = SparseCoderConfig(num_latents=n, k=k)
    sae = SparseCoder(x.shape[1], config, device=x.device, dtype=torch.float32)
    adam = torch.optim.Adam(sae.parameters(), lr=1e-3)

    def step() -> None:
        sae.set_decoder_norm_to_unit_norm()
        sae(x).fvu.backward()
        sae.remove_gradient_parallel_to_decoder_directions()
        adam.step()
        adam.zero_grad()

    return step


def sae_lens(x: Tensor, n: int, k: int) -> Step:
    """SAELens's step, in the order of its trainer, its auxiliary loss off."""
    from sae_lens import TopKTrainingSAE, TopKTrainingSAEConfig
    from sae_lens.saes.sae import TrainStepInput

    config = TopKTrainingSAEConfig(
        d_in=x.shape[1], d_sae=n, k=k, device=str(x.device), aux_loss_coefficient=0.0
    )
    sae = TopKTrainingSAE(config)
    adam = torch.optim.Adam(sae.parameters(), lr=1e-3)
    inputs = TrainStepInput(
        sae_in=x,
        coefficients={},
        dead_neuron_mask=None,
        n_training_steps=1,
        is_logging_step=False,
    )

    def step() -> None:
        sae.training_forward_pass(inputs).loss.backward()
        torch.nn.utils.clip_grad_norm_(sae.parameters(), 1.0)
        adam.step()
        adam.zero_grad()

    return step


def systems(x: Tensor, n: int, k: int) -> dict[str, Step]:
    """Return the compared systems by name; ratios are to the first."""
    widths = {"float32": torch.float32, "bfloat16": torch.bfloat16}
    order = sorted(widths, reverse=x.device.type == "cpu")
    systems_by_name = {f"product, {w}": product(x, n, widths[w]) for w in order}
    systems_by_name |= {f"bisae, {w}": ours(x, n, k, w) for w in order}
    systems_by_name["dense"] = dense(x, n, k)
    if importlib.util.find_spec("sparsify"):
        systems_by_name["sparsify"] = sparsify(x, n, k)
    if importlib.util.find_spec("sae_lens"):
        systems_by_name["sae-lens"] = sae_lens(x, n, k)
    return systems_by_name


def measure(steps: dict[str, Step], runs: int, device: str) -> dict[str, float]:
    """Median seconds of each, all in turn."""
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(runs + 2):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            if device == "cuda":
                torch.cuda.synchronize()
            if turn >= 2:  # the first two warm up
                taken[name].append(time.perf_counter() - began)
    return {name: statistics.median(times) for name, times in taken.items()}


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu")
    for name, default in (("d", 512), ("n", 8192), ("k", 32), ("batch", 2048)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--runs", type=int, default=11)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    x = torch.randn(arguments.batch, arguments.d, device=arguments.device)
    x = torch.nn.functional.normalize(x, dim=1)
    results = measure(
        systems(x, arguments.n, arguments.k), arguments.runs, arguments.device
    )
    first = next(iter(results.values()))
    values = [
        (name, round(1e3 * taken, 1), round(taken / first, 2))
        for name, taken in results.items()
    ]
    print(render(Rows(["step", "ms", "ratio"], values), "markdown"), end="")


if __name__ == "__main__":
    main()
