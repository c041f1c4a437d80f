"""The numeric core: top k, products with sparse codes, the geometric median.

Codes are (index, value) of shape (tokens, k). After the top k only k features of a
token are computed with; only the gradient itself and a block of pre-activations are as
wide as the dictionary. On CUDA the kernels of `cuda` are used if Triton is installed;
`sparse` and `top_k` are the same in PyTorch alone.
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
    "decode",
    "encode",
    "gather_dot",
    "gather_dtype",
    "geometric_median",
    "row_blocks",
    "select_top_k",
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
    unused slot has index 0 and value 0, at the row's end. The product is computed in
    the dtype `product`, a block of tokens at a time, so the (tokens, n) matrix is never
    in memory as a whole.
    """
    x, rows = x.to(product), rows.to(product)
    index = torch.empty(len(x), k, dtype=torch.long, device=x.device)
    value = torch.empty(len(x), k, device=x.device)
    for block in row_blocks(x, len(rows)):
        tokens = x[block]
        pre = scratch.empty("pre", (len(tokens), len(rows)), product, x.device)
        torch.mm(tokens, rows.T, out=pre)
        if bias is not None:
            pre.add_(bias.to(product))
        index[block], value[block] = select_top_k(pre, k, scratch)
    return index, value


def select_top_k(pre: Tensor, k: int, scratch: Scratch) -> tuple[Tensor, Tensor]:
    """Return the k largest positive entries of (tokens, n), as `encode` does."""
    triton = _triton_for(pre)
    return triton.top_k(pre, k) if triton else largest(pre, k, scratch)


def gather_dtype(product: torch.dtype, device: torch.device) -> torch.dtype:
    """Return the dtype for gathering rows, given that of the encoder's product.

    Gathers are bound by memory, so on a GPU they are as narrow as the product; on a
    CPU, whose cache holds the dictionary, that would only cost precision.
    """
    return product if device.type == "cuda" else torch.float32


def decode(index: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Sum value * rows[index] over each code: (tokens, k), (n, d) -> (tokens, d)."""
    triton = _triton_for(rows)
    return (triton or sparse).decode(index, value, rows)  # type: ignore[no-any-return]


def gather_dot(index: Tensor, rows: Tensor, dense: Tensor) -> Tensor:
    """rows[index] . dense: (tokens, k), (n, d), (tokens, d) -> (tokens, k)."""
    triton = _triton_for(rows)
    return (triton or sparse).gather_dot(index, rows, dense)  # type: ignore[no-any-return]


def transposed_product(
    slots: ByFeature, value: Tensor, dense: Tensor, out: Tensor
) -> Tensor:
    """Z^T dense, with Z the (tokens, n) form of a code: (tokens, d) -> (n, d)."""
    triton = _triton_for(dense)
    return (triton or sparse).transposed_product(slots, value, dense, out)  # type: ignore[no-any-return]


def _triton_for(tensor: Tensor) -> ModuleType | None:
    return _triton() if tensor.is_cuda else None


@cache
def _triton() -> ModuleType | None:
    try:
        from bisae.sae.kernels import cuda
    except ImportError:
        return None
    return cuda
