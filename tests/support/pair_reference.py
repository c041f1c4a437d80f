"""Retrieval and overlap of translation pairs in plain numpy, on dense vectors."""

from collections.abc import Mapping
from math import sqrt
from typing import Any

import numpy as np
from scipy.stats import norm

Vectors = Mapping[str, Mapping[int, np.ndarray]]
"""The vector of each text, by language and pair."""

Z = norm.ppf(0.975)


def ranks(vectors: Vectors, language_a: str, language_b: str) -> dict[int, int]:
    """The rank of each text's translation, by cosine less the language's mean."""
    centred = {}
    for language in (language_a, language_b):
        mean = np.mean(list(vectors[language].values()), axis=0)
        centred[language] = {
            pair: unit(vector - mean, float(np.linalg.norm(vector)))
            for pair, vector in vectors[language].items()
        }
    pairs = sorted(vectors[language_a].keys() & vectors[language_b].keys())
    return {
        pair: sum(
            centred[language_a][pair] @ centred[language_b][candidate]
            >= centred[language_a][pair] @ centred[language_b][pair] - 1e-9
            for candidate in pairs
        )
        for pair in pairs
    }


def unit(vector: np.ndarray, size: float) -> np.ndarray:
    """The direction of a vector, 0 where nothing but rounding is left of `size`."""
    length = np.linalg.norm(vector)
    return vector / length if length > 1e-6 * size else 0 * vector


def jaccard(a: set[int], b: set[int]) -> float:
    return len(a & b) / len(a | b) if a | b else 0.0


def retrieval(
    ranks_by_pair: Mapping[int, int], tokens: Mapping[int, int]
) -> dict[str, Any]:
    """What the view `retrieval` says of a direction, from ranks by pair."""
    n = len(ranks_by_pair)
    hits = np.array([rank == 1 for rank in ranks_by_pair.values()], float)
    reciprocal = np.array([1 / rank for rank in ranks_by_pair.values()])
    over = hits - np.array([tokens[pair] == 1 for pair in ranks_by_pair], float)
    half = Z * reciprocal.std(ddof=1) / sqrt(n)
    padded = np.array([*over, 1, -1])  # Bonett and Price: a pair on each side
    half_over = Z * padded.std() / sqrt(n + 2)
    return {
        "n_pairs": n,
        "p_at_1": hits.mean(),
        "chance_p_at_1": 1 / n,
        "mrr": reciprocal.mean(),
        "mrr_low": reciprocal.mean() - half,
        "mrr_high": reciprocal.mean() + half,
        "chance_mrr": np.mean([1 / rank for rank in range(1, n + 1)]),
        "over_tokens": over.mean(),
        "over_tokens_low": max(-1.0, padded.mean() - half_over),
        "over_tokens_high": min(1.0, padded.mean() + half_over),
    }


def overlap(sets_a: Mapping[int, set[int]], sets_b: Mapping[int, set[int]]) -> Any:
    """The Jaccard index of every two texts, (pairs of a, pairs of b)."""
    return np.array([[jaccard(a, b) for b in sets_b.values()] for a in sets_a.values()])
