"""Memory reused by every step of every autoencoder."""

import math

import torch
from torch import Tensor

BLOCK = {"cpu": 2**26, "cuda": 2**28}
"""Maximum bytes of pre-activations, as float32, in memory at once: enough rows for the
encoder's product to run at full speed."""


class Scratch:
    """Tensors by name, allocated once; the next user of a name overwrites its tensor.

    On a CPU, newly allocated memory costs a page fault every 4 KiB: at d 512, n 8,192
    and 2,048 tokens as much time as everything in a step except the product.
    """

    def __init__(self) -> None:
        self._tensors: dict[str, Tensor] = {}

    def empty(
        self,
        name: str,
        shape: tuple[int, ...],
        dtype: torch.dtype,
        device: torch.device,
    ) -> Tensor:
        """Return an uninitialized tensor, a view of the one allocated for `name`."""
        size = math.prod(shape)
        tensor = self._tensors.get(name)
        if tensor is None or tensor.numel() < size or tensor.dtype != dtype:
            tensor = self._tensors[name] = torch.empty(size, dtype=dtype, device=device)
        return tensor[:size].view(shape)


def block_rows(device: torch.device, n: int) -> int:
    """Return how many rows of an (rows, n) matrix fit in BLOCK bytes."""
    return max(1, BLOCK.get(device.type, BLOCK["cpu"]) // (4 * n))


def row_blocks(x: Tensor, n: int) -> list[slice]:
    """Divide x's rows into blocks whose (rows, n) matrix fits in BLOCK bytes."""
    rows = block_rows(x.device, n)
    return [slice(first, min(first + rows, len(x))) for first in range(0, len(x), rows)]
