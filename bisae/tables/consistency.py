"""PW-MCC: how consistent the directions of two autoencoders are, matched one to one.

The pairwise mean correlation coefficient of Song et al. 2025 (arXiv:2505.20254).
"""

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching

from bisae.store import Array

CANDIDATES = 64
"""The most similar directions of each direction that it may be matched with, both ways:
all pairs of 32,768 features would take 8.6 GB and the cube of their number in time."""
ROWS_AT_ONCE = 1024


def pw_mcc(first: Array, second: Array) -> float:
    """Return the mean absolute cosine of matched unit directions, each (n, d).

    The matching is the one-to-one assignment with the largest sum, among the CANDIDATES
    of each direction and those of equal index, so that there always is one. With more
    features than that it is therefore a lower bound.
    """
    forward, backward = _candidates(first, second), _candidates(second, first)
    equal = np.arange(len(first))
    pairs = [forward, backward[:, ::-1], np.stack([equal, equal], axis=1)]
    a, b = np.unique(np.concatenate(pairs), axis=0).T
    # An edge of weight 0 would be none.
    weights = 1 + np.abs(np.einsum("nd,nd->n", first[a], second[b], dtype=np.float64))
    graph = csr_array((weights, (a, b)))
    matched = min_weight_full_bipartite_matching(graph, maximize=True)
    return float(graph[matched].mean() - 1)


def _candidates(first: Array, second: Array) -> Array:
    """Return each direction of the first with each of its candidates, (pairs, 2)."""
    n = min(CANDIDATES, len(second))
    pairs = []
    for start in range(0, len(first), ROWS_AT_ONCE):
        cosines = np.abs(first[start : start + ROWS_AT_ONCE] @ second.T)
        best = np.argpartition(cosines, len(second) - n, axis=1)[:, -n:]
        index = start + np.arange(len(best)).repeat(n)
        pairs.append(np.stack([index, best.ravel()], axis=1))
    return np.concatenate(pairs)
