"""Semantic clusters: which of a feature's tokens mean something alike.

Reads the input embeddings of one checkpoint; gives each token of a feature its cluster.
"""

from bisae.tables.clusters.embeddings import (
    Threshold,
    embeddings_sum,
    load_embeddings,
    random_cosines,
    resolve_threshold,
)
from bisae.tables.clusters.links import (
    Graph,
    Ints,
    Links,
    Pairs,
    Products,
    Rows,
    find_pairs,
    n_tiles,
)
from bisae.tables.clusters.null_sets import NullSets, draw_null_sets
from bisae.tables.clusters.rules import Clustering, Linked, TokenSets, linked_tokens

__all__ = [
    "Clustering",
    "Graph",
    "Ints",
    "Linked",
    "Links",
    "NullSets",
    "Pairs",
    "Products",
    "Rows",
    "Threshold",
    "TokenSets",
    "draw_null_sets",
    "embeddings_sum",
    "find_pairs",
    "linked_tokens",
    "load_embeddings",
    "n_tiles",
    "random_cosines",
    "resolve_threshold",
]
