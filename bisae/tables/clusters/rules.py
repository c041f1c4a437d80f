"""Semantic clusters: similar tokens of a feature, joined by connected components or
greedily."""

from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import groupby, pairwise
from operator import attrgetter, or_
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components

from bisae.tables.clusters.links import Ints, Links, set_starts

CANDIDATES_AT_ONCE = 4_194_304
LEADER, MEMBER = 1, 2


class Clustering(NamedTuple):
    """A method of joining tokens, and the firings by which a feature has them."""

    clustering: int
    """Its number."""
    rule: int
    """The firing rule in sql/cell/firing_rules.sql: a feature's tokens are those on
    which it fires by this rule."""
    bit: int
    """The rule's bit."""
    threshold: float
    """Two tokens are similar if their cosine exceeds it."""
    method: str
    """`components`: clusters are connected components. `greedy`: tokens, by descending
    number of firings, join the first leader that they are similar to."""


class Linked(NamedTuple):
    """Tokens of features that have a link to another, and their clusters."""

    clustering: int
    feature: Ints
    token_id: Ints
    cluster: Ints
    """The lowest token of the cluster."""


class TokenSets(NamedTuple):
    """The tokens on which features fire, in order of feature and token."""

    feature: Ints
    token_id: Ints
    rules: Ints
    """The bits of the firing rules by which the feature fires on the token."""
    n_firings: Mapping[int, Ints]
    """The number of firings, by each rule whose clustering is greedy."""


def linked_tokens(
    sets: TokenSets, links: Links, clusterings: Iterable[Clustering]
) -> Iterator[Linked]:
    """Yield, for every clustering, the tokens that have a link and their clusters."""
    key, greedy = attrgetter("threshold"), sets.n_firings
    for threshold, group in groupby(sorted(clusterings, key=key), key):
        group_clusterings, links_above = list(group), links.above(threshold)
        bits = reduce(or_, (clustering.bit for clustering in group_clusterings))
        rows = np.flatnonzero(sets.rules & bits)
        feature, token_id = sets.feature[rows], sets.token_id[rows]
        for rows_of_part in _parts(feature, links_above.candidates(feature, token_id)):
            features, tokens, set_rows = (
                feature[rows_of_part],
                token_id[rows_of_part],
                rows[rows_of_part],
            )
            a, b = links_above.within(features, tokens)
            for clustering in group_clusterings:
                fires = sets.rules[set_rows] & clustering.bit > 0
                both_fire = fires[a] & fires[b]
                counts = (
                    greedy[clustering.rule][set_rows]
                    if clustering.rule in greedy
                    else None
                )
                linked, lowest = _label(
                    a[both_fire], b[both_fire], tokens, counts, clustering.method
                )
                yield Linked(
                    clustering.clustering, features[linked], tokens[linked], lowest
                )


def _parts(feature: Ints, candidates: Ints) -> Iterator[slice]:
    """Cut between features, so that few tokens are compared at once."""
    starts = set_starts(feature)
    n_before = np.r_[0, np.cumsum(candidates + 1)][starts]
    cuts = np.flatnonzero(np.diff(n_before // CANDIDATES_AT_ONCE, prepend=-1))
    for first, last in pairwise(np.unique(np.r_[starts[cuts], len(feature)])):
        yield slice(first, last)


def _label(
    a: Ints, b: Ints, tokens: Ints, n_firings: Ints | None, method: str
) -> tuple[Ints, Ints]:
    """Return the rows that are linked, and the lowest token of each row's cluster.

    Rows a and b are similar tokens; tokens and n_firings are of all rows.
    """
    rows = np.unique(np.concatenate([a, b]))
    a, b = np.searchsorted(rows, a), np.searchsorted(rows, b)
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
    """Return each row's leader: itself, or the first linked leader in `order`.

    A row with no earlier linked leader becomes a leader. All sets are settled at once,
    in rounds: a row waits until the earlier rows that it is linked to are settled.
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
