"""The same kernels for CUDA, in Triton: top k, and the three products with codes.

Codes are (index, value) of shape (tokens, k). Nothing here is as wide as the dictionary
but what is handed in. Counts of memory traffic are of numbers, not bytes.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language import topk  # Triton 3.4 on

from bisae.sae.kernels.sparse import ByFeature

PLACES = 16
"""Rows that a program has in flight at once. A gather waits for memory, so it needs
many loads under way; PLACES x WIDTH numbers are 32 registers of a thread."""
WIDTH = 256
"""Columns of a program. The grid runs over all tokens before it takes the next columns,
so what is gathered from, n x WIDTH, stays in L2 (32 MB at n 32,768)."""
PIECE = 64
"""Entries of a feature that one program sums: a feature that is active in every token
is shared out over many."""


def top_k(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Index and value of the k largest positive entries: (tokens, n) -> (tokens, k).

    Descending; ties go to the lower index; an unused place has index 0 and value 0, at
    the row's end. `pre` is float32 or bfloat16. A NaN counts as larger than any number,
    so that it shows.

    The row is folded into columns, of which each keeps its best entry. The k largest
    entries lie in the k columns with the best ones: an entry of any other column is
    beaten by k. So the row is read once, tokens n numbers in all, and then k columns of
    it again, about tokens sqrt(k n) sectors of 32 bytes, from cache. No step depends on
    the data: neither ties nor NaN make it slower.
    """
    tokens, n = pre.shape
    kept = max(2, triton.next_power_of_2(k))  # `tl.topk` cannot keep one alone
    # Both sorts are of sqrt(k n) numbers then: the columns, and the entries of k.
    columns = max(kept, triton.next_power_of_2(int((kept * n) ** 0.5)))
    depth = triton.cdiv(n, columns)
    index = torch.empty(tokens, k, dtype=torch.long, device=pre.device)
    value = torch.empty(tokens, k, device=pre.device)
    _top_k[(tokens,)](
        pre.contiguous(),
        index,
        value,
        n,
        k,
        KEPT=kept,
        COLUMNS=columns,
        DEPTH=depth,
        BLOCK_DEPTH=triton.next_power_of_2(depth),
        num_warps=min(32, max(1, columns // 256)),
    )
    return index, value


def decode(index: Tensor, value: Tensor, rows: Tensor) -> Tensor:
    """Sum value * rows[index] over each code: (tokens, k), (n, d) -> (tokens, d).

    Reads tokens k d numbers of `rows`, through L2, writes tokens d.
    """
    tokens, k = index.shape
    d = rows.shape[1]
    out = torch.empty(tokens, d, device=rows.device)
    _decode[(tokens, triton.cdiv(d, WIDTH))](
        index.contiguous(),
        value.contiguous(),
        rows.contiguous(),
        out,
        k,
        d,
        PLACES=PLACES,
        WIDTH=WIDTH,
    )
    return out


def gather_dot(index: Tensor, rows: Tensor, other: Tensor) -> Tensor:
    """rows[index] . other: (tokens, k), (n, d), (tokens, d) -> (tokens, k).

    Reads tokens k d numbers of `rows` and tokens d of `other`, again from cache for
    every PLACES; writes tokens k.
    """
    tokens, k = index.shape
    out = torch.empty(tokens, k, device=rows.device)
    _gather_dot[(tokens, triton.cdiv(k, PLACES))](
        index.contiguous(),
        rows.contiguous(),
        other.contiguous(),
        out,
        k,
        rows.shape[1],
        PLACES=PLACES,
        WIDTH=WIDTH,
    )
    return out


def transposed_product(
    places: ByFeature, value: Tensor, other: Tensor, out: Tensor
) -> Tensor:
    """Z^T other into `out`, Z the dense form of a code: (tokens, d) -> (n, d).

    Reads tokens k d numbers of `other`, through L2; sets n d numbers to zero and adds
    d of them for each piece of at most PIECE entries, of which there are n + tokens k /
    PIECE at most. The pieces of one feature are added as they come, so the last bits
    of the sum change from run to run: only the CPU's is the same to the bit.
    """
    order, _, starts = places
    n, d = out.shape
    k = value.shape[1]
    # Which feature a piece is of. How many there are is known to the GPU alone; it is
    # not asked, which would make it wait: the most there can be are started.
    ends = ((starts.diff() + PIECE - 1) // PIECE).cumsum(0)
    most = min(len(order), n + len(order) // PIECE)
    piece = torch.arange(most, device=order.device)
    owner = torch.searchsorted(ends, piece, right=True)  # n where there is none
    _transposed_product[(most, triton.cdiv(d, WIDTH))](
        owner,
        ends,
        order.contiguous(),
        starts.contiguous(),
        value.contiguous(),
        other.contiguous(),
        out.zero_(),
        n,
        d,
        K=k,
        PIECE=PIECE,
        PLACES=PLACES,
        WIDTH=WIDTH,
    )
    return out


@triton.jit
def _packed(key, index):
    """A key above its index, as one number; 0 where the key is 0."""
    both = (key.to(tl.int64) << 32) | _turned(index).to(tl.int64)
    return tl.where(key > 0, both, 0)


@triton.jit
def _index(packed):
    return _turned(packed.to(tl.int32))  # its low half


@triton.jit
def _turned(index):
    """Counted from the end: of two equal keys the lower index is the larger number."""
    return 0x7FFFFFFF - index


@triton.jit
def _key(x):
    """The bits of x, which of positive floats are ordered as they are; 0 for others.

    A NaN of either sign is larger than any number.
    """
    x = x.to(tl.float32)
    return tl.where(x <= 0.0, 0, x.to(tl.int32, bitcast=True) & 0x7FFFFFFF)


@triton.jit
def _top_k(
    pre,
    index,
    value,
    n,
    k,
    KEPT: tl.constexpr,
    COLUMNS: tl.constexpr,
    DEPTH: tl.constexpr,
    BLOCK_DEPTH: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    row = pre + token * n
    column = tl.arange(0, COLUMNS)
    best = tl.zeros((COLUMNS,), tl.int32)
    first = tl.zeros((COLUMNS,), tl.int32)
    for depth in range(DEPTH):
        place = depth * COLUMNS + column
        key = _key(tl.load(row + place, mask=place < n, other=0.0))
        better = key > best  # of equals the first stays
        best = tl.where(better, key, best)
        first = tl.where(better, place, first)
    winners = topk(_packed(best, first), KEPT)
    chosen = _index(winners) % COLUMNS
    # The chosen columns, whole. A winner of 0 is no column: nothing in it is positive.
    place = tl.arange(0, BLOCK_DEPTH)[:, None] * COLUMNS + chosen[None, :]
    inside = (place < n) & (winners > 0)[None, :]
    entry = _packed(_key(tl.load(row + place, mask=inside, other=0.0)), place)
    top = topk(tl.reshape(entry, (BLOCK_DEPTH * KEPT,)), KEPT)
    rank = tl.arange(0, KEPT)
    bits = (top >> 32).to(tl.int32)
    found = tl.where(bits > 0, _index(top), 0).to(tl.int64)
    tl.store(index + token * k + rank, found, mask=rank < k)
    found_value = bits.to(tl.float32, bitcast=True)
    tl.store(value + token * k + rank, found_value, mask=rank < k)


@triton.jit
def _rows(rows, row, used, column, d):
    """Some columns of some rows, as float32; 0 where a row is not used."""
    inside = used[:, None] & (column < d)[None, :]
    place = row[:, None] * d + column[None, :]
    return tl.load(rows + place, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _decode(
    index,
    value,
    rows,
    out,
    k,
    d,
    PLACES: tl.constexpr,
    WIDTH: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    total = tl.zeros((PLACES, WIDTH), tl.float32)
    for start in range(0, k, PLACES):
        rank = start + tl.arange(0, PLACES)
        used = rank < k
        feature = tl.load(index + token * k + rank, mask=used, other=0)
        weight = tl.load(value + token * k + rank, mask=used, other=0.0)
        total += weight[:, None] * _rows(rows, feature, used, column, d)
    tl.store(out + token * d + column, tl.sum(total, axis=0), mask=column < d)


@triton.jit
def _gather_dot(
    index,
    rows,
    other,
    out,
    k,
    d,
    PLACES: tl.constexpr,
    WIDTH: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    rank = tl.program_id(1) * PLACES + tl.arange(0, PLACES)
    used = rank < k
    feature = tl.load(index + token * k + rank, mask=used, other=0)
    total = tl.zeros((PLACES, WIDTH), tl.float32)
    for start in range(0, d, WIDTH):
        column = start + tl.arange(0, WIDTH)
        with_ = tl.load(other + token * d + column, mask=column < d, other=0.0)
        part = _rows(rows, feature, used, column, d)
        total += part * with_.to(tl.float32)[None, :]
    tl.store(out + token * k + rank, tl.sum(total, axis=1), mask=used)


@triton.jit
def _transposed_product(
    owner,
    ends,
    order,
    starts,
    value,
    other,
    out,
    n,
    d,
    K: tl.constexpr,  # a constant, so that dividing by it is cheap
    PIECE: tl.constexpr,
    PLACES: tl.constexpr,
    WIDTH: tl.constexpr,
):
    piece = tl.program_id(0)
    column = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    feature = tl.load(owner + piece)
    if feature < n:
        # Pieces are counted from the feature's last: `ends` says where they end.
        begin = tl.load(starts + feature)
        end = tl.load(starts + feature + 1)
        first = begin + (tl.load(ends + feature) - 1 - piece) * PIECE
        total = tl.zeros((PLACES, WIDTH), tl.float32)
        for start in range(0, PIECE, PLACES):
            entry = first + start + tl.arange(0, PLACES)
            used = entry < end
            place = tl.load(order + entry, mask=used, other=0)
            weight = tl.load(value + place, mask=used, other=0.0)
            total += weight[:, None] * _rows(other, place // K, used, column, d)
        # Nothing else is ordered by these additions.
        tl.atomic_add(
            out + feature * d + column,
            tl.sum(total, axis=0),
            mask=column < d,
            sem="relaxed",
        )
