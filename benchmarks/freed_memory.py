"""Speed of pretraining with and without keeping the memory of freed tensors.

    python benchmarks/freed_memory.py

Steps of the models of examples/small-bilingual.toml on one thread: a vocabulary of
12,000, 32 windows of 64 tokens. A fresh process each, since the setting stays.
"""

import json
import resource
import subprocess
import sys
import time

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bisae.allocator import keep_freed_memory
from bisae.formats import Rows, render

SHAPES = {"0.5M": (96, 3), "1.5M": (160, 5), "4M": (256, 8)}
STEPS = 10


def measure(size: str, *, keep: bool) -> None:
    """Print tokens per processor second, and the system's share of that time."""
    if keep:
        keep_freed_memory()
    torch.set_num_threads(1)
    width, heads = SHAPES[size]
    config = LlamaConfig(
        vocab_size=12_000,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=6,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    batch = torch.randint(config.vocab_size, (32, 64))

    def step() -> None:
        model(input_ids=batch, labels=batch, use_cache=False).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    step()
    start, system = time.process_time(), system_seconds()
    for _ in range(STEPS):
        step()
    seconds = time.process_time() - start
    rate = STEPS * batch.numel() / seconds
    print(json.dumps([rate, (system_seconds() - system) / seconds]))


def system_seconds() -> float:
    """Return the time that the system worked for this process."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_stime


def main() -> None:
    """Measure every size in both ways and print a table."""
    rows: list[tuple[object, ...]] = []
    for size in SHAPES:
        results = [
            json.loads(
                subprocess.run(
                    [sys.executable, __file__, size, keep],
                    check=True,
                    stdout=subprocess.PIPE,
                ).stdout
            )
            for keep in ("", "keep")
        ]
        (before, before_system), (after, after_system) = results
        rows.append((size, before, before_system, after, after_system, after / before))
    names = ["size", "tokens/s", "system", "kept: tokens/s", "system", "ratio"]
    print(render(Rows(names, rows), "markdown"))


if __name__ == "__main__":
    if sys.argv[1:]:
        measure(sys.argv[1], keep=bool(sys.argv[2]))
    else:
        main()
