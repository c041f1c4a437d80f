"""The same kernels for CUDA, in Triton: top k, and the three products with codes.

Codes are (index, value) of shape (tokens, k). Only arguments are as wide as the
dictionary. Memory traffic is counted in numbers, not bytes.
"""

import torch
import triton
import triton.language as tl
from torch import Tensor
from triton.language import topk  # Triton 3.4 on

from bisae.sae.kernels.sparse import ByFeature

ROWS_IN_FLIGHT = 16
"""Rows that a program loads at once. A gather is bound by memory latency, so it needs
many loads in flight; ROWS_IN_FLIGHT x WIDTH numbers are 32 registers per thread."""
WIDTH = 256
"""Columns of a program. The grid runs over all tokens before it takes the next columns,
so what is gathered from, n x WIDTH, stays in L2 (32 MB at n 32,768)."""
PIECE = 64
"""Entries of a feature that one program sums: a feature that is active in every token
is shared out over many."""


def top_k(pre: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Index and value of the k largest positive entries: (tokens, n) -> (tokens, k).

    Descending; ties go to the lower index; an unused slot has index 0 and value 0, at
    the row's end. `pre` is float32 or bfloat16. A NaN counts as larger than any number,
    so that it is noticed.

    The row is arranged in columns, each of which keeps its best entry. The k largest
    entries are in the k columns with the best ones, as k entries exceed any entry of
    another column. So the row is read once, tokens n numbers in all, and then k columns
    of it again, about tokens sqrt(k n) sectors of 32 bytes, from cache. No step depends
    on the data: neither ties nor NaN make it slower.
    """
    tokens, n = pre.shape
    k_padded = max(2, triton.next_power_of_2(k))  # `tl.topk` cannot keep one alone
    # Both sorts are of sqrt(k n) numbers then: the columns, and the entries of k.
    columns = max(k_padded, triton.next_power_of_2(int((k_padded * n) ** 0.5)))
    depth = triton.cdiv(n, columns)
    index = torch.empty(tokens, k, dtype=torch.long, device=pre.device)
    value = torch.empty(tokens, k, device=pre.device)
    _top_k[(tokens,)](
        pre.contiguous(),
        index,
        value,
        n,
        k,
        K_PADDED=k_padded,
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
        ROWS_IN_FLIGHT=ROWS_IN_FLIGHT,
        WIDTH=WIDTH,
    )
    return out


def gather_dot(index: Tensor, rows: Tensor, dense: Tensor) -> Tensor:
    """rows[index] . dense: (tokens, k), (n, d), (tokens, d) -> (tokens, k).

    Reads tokens k d numbers of `rows` and tokens d of `dense`, again from cache for
    every ROWS_IN_FLIGHT; writes tokens k.
    """
    tokens, k = index.shape
    out = torch.empty(tokens, k, device=rows.device)
    _gather_dot[(tokens, triton.cdiv(k, ROWS_IN_FLIGHT))](
        index.contiguous(),
        rows.contiguous(),
        dense.contiguous(),
        out,
        k,
        rows.shape[1],
        ROWS_IN_FLIGHT=ROWS_IN_FLIGHT,
        WIDTH=WIDTH,
    )
    return out


def transposed_product(
    slots: ByFeature, value: Tensor, dense: Tensor, out: Tensor
) -> Tensor:
    """Write Z^T dense to `out`, with Z the (tokens, n) form of a code.

    `dense` is (tokens, d), `out` (n, d). Reads tokens k d numbers of `dense`, through
    L2; sets n d numbers to zero and adds d of them for each piece of at most PIECE
    entries, of which there are n + tokens k / PIECE at most. The pieces of one
    feature are added in any order, so the last bits of the sum vary from run to run:
    only the CPU's is reproducible to the bit.
    """
    order, _, starts = slots
    n, d = out.shape
    k = value.shape[1]
    # The feature of each piece. Only the GPU knows the number of pieces, and asking it
    # would stall; the maximum possible number is launched instead.
    ends = ((starts.diff() + PIECE - 1) // PIECE).cumsum(0)
    max_pieces = min(len(order), n + len(order) // PIECE)
    piece = torch.arange(max_pieces, device=order.device)
    owner = torch.searchsorted(ends, piece, right=True)  # n if there is no such piece
    _transposed_product[(max_pieces, triton.cdiv(d, WIDTH))](
        owner,
        ends,
        order.contiguous(),
        starts.contiguous(),
        value.contiguous(),
        dense.contiguous(),
        out.zero_(),
        n,
        d,
        K=k,
        PIECE=PIECE,
        ROWS_IN_FLIGHT=ROWS_IN_FLIGHT,
        WIDTH=WIDTH,
    )
    return out


@triton.jit
def _packed(key, index):
    """Pack a key above its index into one number; 0 if the key is 0."""
    both = (key.to(tl.int64) << 32) | _reverse(index).to(tl.int64)
    return tl.where(key > 0, both, 0)


@triton.jit
def _index(packed):
    return _reverse(packed.to(tl.int32))  # its low half


@triton.jit
def _reverse(index):
    """Count an index from the end, so that of equal keys the lower index is larger."""
    return 0x7FFFFFFF - index


@triton.jit
def _key(x):
    """Return the bits of x, which are ordered like positive floats; 0 for others.

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
    K_PADDED: tl.constexpr,
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
        position = depth * COLUMNS + column
        key = _key(tl.load(row + position, mask=position < n, other=0.0))
        better = key > best  # of equal keys the first stays
        best = tl.where(better, key, best)
        first = tl.where(better, position, first)
    winners = topk(_packed(best, first), K_PADDED)
    chosen = _index(winners) % COLUMNS
    # Whole chosen columns. A winner of 0 is not a column: nothing in it is positive.
    positions = tl.arange(0, BLOCK_DEPTH)[:, None] * COLUMNS + chosen[None, :]
    inside = (positions < n) & (winners > 0)[None, :]
    entry = _packed(_key(tl.load(row + positions, mask=inside, other=0.0)), positions)
    top = topk(tl.reshape(entry, (BLOCK_DEPTH * K_PADDED,)), K_PADDED)
    rank = tl.arange(0, K_PADDED)
    bits = (top >> 32).to(tl.int32)
    top_index = tl.where(bits > 0, _index(top), 0).to(tl.int64)
    tl.store(index + token * k + rank, top_index, mask=rank < k)
    top_value = bits.to(tl.float32, bitcast=True)
    tl.store(value + token * k + rank, top_value, mask=rank < k)


@triton.jit
def _rows(rows, row, used, column, d):
    """Load some columns of some rows as float32; 0 if a row is not used."""
    inside = used[:, None] & (column < d)[None, :]
    offset = row[:, None] * d + column[None, :]
    return tl.load(rows + offset, mask=inside, other=0.0).to(tl.float32)


@triton.jit
def _decode(
    index,
    value,
    rows,
    out,
    k,
    d,
    ROWS_IN_FLIGHT: tl.constexpr,
    WIDTH: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    total = tl.zeros((ROWS_IN_FLIGHT, WIDTH), tl.float32)
    for start in range(0, k, ROWS_IN_FLIGHT):
        rank = start + tl.arange(0, ROWS_IN_FLIGHT)
        used = rank < k
        feature = tl.load(index + token * k + rank, mask=used, other=0)
        weight = tl.load(value + token * k + rank, mask=used, other=0.0)
        total += weight[:, None] * _rows(rows, feature, used, column, d)
    tl.store(out + token * d + column, tl.sum(total, axis=0), mask=column < d)


@triton.jit
def _gather_dot(
    index,
    rows,
    dense,
    out,
    k,
    d,
    ROWS_IN_FLIGHT: tl.constexpr,
    WIDTH: tl.constexpr,
):
    token = tl.program_id(0).to(tl.int64)
    rank = tl.program_id(1) * ROWS_IN_FLIGHT + tl.arange(0, ROWS_IN_FLIGHT)
    used = rank < k
    feature = tl.load(index + token * k + rank, mask=used, other=0)
    total = tl.zeros((ROWS_IN_FLIGHT, WIDTH), tl.float32)
    for start in range(0, d, WIDTH):
        column = start + tl.arange(0, WIDTH)
        values = tl.load(dense + token * d + column, mask=column < d, other=0.0)
        gathered = _rows(rows, feature, used, column, d)
        total += gathered * values.to(tl.float32)[None, :]
    tl.store(out + token * k + rank, tl.sum(total, axis=1), mask=used)


@triton.jit
def _transposed_product(
    owner,
    ends,
    order,
    starts,
    value,
    dense,
    out,
    n,
    d,
    K: tl.constexpr,  # a constant, so that dividing by it is cheap
    PIECE: tl.constexpr,
    ROWS_IN_FLIGHT: tl.constexpr,
    WIDTH: tl.constexpr,
):
    piece = tl.program_id(0)
    column = tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    feature = tl.load(owner + piece)
    if feature < n:
        # Pieces are counted backwards from the feature's last, which `ends` gives.
        begin = tl.load(starts + feature)
        end = tl.load(starts + feature + 1)
        first = begin + (tl.load(ends + feature) - 1 - piece) * PIECE
        total = tl.zeros((ROWS_IN_FLIGHT, WIDTH), tl.float32)
        for start in range(0, PIECE, ROWS_IN_FLIGHT):
            entry = first + start + tl.arange(0, ROWS_IN_FLIGHT)
            used = entry < end
            slot = tl.load(order + entry, mask=used, other=0)
            weight = tl.load(value + slot, mask=used, other=0.0)
            total += weight[:, None] * _rows(dense, slot // K, used, column, d)
        # Relaxed: these additions order no other memory access.
        tl.atomic_add(
            out + feature * d + column,
            tl.sum(total, axis=0),
            mask=column < d,
            sem="relaxed",
        )
