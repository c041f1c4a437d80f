"""Semantic clusters: a feature's tokens, joined where they are alike."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from bisae.clusters.links import Ints, LinkedPairs, Links, set_starts

CANDIDATES_AT_ONCE = 4_194_304
LEADER, MEMBER = 1, 2


class Clustering(NamedTuple):
    """How tokens are joined, and which tokens of a feature count."""

    clustering: int
    """Its number."""
    rule: int
    """The firing rule in sql/cell/firing_rules.sql: a feature's tokens are those on
    which it fires by this rule."""
    bit: int
    """The rule's bit."""
    threshold: float
    """Two tokens are alike if their cosine exceeds it."""
    method: str
    """`components`: clusters are connected components. `greedy`: tokens in falling
    order of firings join the first leader that they are alike to."""


class Linked(NamedTuple):
    """Tokens of features that have a link to another, and their clusters."""

    clustering: int
    feature: Ints
    token_id: Ints
    cluster: Ints
    """The lowest token of the cluster."""


def cluster(
    feature: Ints,
    token_id: Ints,
    n_firings: Ints,
    links: Links,
    threshold: float,
    method: str,
) -> Ints:
    """Return each (feature, token)'s cluster, named by its lowest token id.

    Rows are in order of feature and token. The methods are those of `Clustering`.
    """
    clusters = token_id.copy()
    for part in _parts(feature, links.candidates(feature, token_id)):
        pairs = links.within(feature[part], token_id[part], threshold)
        rows, lowest = _label(pairs, token_id[part], n_firings[part], method)
        clusters[part][rows] = lowest
    return clusters


def linked_tokens(
    feature: Ints,
    token_id: Ints,
    rules: Ints,
    n_firings: Mapping[int, Ints],
    links: Links,
    clusterings: Iterable[Clustering],
) -> Iterator[Linked]:
    """Yield the tokens that have a link, and their clusters, by every clustering.

    Rows are in order of feature and token; `rules` has the bits of the firing rules by
    which the feature fires on the token; `n_firings` says how often it does, for each
    row, by the bit of each rule whose clustering is greedy. Links are looked up once,
    for the lowest threshold.
    """
    listed = list(clusterings)
    floor = min(one.threshold for one in listed)
    for part in _parts(feature, links.candidates(feature, token_id)):
        features, tokens, bits = feature[part], token_id[part], rules[part]
        pairs = links.within(features, tokens, floor)
        for one in listed:
            fires = bits & one.bit > 0
            near = pairs.cosine > one.threshold
            near &= fires[pairs.a] & fires[pairs.b]
            some = LinkedPairs(pairs.a[near], pairs.b[near], pairs.cosine[near])
            n = n_firings[one.bit][part] if one.method == "greedy" else None
            rows, lowest = _label(some, tokens, n, one.method)
            yield Linked(one.clustering, features[rows], tokens[rows], lowest)


def _parts(feature: Ints, candidates: Ints) -> Iterator[slice]:
    """Cut between features, so that little is compared at once."""
    starts = set_starts(feature)
    before = np.r_[0, np.cumsum(candidates + 1)][starts]
    cuts = np.flatnonzero(np.diff(before // CANDIDATES_AT_ONCE, prepend=-1))
    for first, last in pairwise(np.unique(np.r_[starts[cuts], len(feature)])):
        yield slice(first, last)


def _label(
    pairs: LinkedPairs, tokens: Ints, n_firings: Ints | None, method: str
) -> tuple[Ints, Ints]:
    """Return the rows that are linked, and the lowest token of each one's cluster."""
    rows = np.unique(np.concatenate([pairs.a, pairs.b]))
    a, b = np.searchsorted(rows, pairs.a), np.searchsorted(rows, pairs.b)
    if method == "components":
        label = _components(len(rows), a, b)
    else:
        assert n_firings is not None
        label = _leaders(a, b, np.lexsort((tokens[rows], -n_firings[rows])))
    lowest = np.full(len(rows), np.iinfo(np.int64).max)
    np.minimum.at(lowest, label, tokens[rows])
    return rows, lowest[label]


def _components(n: int, a: Ints, b: Ints) -> Ints:
    graph = csr_matrix((np.ones(len(a), np.int8), (a, b)), (n, n))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _leaders(a: Ints, b: Ints, order: Ints) -> Ints:
    """Return each row's leader: the first in order of those it is linked to that lead.

    A row with no earlier linked leader becomes a leader. That is settled for all sets
    at once, in rounds: a row waits while an earlier one that it is linked to is not
    settled.
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
