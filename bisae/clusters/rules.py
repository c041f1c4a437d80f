"""Semantic clusters: a feature's tokens, joined where they are alike."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from bisae.clusters.links import Ints, Links, set_starts

CANDIDATES_AT_ONCE = 4_194_304
LEADER, MEMBER = 1, 2


def cluster(
    feature: Ints,
    token_id: Ints,
    n_firings: Ints,
    links: Links,
    threshold: float,
    rule: str,
) -> Ints:
    """Each (feature, token)'s cluster, named by its lowest token id.

    Rows are in order of feature and token. `components`: connected components of
    cosine > threshold. `greedy`: tokens in falling order of firings join the first
    leader that is alike.
    """
    found = token_id.copy()
    for part in _parts(feature, links.candidates(feature, token_id)):
        tokens = token_id[part]
        a, b = links.within(feature[part], tokens, threshold)
        if rule == "components":
            label = _components(len(tokens), a, b)
        else:
            label = _leaders(a, b, np.lexsort((tokens, -n_firings[part])))
        lowest = np.full(len(tokens), np.iinfo(np.int64).max)
        np.minimum.at(lowest, label, tokens)
        found[part] = lowest[label]
    return found


def _parts(feature: Ints, candidates: Ints) -> Iterator[slice]:
    """Cut between features, so that little is compared at once."""
    starts = set_starts(feature)
    before = np.r_[0, np.cumsum(candidates + 1)][starts]
    cuts = np.flatnonzero(np.diff(before // CANDIDATES_AT_ONCE, prepend=-1))
    for first, last in pairwise(np.unique(np.r_[starts[cuts], len(feature)])):
        yield slice(first, last)


def _components(n: int, a: Ints, b: Ints) -> Ints:
    graph = csr_matrix((np.ones(len(a), np.int8), (a, b)), (n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _leaders(a: Ints, b: Ints, order: Ints) -> Ints:
    """Each place's leader: the first in order of those it is linked to that lead.

    Who has no earlier leader beside him leads. That is settled for all sets at once,
    in rounds: a place waits while an earlier one beside it is not settled.
    """
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    swap = rank[a] > rank[b]
    early, late = np.where(swap, b, a), np.where(swap, a, b)
    state = np.zeros(len(order), np.int8)
    while (open_ := state == 0).any():
        follows, waits = np.zeros((2, len(order)), bool)
        follows[late[state[early] == LEADER]] = True
        waits[late[state[early] == 0]] = True
        state[open_ & follows] = MEMBER
        state[open_ & ~follows & ~waits] = LEADER
    led = state[early] == LEADER
    first = np.where(state == LEADER, rank, len(order))
    np.minimum.at(first, late[led], rank[early[led]])
    return order[first]
