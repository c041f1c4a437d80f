"""Which tokens of a feature are alike: from a graph made once, or from their products.

The graph of the vocabulary is made once a study: then no cell multiplies embeddings
again. Where it would not fit, since nearly everything is alike, each set of tokens is
multiplied on its own.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Rows = NDArray[np.float16] | NDArray[np.float32]
"""Unit vectors, (vocabulary, d)."""
TILE = 4096
"""Tokens on a side of one product."""


class Pairs(NamedTuple):
    """Pairs of tokens that are alike, each once, the lower token first."""

    token_id: Ints
    other: Ints
    cosine: NDArray[np.float32]


class Links(Protocol):
    """Says which tokens of sets are alike: their cosine exceeds a threshold."""

    def above(self, threshold: float) -> "Links":
        """Return the links of a threshold that is not lower."""
        ...

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """How many others each (feature, token) is compared with."""
        ...

    def within(self, feature: Ints, token_id: Ints) -> tuple[Ints, Ints]:
        """Return the rows of two tokens of one feature that are alike.

        Rows are in order of feature and token.
        """
        ...


def find_pairs(rows: Rows, tokens: Ints, threshold: float) -> Iterator[Pairs]:
    """All pairs of tokens whose cosine exceeds a threshold, in order of the lower one.

    tokens must rise. len(tokens)^2 / 2 products of d, once a study.
    """
    for first in range(0, len(tokens), TILE):
        here = tokens[first : first + TILE]
        left, found = vectors(rows, here), []
        for start in range(first, len(tokens), TILE):
            there = tokens[start : start + TILE]
            cosine = left @ vectors(rows, there).T
            a, b = np.nonzero(cosine > threshold)
            a, b = (side[here[a] < there[b]] for side in (a, b))
            found.append((here[a], there[b], cosine[a, b]))
        token_id, other, cosine = (
            np.concatenate(one) for one in zip(*found, strict=True)
        )
        order = np.lexsort((other, token_id))
        yield Pairs(token_id[order], other[order], cosine[order])


def n_tiles(tokens: Ints) -> int:
    """In how many parts `find_pairs` gives them."""
    return -(-len(tokens) // TILE)


class Graph:
    """The pairs of the whole vocabulary."""

    def __init__(self, pairs: Pairs, vocabulary: int) -> None:
        """`pairs` in order of token_id."""
        self._pairs = pairs
        self._vocabulary = vocabulary
        self._start = np.searchsorted(pairs.token_id, np.arange(vocabulary + 1))
        self._above: dict[float, Graph] = {}

    def above(self, threshold: float) -> "Graph":
        """Return the pairs whose cosine exceeds a threshold; kept for the next time."""
        if threshold not in self._above:
            token_id, other, cosine = self._pairs
            near = cosine > threshold
            pairs = Pairs(token_id[near], other[near], cosine[near])
            self._above[threshold] = Graph(pairs, self._vocabulary)
        return self._above[threshold]

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """A token's neighbours above it, in the set or not."""
        return self._start[token_id + 1] - self._start[token_id]

    def within(self, feature: Ints, token_id: Ints) -> tuple[Ints, Ints]:
        """Look each neighbour up among the feature's tokens."""
        counts = self.candidates(feature, token_id)
        a = np.repeat(np.arange(len(token_id)), counts)
        first = self._start[token_id] - (np.cumsum(counts) - counts)
        other = self._pairs.other[np.arange(len(a)) + first[a]]
        key = feature * self._vocabulary + token_id
        wanted = feature[a] * self._vocabulary + other
        b = np.searchsorted(key, wanted).clip(max=len(key) - 1)
        is_there = key[b] == wanted
        return a[is_there], b[is_there]


class Products:
    """The cosines of each feature's own tokens, multiplied when asked for."""

    def __init__(self, rows: Rows, threshold: float = -1.0) -> None:
        self._rows = rows
        self._threshold = threshold

    def above(self, threshold: float) -> "Products":
        """Return the products with another threshold."""
        return Products(self._rows, threshold)

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """Every later token of the feature."""
        starts = set_starts(feature)
        ends = np.repeat(starts[1:], np.diff(starts))
        later: Ints = ends - np.arange(len(feature)) - 1
        return later

    def within(self, feature: Ints, token_id: Ints) -> tuple[Ints, Ints]:
        """Multiply, TILE tokens of a feature with the rest of it at a time."""
        pairs = [(np.empty(0, np.int64), np.empty(0, np.int64))]
        for first, last in pairwise(set_starts(feature)):
            own = vectors(self._rows, token_id[first:last])
            for start in range(0, last - first, TILE):
                alike = own[start : start + TILE] @ own[start:].T > self._threshold
                a, b = np.nonzero(np.triu(alike, 1))
                pairs.append((a + first + start, b + first + start))
        a, b = (np.concatenate(side) for side in zip(*pairs, strict=True))
        return a, b


def set_starts(feature: Ints) -> Ints:
    """Where each feature's rows start, and the end of all, which is 0 for no rows."""
    changes = np.flatnonzero(feature[1:] != feature[:-1]) + 1
    return np.unique(np.r_[0, changes, len(feature)])


def vectors(rows: Rows, tokens: Ints) -> NDArray[np.float32]:
    """The rows of some tokens, in single precision."""
    return np.asarray(rows[tokens], np.float32)
