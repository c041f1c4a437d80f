"""The numeric core: products with sparse codes, and the geometric median.

Codes are (index, value) of shape (tokens, k). From the top k on, only k features of a
token are touched; nothing here is as wide as the dictionary but the gradient itself.
"""

import warnings

import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


def decode(index: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Sum value * rows[index] over each code: (tokens, k), (n, d) -> (tokens, d)."""
    return embedding_bag(index, rows, per_sample_weights=value, mode="sum")


def gather_dot(index: Tensor, rows: Tensor, other: Tensor) -> Tensor:
    """rows[index] . other: (tokens, k), (n, d), (tokens, d) -> (tokens, k)."""
    return torch.einsum("tkd,td->tk", rows[index], other)


def transposed_product(index: Tensor, value: Tensor, other: Tensor, n: int) -> Tensor:
    """Z^T other, Z the dense (tokens, n) form of a code: (tokens, d) -> (n, d)."""
    tokens, k = index.shape
    flat = index.reshape(-1)
    order = torch.argsort(flat, stable=True)
    starts = torch.zeros(n + 1, dtype=torch.long, device=index.device)
    starts[1:] = torch.bincount(flat, minlength=n).cumsum(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that its sparse tensors are in beta
        transposed = torch.sparse_csr_tensor(
            starts,
            torch.div(order, k, rounding_mode="floor"),
            value.reshape(-1)[order],
            size=(n, tokens),
            check_invariants=False,
        )
    return transposed @ other


def top_k(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest of each row, descending; ties go to the lower index.

    (tokens, n) -> index, value, both (tokens, k). `torch.topk` leaves ties open, so the
    rows where one touches the result (there are hardly any) are sorted stably.
    """
    value, index = pre.topk(k, dim=1)
    inside = ((value[:, 1:] == value[:, :-1]) & (value[:, 1:] > 0)).any(1)
    last = value[:, -1:]
    across = ((pre >= last).sum(1) > k) & (last[:, 0] > 0)
    tied = inside | across
    if bool(tied.any()):
        ordered, places = pre[tied].sort(dim=1, descending=True, stable=True)
        value[tied], index[tied] = ordered[:, :k], places[:, :k]
    return index, value


def geometric_median(
    x: Tensor, iterations: int = 100, tolerance: float = 1e-6
) -> Tensor:
    """The point with the least summed distance to x, (tokens, d) -> (d,).

    Weiszfeld's algorithm: means weighted by one over the distance, until it rests.
    Where the point meets some of x, it leaves them only if the others pull harder than
    they hold it (Vardi and Zhang 2000); the plain mean would stick to them.
    """
    point: Tensor = x.mean(0)
    for _ in range(iterations):
        distance = (x - point).norm(dim=1)
        met = distance <= 1e-6 * distance.mean()
        weight = torch.where(met, 0, 1 / distance)
        pull = ((x - point) * weight[:, None]).sum(0)
        free = (1 - met.sum() / pull.norm().clamp_min(1e-12)).clamp_min(0)
        move = free * pull / weight.sum().clamp_min(1e-12)
        point = point + move
        if move.norm() <= tolerance * point.norm().clamp_min(1e-12):
            break
    return point
