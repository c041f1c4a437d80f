"""Links between similar tokens of a feature, from a graph or from inner products.

The graph of the vocabulary is computed once per study, so that no cell multiplies
embeddings again. If nearly all tokens are similar, the graph would not fit, and each
set of tokens is multiplied separately.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
EmbeddingRows = NDArray[np.float16] | NDArray[np.float32]
"""Unit vectors, (vocabulary, d)."""
TILE = 4096
"""Number of tokens on each side of one matrix product."""


class Pairs(NamedTuple):
    """Pairs of similar tokens, each once, the lower token first."""

    token_id: Ints
    higher_id: Ints
    cosine: NDArray[np.float32]


class Links(Protocol):
    """The links between tokens whose cosine exceeds a threshold."""

    def above(self, threshold: float) -> "Links":
        """Return the links above a threshold, which must not be lower than this one."""
        ...

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """Count the tokens that each (feature, token) is compared with."""
        ...

    def within(self, feature: Ints, token_id: Ints) -> tuple[Ints, Ints]:
        """Return the row numbers of each pair of similar tokens of one feature.

        Rows must be in order of feature and token.
        """
        ...


def find_pairs(rows: EmbeddingRows, tokens: Ints, threshold: float) -> Iterator[Pairs]:
    """Yield all pairs of tokens above a threshold, in order of the lower token.

    `tokens` must ascend. Costs len(tokens)^2 / 2 inner products of length d, once per
    study.
    """
    for first in range(0, len(tokens), TILE):
        lower = tokens[first : first + TILE]
        lower_vectors, tiles = vectors(rows, lower), []
        for start in range(first, len(tokens), TILE):
            upper = tokens[start : start + TILE]
            cosine = lower_vectors @ vectors(rows, upper).T
            a, b = np.nonzero(cosine > threshold)
            a, b = (indices[lower[a] < upper[b]] for indices in (a, b))
            tiles.append((lower[a], upper[b], cosine[a, b]))
        token_id, higher_id, cosine = (
            np.concatenate(columns) for columns in zip(*tiles, strict=True)
        )
        order = np.lexsort((higher_id, token_id))
        yield Pairs(token_id[order], higher_id[order], cosine[order])


def n_tiles(tokens: Ints) -> int:
    """Return the number of tiles that `find_pairs` yields."""
    return -(-len(tokens) // TILE)


class Graph:
    """The pairs of the whole vocabulary."""

    def __init__(self, pairs: Pairs, vocabulary: int) -> None:
        """`pairs` must be in order of token_id."""
        self._pairs = pairs
        self._vocabulary = vocabulary
        self._start = np.searchsorted(pairs.token_id, np.arange(vocabulary + 1))
        self._above: dict[float, Graph] = {}

    def above(self, threshold: float) -> "Graph":
        """Return the pairs whose cosine exceeds a threshold; cached."""
        if threshold not in self._above:
            token_id, higher_id, cosine = self._pairs
            near = cosine > threshold
            pairs = Pairs(token_id[near], higher_id[near], cosine[near])
            self._above[threshold] = Graph(pairs, self._vocabulary)
        return self._above[threshold]

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """Count each token's neighbours with a higher id, in the set or not."""
        return self._start[token_id + 1] - self._start[token_id]

    def within(self, feature: Ints, token_id: Ints) -> tuple[Ints, Ints]:
        """Look each neighbour up among the feature's tokens."""
        counts = self.candidates(feature, token_id)
        a = np.repeat(np.arange(len(token_id)), counts)
        first = self._start[token_id] - (np.cumsum(counts) - counts)
        neighbour = self._pairs.higher_id[np.arange(len(a)) + first[a]]
        key = feature * self._vocabulary + token_id
        neighbour_key = feature[a] * self._vocabulary + neighbour
        b = np.searchsorted(key, neighbour_key).clip(max=len(key) - 1)
        is_there = key[b] == neighbour_key
        return a[is_there], b[is_there]


class Products:
    """Links from the inner products of each feature's tokens, computed on demand."""

    def __init__(self, rows: EmbeddingRows, threshold: float = -1.0) -> None:
        self._rows = rows
        self._threshold = threshold

    def above(self, threshold: float) -> "Products":
        """Return the products with another threshold."""
        return Products(self._rows, threshold)

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """Count the feature's later tokens."""
        starts = set_starts(feature)
        ends = np.repeat(starts[1:], np.diff(starts))
        later: Ints = ends - np.arange(len(feature)) - 1
        return later

    def within(self, feature: Ints, token_id: Ints) -> tuple[Ints, Ints]:
        """Multiply TILE tokens of a feature at a time with its later tokens."""
        pairs = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        for first, last in pairwise(set_starts(feature)):
            set_vectors = vectors(self._rows, token_id[first:last])
            for start in range(0, last - first, TILE):
                alike = (
                    set_vectors[start : start + TILE] @ set_vectors[start:].T
                    > self._threshold
                )
                a, b = np.nonzero(np.triu(alike, 1))
                pairs.append((a + first + start, b + first + start))
        a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
        return a, b


def set_starts(feature: Ints) -> Ints:
    """Return the row where each feature starts, and the number of rows (once if 0)."""
    changes = np.flatnonzero(feature[1:] != feature[:-1]) + 1
    return np.unique(np.r_[0, changes, len(feature)])


def vectors(rows: EmbeddingRows, tokens: Ints) -> NDArray[np.float32]:
    """Return the rows of some tokens in single precision."""
    return np.asarray(rows[tokens], np.float32)
