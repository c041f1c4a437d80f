"""How fast devices multiply matrices, and how much memory they have.

GPUs by their published numbers, this machine by measuring. Reads a study and what
PyTorch knows of the processor; writes notes to standard error.
"""

import time
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import torch

from bisae.lm import chosen_dtype
from bisae.memory import FREE_SHARE, available, device_of
from bisae.progress import note
from bisae.sae import product_dtype
from bisae.study import Study

UTILISATION = 0.7
"""Of a published peak, what products reach here. Large products of the best shape were
measured to reach 0.80 of it on an H200 and 0.86 on an A100, in bfloat16 (Bekman,
Machine Learning Engineering, "Maximum Achievable Matmul FLOPS"); not all are so."""
BESIDE_PRODUCT = {
    "cpu": (torch.float32, 0.42),
    "cuda": (torch.bfloat16, 0.7),
}
"""What a training step does beside the encoder's product, in products of a dtype:
measured on a CPU, counted for an H200 (benchmarks/README.md, "One training step")."""
BFLOAT16_INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16", "bf16", "sve_bf16"})
"""Of x86 and ARM, by PyTorch's names."""


class Device(NamedTuple):
    """What a plan assumes of a device."""

    title: str
    kind: str
    """As `[lm] device` names it."""
    rates: Mapping[torch.dtype, float]
    """Operations a second of a large matrix product."""
    memory_gb: float | None = None
    """Of a GPU that need not be here; of this machine it is what is free."""

    def step_seconds(self, operations: float, product: torch.dtype) -> float:
        """Seconds of training steps whose encoder products have so many operations."""
        dtype, products = BESIDE_PRODUCT.get(self.kind, BESIDE_PRODUCT["cpu"])
        beside = products / self.rates[dtype]
        return operations * (1 / self.rates[product] + beside)


def _gpu(title: str, memory_gb: float, bfloat16: float, float32: float) -> Device:
    """A GPU by its published dense peaks, operations a second."""
    narrow = UTILISATION * bfloat16
    wide = UTILISATION * float32
    rates = {torch.bfloat16: narrow, torch.float16: narrow, torch.float32: wide}
    return Device(title, "cuda", rates, memory_gb)


# From NVIDIA's data sheets, SXM, without sparsity. PyTorch multiplies float32 on the
# ordinary cores unless TF32 is asked for.
GPUS = {
    "h200": _gpu("one H200", 141, bfloat16=989e12, float32=67e12),
    "a100": _gpu("one A100", 80, bfloat16=312e12, float32=19.5e12),
}


def choose_device(study: Study, name: str | None = None) -> Device:
    """Return the device to plan for: h200, a100, this machine's cpu, or the study's.

    Where this machine has no GPU and the study asks for one, that is an H200.
    """
    if name in GPUS:
        return GPUS[name]
    device = torch.device("cpu") if name == "cpu" else device_of(study)
    if device.type == "cuda" and not torch.cuda.is_available():
        return GPUS["h200"]
    return _measured(study, device)


def on_device(study: Study, device: Device) -> Study:
    """Return the study as it would run there.

    A `memory_gb` of the study holds for its own kind of device, as far as that has it.
    """
    same_kind = device_of(study).type == device.kind
    limit = study.lm.memory_gb if same_kind else None
    if device.memory_gb:
        limit = min(limit or FREE_SHARE * device.memory_gb, device.memory_gb)
    name = study.lm.device if same_kind else device.kind
    update = {"device": name, "memory_gb": limit}
    return study.model_copy(update={"lm": study.lm.model_copy(update=update)})


def assumptions(study: Study, device: Device) -> str:
    """Say in one line what the plan of a study on a device assumes."""
    speeds = " and ".join(
        f"{_speed(rate)} in {str(dtype).removeprefix('torch.')}"
        for dtype, rate in device.rates.items()
        if dtype != torch.float16
    )
    room = f"{available(study) / 1e9:.1f} GB may be used"
    if device.memory_gb:
        speeds += f", {UTILISATION} of the published peaks"
        room = f"of {device.memory_gb:g} GB of memory {room}"
    else:
        speeds += ", measured now"
    return f"{device.title}: matrix products at {speeds}; {room}"


def _speed(rate: float) -> str:
    if rate >= 1e12:
        return f"{rate / 1e12:,.0f} TFLOP/s"
    return f"{rate / 1e9:,.0f} GFLOP/s"


@cache
def matmul_rate(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """Measure the operations a second of a large matrix product here, once."""
    side = 8192 if device.type == "cuda" else 2048
    left = torch.randn(side, side, device=device).to(dtype)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        (left @ left)[0, 0].item()
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds)


def note_slow_bfloat16(study: Study) -> None:
    """Warn where the study asks a CPU for bfloat16 that it has no instructions for."""
    settings = {"[sae] product": study.sae.product, "[lm] dtype": study.lm.dtype}
    slow = [name for name, dtype in settings.items() if dtype == "bfloat16"]
    if slow and device_of(study).type == "cpu" and not has_bfloat16():
        note(
            f"{' and '.join(slow)}: this CPU has no instructions for bfloat16, which "
            'takes several times as long as float32 here; "auto" chooses float32'
        )


def has_bfloat16() -> bool:
    """Whether this machine's CPU multiplies bfloat16; true if PyTorch cannot tell."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return True
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in BFLOAT16_INSTRUCTIONS)


def _measured(study: Study, device: torch.device) -> Device:
    """This machine, in the dtypes that the study needs."""
    dtypes = {torch.float32, chosen_dtype(study.lm.dtype, device)}
    dtypes |= {product_dtype(study.sae, device)}
    dtypes |= {torch.bfloat16} if device.type == "cuda" else set()
    rates = {dtype: matmul_rate(device, dtype) for dtype in sorted(dtypes, key=str)}
    title = "this machine's CPU" if device.type == "cpu" else "this machine's GPU"
    return Device(title, device.type, rates)
