"""Sums of cosines over pairs of different tokens, from sums of their unit vectors.

The one numeric step between sql/coherence's views; no pair is multiplied by itself.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from bisae.tables.clusters import EmbeddingRows

Integers = NDArray[np.integer[Any]]
Doubles = NDArray[np.float64]
COLUMNS_AT_ONCE = 32
"""Components of the token vectors that are multiplied together: of a large vocabulary,
as many as a processor's cache holds."""
ROWS_AT_ONCE = 2**15
"""Rows of summed vectors in one block; each block is summed by one thread."""


class TokenWeights(NamedTuple):
    """The weight of each token in the groups of some sets of tokens."""

    set_number: Integers
    """Tokens of different sets are not paired."""
    group: Integers
    """The number of the token's group within the set."""
    token_id: Integers
    weight: Integers
    n_sets: int
    n_groups: int


def pair_sums(weights: TokenWeights, vectors: EmbeddingRows) -> Doubles:
    """Sum w_v w_u cos(v, u) over tokens v != u, (sets, groups, groups).

    v is in the first group, u in the second; within a group each pair is counted twice.
    With s_a = sum of w_v e_v over group a, that is s_a . s_b minus the terms of tokens
    with themselves. In float64, since most of s_a . s_b may be such terms.
    """
    blocks = list(_blocks(weights, len(vectors)))
    n = weights.n_groups
    products = [np.zeros((block.shape[0] // n, n, n)) for block in blocks]
    squares = np.zeros(len(vectors))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for start in range(0, vectors.shape[1], COLUMNS_AT_ONCE):
            columns = vectors[:, start : start + COLUMNS_AT_ONCE].astype(np.float64)
            squares += np.einsum("vc,vc->v", columns, columns)
            parts = pool.map(partial(_products, columns=columns, n_groups=n), blocks)
            for product, part in zip(products, parts, strict=True):
                product += part
    same = [_same_token(block, squares, n) for block in blocks]
    return np.concatenate(products) - np.concatenate(same)


def _products(block: Any, columns: Doubles, n_groups: int) -> Doubles:
    """Multiply the summed vectors of each set's groups, over some of their components.

    Returns (sets, groups, groups).
    """
    summed = (block @ columns).reshape(-1, n_groups, columns.shape[1])
    products: Doubles = np.einsum("sac,sbc->sab", summed, summed)
    return products


def _blocks(weights: TokenWeights, vocabulary: int) -> Iterator[Any]:
    """Yield sparse matrices of some sets each, (sets x groups, vocabulary)."""
    matrix = _matrix(weights, vocabulary)
    rows = max(1, ROWS_AT_ONCE // weights.n_groups) * weights.n_groups
    for first in range(0, matrix.shape[0], rows):
        yield matrix[first : first + rows]


def _matrix(weights: TokenWeights, vocabulary: int) -> Any:
    row = weights.set_number * weights.n_groups + weights.group
    shape = (weights.n_sets * weights.n_groups, vocabulary)
    values = weights.weight.astype(np.float64)
    return csr_matrix((values, (row, weights.token_id)), shape)


def _same_token(block: Any, squares: Doubles, n_groups: int) -> Doubles:
    """Return the terms of tokens with themselves, (sets, groups, groups)."""
    groups = [block[group::n_groups] for group in range(n_groups)]
    terms = np.zeros((groups[0].shape[0], n_groups, n_groups))
    for a, first in enumerate(groups):
        for b, second in enumerate(groups[: a + 1]):
            terms[:, a, b] = terms[:, b, a] = first.multiply(second) @ squares
    return terms
