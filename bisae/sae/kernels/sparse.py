"""Products with sparse codes, in PyTorch alone. (tokens, n) is never made."""

import warnings
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


class ByFeature(NamedTuple):
    """The places of a code, flattened, sorted by feature."""

    order: Tensor
    """(tokens * k,): an entry's token is order // k."""
    feature: Tensor
    """(tokens * k,): an entry's feature."""
    starts: Tensor
    """(n + 1,): where each feature's entries begin in `order`."""


def by_feature(index: Tensor, n: int) -> ByFeature:
    """Sort the places of a code, (tokens, k), by feature."""
    flat = index.reshape(-1)
    starts = torch.zeros(n + 1, dtype=torch.long, device=index.device)
    starts[1:] = torch.bincount(flat, minlength=n).cumsum(0)
    feature, order = flat.sort(stable=True)
    return ByFeature(order, feature, starts)


def decode(index: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Sum value * rows[index] over each code: (tokens, k), (n, d) -> (tokens, d)."""
    return embedding_bag(index, rows, per_sample_weights=value, mode="sum")


def gather_dot(index: Tensor, rows: Tensor, other: Tensor) -> Tensor:
    """rows[index] . other: (tokens, k), (n, d), (tokens, d) -> (tokens, k)."""
    tokens, k = index.shape
    if not has_csr_products(rows):
        columns = [(rows[index[:, rank]] * other).sum(1) for rank in range(k)]
        return torch.stack(columns, dim=1)
    starts = torch.arange(0, tokens * k + 1, k, device=index.device)
    nothing = torch.zeros(tokens * k, dtype=rows.dtype, device=rows.device)
    pattern = _csr(starts, index.reshape(-1), nothing, (tokens, len(rows)))
    found: Tensor = torch.sparse.sampled_addmm(pattern, other, rows.T, beta=0.0)
    products: Tensor = found.values().view(tokens, k)
    return products


def transposed_product(
    places: ByFeature, value: Tensor, other: Tensor, out: Tensor
) -> Tensor:
    """Z^T other into `out`, Z the dense form of a code: (tokens, d) -> (n, d)."""
    tokens, k = value.shape
    weight = value.reshape(-1)[places.order]
    token = torch.div(places.order, k, rounding_mode="floor")
    if has_csr_products(other):
        transposed = _csr(places.starts, token, weight, (len(out), tokens))
        return torch.addmm(out, transposed, other, beta=0.0, out=out)
    out.zero_()
    feature = places.feature
    for part in range(0, len(feature), tokens):  # a (tokens, d) matrix at a time
        rows = slice(part, part + tokens)
        out.index_add_(0, feature[rows], weight[rows, None] * other[token[rows]])
    return out


def has_csr_products(tensor: Tensor) -> bool:
    """Whether PyTorch multiplies CSR matrices here: on a CPU only with MKL."""
    mkl: bool = torch.backends.mkl.is_available()  # type: ignore[no-untyped-call]
    return tensor.is_cuda or mkl


def _csr(
    starts: Tensor, column: Tensor, value: Tensor, size: tuple[int, int]
) -> Tensor:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its sparse tensors are in beta
        return torch.sparse_csr_tensor(
            starts, column, value, size=size, check_invariants=False
        )
