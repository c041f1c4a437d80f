"""The numeric core: top k, products with sparse codes, the geometric median.

Codes are (index, value) of shape (tokens, k). From the top k on, only k features of a
token are touched; nothing is as wide as the dictionary but the gradient itself, and a
block of pre-activations. On CUDA the kernels of `cuda` do the work where Triton is
installed; `sparse` and `top_k` are the same in PyTorch alone.
"""

from functools import cache
from types import ModuleType

import torch
from torch import Tensor

from bisae.sae.kernels import sparse
from bisae.sae.kernels.median import geometric_median
from bisae.sae.kernels.scratch import Scratch, block_rows, row_blocks
from bisae.sae.kernels.sparse import ByFeature, by_feature
from bisae.sae.kernels.top_k import largest

__all__ = [
    "ByFeature",
    "Scratch",
    "block_rows",
    "by_feature",
    "chosen",
    "decode",
    "encode",
    "gather_dot",
    "gathered_in",
    "geometric_median",
    "row_blocks",
    "transposed_product",
]


def encode(
    x: Tensor,
    rows: Tensor,
    bias: Tensor | None,
    k: int,
    product: torch.dtype,
    scratch: Scratch,
) -> tuple[Tensor, Tensor]:
    """The k largest positive entries of x rows^T + bias: index, value, (tokens, k).

    x (tokens, d), rows (n, d), bias (n,). Descending; ties go to the lower index; an
    unused place has index 0 and value 0, at the row's end. The product is computed in
    `product`, a block of tokens at a time, so the (tokens, n) matrix is never whole.
    """
    x, rows = x.to(product), rows.to(product)
    index = torch.empty(len(x), k, dtype=torch.long, device=x.device)
    value = torch.empty(len(x), k, device=x.device)
    for block in row_blocks(x, len(rows)):
        part = x[block]
        pre = scratch.empty("pre", (len(part), len(rows)), product, x.device)
        torch.mm(part, rows.T, out=pre)
        if bias is not None:
            pre.add_(bias.to(product))
        index[block], value[block] = chosen(pre, k, scratch)
    return index, value


def chosen(pre: Tensor, k: int, scratch: Scratch) -> tuple[Tensor, Tensor]:
    """The k largest positive entries, as `encode` gives them: (tokens, n)."""
    triton = _triton_for(pre)
    return triton.top_k(pre, k) if triton else largest(pre, k, scratch)


def gathered_in(product: torch.dtype, device: torch.device) -> torch.dtype:
    """What rows are gathered in, where the encoder's product is computed in `product`.

    Gathers wait for memory, so on a GPU they are as narrow as the product; on a CPU,
    whose cache holds the dictionary, that would only cost precision.
    """
    return product if device.type == "cuda" else torch.float32


def decode(index: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Sum value * rows[index] over each code: (tokens, k), (n, d) -> (tokens, d)."""
    triton = _triton_for(rows)
    return (triton or sparse).decode(index, value, rows)  # type: ignore[no-any-return]


def gather_dot(index: Tensor, rows: Tensor, other: Tensor) -> Tensor:
    """rows[index] . other: (tokens, k), (n, d), (tokens, d) -> (tokens, k)."""
    triton = _triton_for(rows)
    return (triton or sparse).gather_dot(index, rows, other)  # type: ignore[no-any-return]


def transposed_product(
    places: ByFeature, value: Tensor, other: Tensor, out: Tensor
) -> Tensor:
    """Z^T other, Z the dense (tokens, n) form of a code: (tokens, d) -> (n, d)."""
    triton = _triton_for(other)
    return (triton or sparse).transposed_product(places, value, other, out)  # type: ignore[no-any-return]


def _triton_for(tensor: Tensor) -> ModuleType | None:
    return _triton() if tensor.is_cuda else None


@cache
def _triton() -> ModuleType | None:
    try:
        from bisae.sae.kernels import cuda
    except ImportError:
        return None
    return cuda
