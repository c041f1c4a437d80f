"""Products with sparse codes in PyTorch alone, without any (tokens, n) matrix."""

import warnings
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


class ByFeature(NamedTuple):
    """The slots of a code, flattened and sorted by feature."""

    order: Tensor
    """(tokens * k,): an entry's token is order // k."""
    feature: Tensor
    """(tokens * k,): an entry's feature."""
    starts: Tensor
    """(n + 1,): where each feature's entries begin in `order`."""


def by_feature(index: Tensor, n: int) -> ByFeature:
    """Sort the slots of a code, (tokens, k), by feature."""
    flat = index.reshape(-1)
    starts = torch.zeros(n + 1, dtype=torch.long, device=index.device)
    starts[1:] = torch.bincount(flat, minlength=n).cumsum(0)
    feature, order = flat.sort(stable=True)
    return ByFeature(order, feature, starts)


def decode(index: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Sum value * rows[index] over each code: (tokens, k), (n, d) -> (tokens, d)."""
    return embedding_bag(index, rows, per_sample_weights=value, mode="sum")


def gather_dot(index: Tensor, rows: Tensor, dense: Tensor) -> Tensor:
    """rows[index] . dense: (tokens, k), (n, d), (tokens, d) -> (tokens, k)."""
    tokens, k = index.shape
    if not has_csr_products(rows):
        columns = [(rows[index[:, rank]] * dense).sum(1) for rank in range(k)]
        return torch.stack(columns, dim=1)
    starts = torch.arange(0, tokens * k + 1, k, device=index.device)
    nothing = torch.zeros(tokens * k, dtype=rows.dtype, device=rows.device)
    pattern = _csr(starts, index.reshape(-1), nothing, (tokens, len(rows)))
    sampled: Tensor = torch.sparse.sampled_addmm(pattern, dense, rows.T, beta=0.0)
    products: Tensor = sampled.values().view(tokens, k)
    return products


def transposed_product(
    slots: ByFeature, value: Tensor, dense: Tensor, out: Tensor
) -> Tensor:
    """Write Z^T dense to `out`: (tokens, d) -> (n, d); Z is a code as (tokens, n)."""
    tokens, k = value.shape
    weight = value.reshape(-1)[slots.order]
    token = torch.div(slots.order, k, rounding_mode="floor")
    if has_csr_products(dense):
        transposed = _csr(slots.starts, token, weight, (len(out), tokens))
        return torch.addmm(out, transposed, dense, beta=0.0, out=out)
    out.zero_()
    feature = slots.feature
    for start in range(0, len(feature), tokens):  # a (tokens, d) matrix at a time
        rows = slice(start, start + tokens)
        out.index_add_(0, feature[rows], weight[rows, None] * dense[token[rows]])
    return out


def has_csr_products(tensor: Tensor) -> bool:
    """Say if PyTorch can multiply CSR matrices here: on a CPU only with MKL."""
    mkl: bool = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
    return tensor.is_cuda or mkl


def _csr(
    starts: Tensor, column: Tensor, value: Tensor, size: tuple[int, int]
) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch warns that sparse tensors are in beta
        return torch.sparse_csr_tensor(
            starts, column, value, size=size, check_invariants=False
        )
