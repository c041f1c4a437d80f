"""The same kernels for CUDA, in Triton: top k, and the three products with codes.

Counted for T tokens, n features, width d, k a token, float32 unless it says otherwise:

- `top_k` reads the pre-activations once, T n numbers, and nothing else of that size.
- `decode` and `gather_dot` each read T k rows, T k d numbers, from L2 as far as the
  dictionary fits there, and write T d and T k.
- `transposed_product` reads T k rows of d and writes n d, some of them twice or more.

Sums over entries of one feature are atomic, so their last bits change from run to run;
what is promised to the bit is promised of the CPU.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor

from bisae.kernels.sparse import ByFeature

WIDEST = 2**16
"""Features of the widest row that `top_k` takes: a row is held in registers."""
ENTRIES = 64
"""Entries of a code that one program sums: however frequent a feature is, no program
has more to do than another."""


def top_k(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Index and value of the k largest positive entries: (tokens, n) -> (tokens, k).

    Descending; ties go to the lower index; an unused place has index 0 and value 0.
    `pre` is float32 or bfloat16, contiguous, and at most WIDEST wide.
    """
    tokens, n = pre.shape
    index = torch.zeros(tokens, k, dtype=torch.long, device=pre.device)
    value = torch.zeros(tokens, k, device=pre.device)
    block = triton.next_power_of_2(n)
    lowest = 16 if pre.dtype == torch.bfloat16 else 0
    warps = max(1, min(32, block // 1024))
    _top_k[(tokens,)](
        pre, index, value, n, k, LOWEST=lowest, BLOCK=block, num_warps=warps
    )
    # They come by rising index; a stable sort of k numbers leaves ties like that.
    value, order = value.sort(dim=1, descending=True, stable=True)
    return index.gather(1, order), value


def decode(index: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Sum value * rows[index] over each code: (tokens, k), (n, d) -> (tokens, d)."""
    tokens, k = index.shape
    d = rows.shape[1]
    out = torch.empty(tokens, d, device=rows.device)
    some, width = _tile(k, d)
    grid = (tokens, triton.cdiv(d, width))
    _decode[grid](index, value, rows, out, k, d, SOME=some, WIDTH=width)
    return out


def gather_dot(index: Tensor, rows: Tensor, other: Tensor) -> Tensor:
    """rows[index] . other: (tokens, k), (n, d), (tokens, d) -> (tokens, k)."""
    tokens, k = index.shape
    d = rows.shape[1]
    out = torch.empty(tokens, k, device=rows.device)
    some, width = _tile(k, d)
    grid = (tokens, triton.cdiv(k, some))
    _gather_dot[grid](index, rows, other, out, k, d, SOME=some, WIDTH=width)
    return out


def transposed_product(
    places: ByFeature, value: Tensor, other: Tensor, out: Tensor
) -> Tensor:
    """Z^T other into `out`, Z the dense form of a code: (tokens, d) -> (n, d)."""
    order, feature, _ = places
    d = other.shape[1]
    width = min(512, triton.next_power_of_2(d))
    grid = (triton.cdiv(len(order), ENTRIES), triton.cdiv(d, width))
    _transposed_product[grid](
        order,
        feature,
        value,
        other,
        out.zero_(),
        len(order),
        value.shape[1],
        d,
        ENTRIES=ENTRIES,
        WIDTH=width,
    )
    return out


def _tile(k: int, d: int) -> tuple[int, int]:
    """How many rows, and how much of each, a program takes at once."""
    next_power = triton.next_power_of_2
    return min(32, next_power(k)), min(128, next_power(d))


@triton.jit
def _top_k(
    pre, index, value, n, k, LOWEST: tl.constexpr, BLOCK: tl.constexpr
):  # a token
    token = tl.program_id(0).to(tl.int64)
    place = tl.arange(0, BLOCK)
    x = tl.load(pre + token * n + place, mask=place < n, other=0.0).to(tl.float32)
    # The bits of positive numbers rise as they do; what is no number is above them all,
    # so that it is not hidden.
    bits = tl.where(x <= 0.0, 0, x.to(tl.int32, bitcast=True) & 0x7FFFFFFF)
    # The k-th largest, bit by bit from the highest: the largest number that k reach.
    least = tl.full((), 0, tl.int32)
    for step in range(31 - LOWEST):
        tried = least | (tl.full((), 1, tl.int32) << (30 - step))
        reached = tl.sum((bits >= tried).to(tl.int32), axis=0)
        least = tl.where(reached >= k, tried, least)
    above = bits > least
    room = k - tl.sum(above.to(tl.int32), axis=0)
    level = (bits == least) & (bits > 0)
    kept = above | (level & (tl.cumsum(level.to(tl.int32), axis=0) <= room))
    slot = tl.cumsum(kept.to(tl.int32), axis=0) - 1
    tl.store(index + token * k + slot, place, mask=kept)
    tl.store(value + token * k + slot, bits.to(tl.float32, bitcast=True), mask=kept)


@triton.jit
def _decode(
    index, value, rows, out, k, d, SOME: tl.constexpr, WIDTH: tl.constexpr
):  # a token, a block of its width
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    total = tl.zeros((WIDTH,), tl.float32)
    for first in range(0, k, SOME):
        rank = first + tl.arange(0, SOME)
        feature = tl.load(index + token * k + rank, mask=rank < k, other=0)
        weight = tl.load(value + token * k + rank, mask=rank < k, other=0.0)
        place = feature[:, None] * d + column[None, :]
        inside = (rank < k)[:, None] & (column < d)[None, :]
        row = tl.load(rows + place, mask=inside, other=0.0).to(tl.float32)
        total += tl.sum(weight[:, None] * row, axis=0)
    tl.store(out + token * d + column, total, mask=column < d)


@triton.jit
def _gather_dot(
    index, rows, other, out, k, d, SOME: tl.constexpr, WIDTH: tl.constexpr
):  # a token, some of its features
    token = tl.program_id(0).to(tl.int64)
    rank = tl.program_id(1) * SOME + tl.arange(0, SOME)
    feature = tl.load(index + token * k + rank, mask=rank < k, other=0)
    total = tl.zeros((SOME,), tl.float32)
    for first in range(0, d, WIDTH):
        column = first + tl.arange(0, WIDTH)
        place = feature[:, None] * d + column[None, :]
        inside = (rank < k)[:, None] & (column < d)[None, :]
        row = tl.load(rows + place, mask=inside, other=0.0).to(tl.float32)
        part = tl.load(other + token * d + column, mask=column < d, other=0.0)
        total += tl.sum(row * part.to(tl.float32)[None, :], axis=1)
    tl.store(out + token * k + rank, total, mask=rank < k)


@triton.jit
def _transposed_product(
    order,
    feature,
    value,
    other,
    out,
    n_entries,
    k,
    d,
    ENTRIES: tl.constexpr,
    WIDTH: tl.constexpr,
):  # some entries, sorted by feature; a block of their width
    first = tl.program_id(0) * ENTRIES
    column = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    inside = column < d
    current = tl.load(feature + first)
    total = tl.zeros((WIDTH,), tl.float32)
    for entry in range(first, tl.minimum(first + ENTRIES, n_entries)):
        found = tl.load(feature + entry)
        # The feature before is done here; others may have the rest of its entries.
        changed = found != current
        place = out + current * d + column
        tl.atomic_add(place, total, mask=inside & changed, sem="relaxed")
        at = tl.load(order + entry)
        weight = tl.load(value + at)
        row = tl.load(other + (at // k) * d + column, mask=inside, other=0.0)
        total = tl.where(changed, 0.0, total) + weight * row.to(tl.float32)
        current = found
    tl.atomic_add(out + current * d + column, total, mask=inside, sem="relaxed")
