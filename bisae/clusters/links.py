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


class LinkedPairs(NamedTuple):
    """Pairs of rows, a (feature, token) each, whose tokens are alike."""

    a: Ints
    b: Ints
    cosine: NDArray[np.float32]


class Links(Protocol):
    """Says which tokens of sets are alike."""

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """How many others each (feature, token) is compared with."""
        ...

    def within(self, feature: Ints, token_id: Ints, threshold: float) -> LinkedPairs:
        """Return the rows of one feature whose tokens' cosine exceeds the threshold.

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
        self._start = np.searchsorted(pairs.token_id, np.arange(vocabulary + 1))
        self._other = pairs.other
        self._cosine = pairs.cosine

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """A token's neighbours above it, in the set or not."""
        return self._start[token_id + 1] - self._start[token_id]

    def within(self, feature: Ints, token_id: Ints, threshold: float) -> LinkedPairs:
        """Look each neighbour up among the feature's tokens."""
        counts = self.candidates(feature, token_id)
        a = np.repeat(np.arange(len(token_id)), counts)
        first = self._start[token_id] - (np.cumsum(counts) - counts)
        place = np.arange(len(a)) + first[a]
        near = self._cosine[place] > threshold
        a, place = a[near], place[near]
        vocabulary = len(self._start)
        key = feature * vocabulary + token_id
        wanted = feature[a] * vocabulary + self._other[place]
        b = np.searchsorted(key, wanted).clip(max=len(key) - 1)
        is_there = key[b] == wanted
        return LinkedPairs(a[is_there], b[is_there], self._cosine[place[is_there]])


class Products:
    """The cosines of each feature's own tokens, multiplied when asked for."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def candidates(self, feature: Ints, token_id: Ints) -> Ints:
        """Every later token of the feature."""
        starts = set_starts(feature)
        ends = np.repeat(starts[1:], np.diff(starts))
        later: Ints = ends - np.arange(len(feature)) - 1
        return later

    def within(self, feature: Ints, token_id: Ints, threshold: float) -> LinkedPairs:
        """Multiply, TILE tokens of a feature with the rest of it at a time."""
        nobody = np.empty(0, np.int64)
        parts = [LinkedPairs(nobody, nobody, np.empty(0, np.float32))]
        for first, last in pairwise(set_starts(feature)):
            own = vectors(self._rows, token_id[first:last])
            for start in range(0, last - first, TILE):
                cosine = own[start : start + TILE] @ own[start:].T
                a, b = np.nonzero(np.triu(cosine > threshold, 1))
                offset = first + start
                parts.append(LinkedPairs(a + offset, b + offset, cosine[a, b]))
        return LinkedPairs(*map(np.concatenate, zip(*parts, strict=True)))


def set_starts(feature: Ints) -> Ints:
    """Where each feature's rows start, and the end of all."""
    return np.flatnonzero(np.r_[True, feature[1:] != feature[:-1], True])


def vectors(rows: Rows, tokens: Ints) -> NDArray[np.float32]:
    """The rows of some tokens, in single precision."""
    return np.asarray(rows[tokens], np.float32)
