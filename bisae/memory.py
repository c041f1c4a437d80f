"""Estimate the memory of training and intervention, and how many layers fit.

Arithmetic without allocation: reads the study and a model's shape. Counts what the code
of `train`, `sae`, `lm` and `intervene` holds at once; benchmarks/README.md compares it
with measurements.
"""

import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch

from bisae.errors import MachineError, OutOfMemory
from bisae.lm import ModelShape, chosen_device, chosen_dtype
from bisae.sae import product_dtype
from bisae.sae.kernels import block_rows
from bisae.study import Study

T = TypeVar("T")
FREE_SHARE = 0.9
"""Share of the free memory that training may use; the rest is for what is not counted,
such as fragmentation."""
HOST_SLACK = 1.2
"""Resident host memory relative to what is counted: the model's file while it is read,
and what the allocator keeps. Measured as 1.20 to 1.23 at one and at four layers."""


class Need(NamedTuple):
    """Bytes needed on the training device."""

    once: int
    """The model, its activations, and what the steps of all autoencoders share."""
    layer: int
    """For each layer: its hidden states in the buffer, and in the model's last pass."""
    sae: int
    """For each autoencoder: float32 weights, and Adam's two moments."""

    def of(self, layers: int, saes: int) -> int:
        """Return the bytes for some number of layers and autoencoders at once."""
        return self.once + layers * self.layer + saes * self.sae


def device_of(study: Study) -> torch.device:
    """Return the study's device, whether this machine has it or not."""
    return chosen_device(study.lm.device)


def state_bytes(study: Study) -> int:
    """Return the bytes of one number of the language model."""
    return chosen_dtype(study.lm.dtype, device_of(study)).itemsize


def need(
    study: Study, shape: ModelShape, n_params: int, *, trains: bool = True
) -> Need:
    """Return what training needs in addition to the libraries.

    Without training, that is to encode with imported autoencoders: no buffer, no Adam.
    """
    d, n = shape.d_model, study.sae.n_features
    device, wide = device_of(study), state_bytes(study)
    batch = study.sae.batch_tokens
    slots = study.sae.buffer_batches * batch
    document_tokens = study.lm.batch_documents * study.corpus.context
    on_device = study.lm.buffer == "device" or device.type == "cpu"
    parameters = _autoencoder_numbers(study, d)
    return Need(
        once=n_params * wide
        # A block's insides: queries, keys, values, an MLP four times as wide, gated.
        + document_tokens * 16 * d * wide
        + _step_bytes(study, d, device),
        layer=(slots * on_device * trains + document_tokens) * d * wide,
        sae=(3 if trains else 1) * 4 * parameters + 8 * n,
    )


def _step_bytes(study: Study, d: int, device: torch.device) -> int:
    """Return a step's peak bytes besides weights: while gradients are computed."""
    n, k, batch = study.sae.n_features, study.sae.k, study.sae.batch_tokens
    narrow = product_dtype(study.sae, device) == torch.bfloat16
    pre = min(batch, block_rows(device, n)) * n
    # The input, centred; the error and its gradient; a rounded or spare copy.
    rows = batch * d * 4 * 5
    # Index and value; the order by feature; weights and tokens in that order.
    codes = batch * k * (8 + 4 + 8 + 8 + 4 + 8)
    gradients = 2 * n * d * 4
    if study.sae.architecture == "relu":
        return rows + codes + 2 * gradients + 4 * pre * 4
    # W_enc for the product; on a GPU W_dec and two batches for the gathers.
    gathered = device.type == "cuda"
    rounded = (n * d + (n * d + 2 * batch * d) * gathered + pre) * 2 if narrow else 0
    return rows + codes + gradients + pre * 4 + rounded


def measuring_bytes(study: Study, shape: ModelShape, n_params: int) -> int:
    """Return bytes of the intervention: a model, the autoencoder, a batch's logits."""
    settings, wide = study.intervention, state_bytes(study)
    documents = (settings and settings.batch_documents) or study.lm.batch_documents
    # The states of the layer: cached, a copy, and the steering vectors in float32.
    numbers = shape.vocab_size * wide + shape.d_model * (2 * wide + 4)
    batch = documents * study.corpus.context * numbers
    sae = 4 * _autoencoder_numbers(study, shape.d_model)
    return n_params * wide + sae + batch


def translating_bytes(study: Study, shape: ModelShape, n_params: int) -> int:
    """Return bytes before translation begins: both models and the autoencoder."""
    sae = 4 * _autoencoder_numbers(study, shape.d_model)
    return 2 * n_params * state_bytes(study) + sae


def kv_cache_bytes(study: Study, shape: ModelShape) -> int:
    """Return the maximum bytes of a token's keys and values in both models."""
    return 2 * 2 * shape.n_layers * shape.d_model * state_bytes(study)


def _autoencoder_numbers(study: Study, d: int) -> int:
    n = study.sae.n_features
    return 2 * n * d + d + (n if study.sae.encoder_bias else 0)


def host_bytes(study: Study, shape: ModelShape, layers: int, on_device: int) -> int:
    """Return the bytes of host memory, including this process's libraries."""
    if device_of(study).type == "cpu":
        return libraries() + int(HOST_SLACK * on_device)
    slots = study.sae.buffer_batches * study.sae.batch_tokens
    waiting = slots * layers * shape.d_model * state_bytes(study)
    # A layer's state passes through here on its way to the disk.
    passing = 3 * 4 * 2 * study.sae.n_features * shape.d_model
    return libraries() + (waiting if study.lm.buffer == "host" else 0) + passing


def libraries() -> int:
    """Return the resident bytes of this process, or its peak if only that is known."""
    status = Path("/proc/self/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * resource.getpagesize()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024)


def available(study: Study) -> int:
    """Return the bytes training may use: `memory_gb`, or most of the free memory."""
    if study.lm.memory_gb is not None:
        return int(study.lm.memory_gb * 1e9)
    device = device_of(study)
    if device.type == "cuda" and not torch.cuda.is_available():
        msg = f"device {study.lm.device!r} was requested, but PyTorch sees no CUDA "
        msg += "device; use auto, or give [lm] memory_gb to plan for another machine"
        raise MachineError(msg)
    if device.type == "cuda":
        return int(FREE_SHARE * torch.cuda.mem_get_info(device)[0])
    return int(FREE_SHARE * _free_host() / HOST_SLACK)


def divide_into_passes(
    items: Sequence[T], need: Need, room: int, *, layers: bool
) -> list[list[T]]:
    """Divide items to train evenly into the fewest passes that fit in `room` bytes.

    With `layers` each item has its own layer, else all share one. Raises OutOfMemory if
    not even one item fits.
    """
    per_item = need.sae + (need.layer if layers else 0)
    fixed = need.once + (0 if layers else need.layer)
    fit = (room - fixed) // per_item
    if fit < 1:
        msg = f"one autoencoder needs {(fixed + per_item) / 1e9:.1f} GB, "
        msg += f"{room / 1e9:.1f} GB may be used; lower [sae] batch_tokens, "
        msg += "buffer_batches or n_features, or raise [lm] memory_gb"
        raise OutOfMemory(msg)
    passes = -(-len(items) // fit)
    bounds = [len(items) * number // passes for number in range(passes + 1)]
    return [list(items[a:b]) for a, b in pairwise(bounds)]


@contextmanager
def explain_out_of_memory(saes: int) -> Iterator[None]:
    """Turn a failed allocation into an OutOfMemory that says which setting to lower."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, OutOfMemory) or not _is_out_of_memory(error):
            raise
        advice = "lower [sae] batch_tokens or buffer_batches"
        if saes > 1:
            advice = f"lower [lm] memory_gb, so that fewer than {saes} train at once"
        msg = f"out of memory while {saes} autoencoders train at once; {advice}"
        raise OutOfMemory(msg) from error


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)


def _free_host() -> int:
    """Return the free bytes of host memory within this process's control group."""
    info = Path("/proc/meminfo")
    if not info.exists():
        return (
            2**62
        )  # unknown: train all layers at once, and let an error say what to lower
    lines = dict(line.split(":") for line in info.read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    limit, used = (Path(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit.exists() and (text := limit.read_text().strip()).isdecimal():
        free = min(free, int(text) - int(used.read_text()))
    return free
