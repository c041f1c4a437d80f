"""Semantic clusters of a feature's tokens, by the cosine of their embeddings.

Reads the input embeddings of one checkpoint; assigns each token of a feature a cluster.
"""

from bisae.tables.clusters.embeddings import (
    Threshold,
    embeddings_sum,
    load_embeddings,
    random_cosines,
    random_pairs,
    resolve_threshold,
)
from bisae.tables.clusters.links import (
    EmbeddingRows,
    Graph,
    Ints,
    Links,
    Pairs,
    Products,
    find_pairs,
    n_tiles,
)
from bisae.tables.clusters.null_sets import NullSets, draw_null_sets
from bisae.tables.clusters.rules import Clustering, Linked, TokenSets, linked_tokens

__all__ = [
    "Clustering",
    "EmbeddingRows",
    "Graph",
    "Ints",
    "Linked",
    "Links",
    "NullSets",
    "Pairs",
    "Products",
    "Threshold",
    "TokenSets",
    "draw_null_sets",
    "embeddings_sum",
    "find_pairs",
    "linked_tokens",
    "load_embeddings",
    "n_tiles",
    "random_cosines",
    "random_pairs",
    "resolve_threshold",
]
