"""The k largest positive entries of each row, in PyTorch alone."""

import torch
from torch import Tensor

from bisae.sae.kernels.scratch import Scratch

SHORT = 64
"""Columns for each of k below which `torch.topk` sorts the whole row on a CPU."""
LOW_BITS = 16
"""Bits of a float32 that a bfloat16 leaves zero; an index below 2^16 fits there."""


def largest(pre: Tensor, k: int, scratch: Scratch) -> tuple[Tensor, Tensor]:
    """Index and value of the k largest positive entries: (tokens, n) -> (tokens, k).

    Descending; ties go to the lower index; an unused slot has index 0 and value 0.
    """
    if pre.dtype == torch.bfloat16 and pre.shape[1] <= 2**LOW_BITS:
        index, value = _of_bfloat16(pre, k, scratch)
    else:
        index, value = _of_float32(pre.float(), k)
    return torch.where(value > 0, index, 0), value.relu()


def _of_float32(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """`torch.topk` breaks ties arbitrarily, so rows with one (very few) are sorted."""
    n = pre.shape[1]
    # One entry more than k reveals a tie at the last slot. On a CPU it can also take
    # four times as long: `torch.topk` sorts a heap of k up to n = 64 k, then the row.
    spare = min(n - k, 0 if k <= n / SHORT < k + 1 else 1)
    value, index = pre.topk(k + spare, dim=1)
    tied = ((value[:, 1:] == value[:, :-1]) & (value[:, 1:] > 0)).any(1)
    if not spare:
        last = value[:, -1:]
        tied |= ((pre == last).sum(1) > (value == last).sum(1)) & (last[:, 0] > 0)
    value, index = value[:, :k], index[:, :k]
    if bool(tied.any()):
        ordered, order = pre[tied].sort(dim=1, descending=True, stable=True)
        value[tied], index[tied] = ordered[:, :k], order[:, :k]
    return index, value


def _of_bfloat16(pre: Tensor, k: int, scratch: Scratch) -> tuple[Tensor, Tensor]:
    """Make each entry unique by its index, as ties are common among eight bits.

    The index, counted from the end, goes into the low bits that a bfloat16 leaves zero;
    of two equal positive entries, the one with the lower index is then larger.
    """
    wide = scratch.empty("wide", tuple(pre.shape), torch.float32, pre.device)
    from_end = 2**LOW_BITS - 1 - torch.arange(pre.shape[1], device=pre.device)
    wide.copy_(pre).view(torch.int32).bitwise_or_(from_end.int())
    value, index = wide.topk(k, dim=1)
    high = value.view(torch.int32).bitwise_and_(-(2**LOW_BITS))
    return index, high.view(torch.float32)
