"""Memory that is used again by every step, of every autoencoder."""

import math

import torch
from torch import Tensor

BLOCK = {"cpu": 2**26, "cuda": 2**28}
"""Bytes of pre-activations, as float32, that are held at once: enough rows to keep the
encoder's product at full speed."""


class Scratch:
    """Tensors by name, made once. What was given out is overwritten by the next user.

    On a CPU memory fresh from the system costs a page fault every 4 KiB: at d 512,
    n 8,192 and 2,048 tokens as much time as all that a step does beside the product.
    """

    def __init__(self) -> None:
        self._held: dict[str, Tensor] = {}

    def empty(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        device: torch.device,
    ) -> Tensor:
        """An uninitialised tensor; no larger than the largest asked for by `name`."""
        size = math.prod(shape)
        held = self._held.get(name)
        if held is None or held.numel() < size or held.dtype != dtype:
            held = self._held[name] = torch.empty(size, dtype=dtype, device=device)
        return held[:size].view(shape)


def block_rows(device: torch.device, n: int) -> int:
    """How many rows of an (rows, n) matrix stay within BLOCK."""
    return max(1, BLOCK.get(device.type, BLOCK["cpu"]) // (4 * n))


def row_blocks(x: Tensor, n: int) -> list[slice]:
    """Blocks of x's rows whose (rows, n) matrix stays within BLOCK."""
    rows = block_rows(x.device, n)
    return [slice(first, min(first + rows, len(x))) for first in range(0, len(x), rows)]
