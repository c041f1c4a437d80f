"""The speed of matrix products and the memory of devices.

GPUs have their published numbers, this machine is measured. Reads a study and
PyTorch's description of the processor; writes notes to standard error.
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
"""The assumed share of a published peak. Large products of the best shape reached 0.80
of it on an H200 and 0.86 on an A100, in bfloat16 (Bekman, Machine Learning Engineering,
"Maximum Achievable Matmul FLOPS"); other shapes reach less."""
BESIDES_PRODUCT = {
    "cpu": (torch.float32, 0.42),
    "cuda": (torch.bfloat16, 0.7),
}
"""The rest of a training step besides the encoder's product, in products of a dtype:
measured on a CPU, counted for an H200 (benchmarks/README.md, "One training step")."""
BFLOAT16_INSTRUCTIONS = frozenset({"avx512_bf16", "amx_bf16", "bf16", "sve_bf16"})
"""PyTorch's names for the instructions of x86 and ARM."""


class Device(NamedTuple):
    """A device as a plan assumes it."""

    title: str
    kind: str
    """As `[lm] device` names it."""
    rates: Mapping[torch.dtype, float]
    """Operations a second of a large matrix product."""
    memory_gb: float | None = None
    """The memory of a GPU that need not be in this machine; None for this machine,
    whose free memory counts."""

    def step_seconds(self, operations: float, product: torch.dtype) -> float:
        """Return the seconds of training steps from their encoder's operations."""
        dtype, products = BESIDES_PRODUCT.get(self.kind, BESIDES_PRODUCT["cpu"])
        rest = products / self.rates[dtype]
        return operations * (1 / self.rates[product] + rest)


def _gpu(title: str, memory_gb: float, bfloat16: float, float32: float) -> Device:
    """Describe a GPU by its published dense peaks, in operations per second."""
    narrow = UTILISATION * bfloat16
    wide = UTILISATION * float32
    rates = {torch.bfloat16: narrow, torch.float16: narrow, torch.float32: wide}
    return Device(title, "cuda", rates, memory_gb)


# From NVIDIA's data sheets, SXM, without sparsity. PyTorch multiplies float32 on the
# ordinary cores unless TF32 is enabled.
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
    """Return the study as it would run on a device.

    The study's `memory_gb` applies to its own kind of device, up to that one's memory.
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
    """Measure the operations per second of a large matrix product on this machine."""
    side = 8192 if device.type == "cuda" else 2048
    matrix = torch.randn(side, side, device=device).to(dtype)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        seconds.append(time.perf_counter() - start)
    return 2 * side**3 / min(seconds)


def note_slow_bfloat16(study: Study) -> None:
    """Warn if the study uses bfloat16 on a CPU that has no instructions for it."""
    settings = {"[sae] product": study.sae.product, "[lm] dtype": study.lm.dtype}
    slow = [name for name, dtype in settings.items() if dtype == "bfloat16"]
    if slow and device_of(study).type == "cpu" and not has_bfloat16():
        note(
            f"{' and '.join(slow)}: this CPU has no instructions for bfloat16, which "
            'takes several times as long as float32 here; "auto" chooses float32'
        )


def has_bfloat16() -> bool:
    """Return true if this CPU multiplies bfloat16, or if PyTorch does not know."""
    if not hasattr(torch.cpu, "get_capabilities"):
        return True
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in BFLOAT16_INSTRUCTIONS)


def _measured(study: Study, device: torch.device) -> Device:
    """Measure this machine in the dtypes that the study needs."""
    dtypes = {torch.float32, chosen_dtype(study.lm.dtype, device)}
    dtypes |= {product_dtype(study.sae, device)}
    dtypes |= {torch.bfloat16} if device.type == "cuda" else set()
    rates = {dtype: matmul_rate(device, dtype) for dtype in sorted(dtypes, key=str)}
    title = "this machine's CPU" if device.type == "cpu" else "this machine's GPU"
    return Device(title, device.type, rates)
