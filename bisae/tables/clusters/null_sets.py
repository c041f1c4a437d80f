"""Random token sets, the null of monosemanticity: a feature without meaning."""

from typing import NamedTuple

import numpy as np

from bisae.tables.clusters.links import Ints

LARGEST_SET = 4096


class NullSets(NamedTuple):
    """Token sets drawn at random from the text, as if each were a feature's."""

    feature: Ints
    token_id: Ints
    n_firings: Ints
    bins: list[tuple[int, int, int]]
    """feature, n_tokens_low, n_tokens_high"""


def draw_null_sets(text: Ints, sets: int, seed: int) -> NullSets:
    """Draw token sets for each logarithmic bin of set sizes: 1, 2, 3-4, 5-8, ...

    Firings fall on random positions of the text until the set has its size, so that
    tokens are drawn by their frequency. The largest set has LARGEST_SET tokens, or half
    of the tokens that occur: larger sets would differ in the rarest tokens alone.
    """
    draw = np.random.default_rng(seed)
    largest = min(LARGEST_SET, max(2, len(np.unique(text)) // 2))
    parts: list[tuple[Ints, Ints]] = []
    bins: list[tuple[int, int, int]] = []
    low, high = 1, 1
    while low <= largest:
        top = min(high, largest)
        for _ in range(sets):
            bins.append((len(parts), low, top))
            parts.append(_random_set(text, int(draw.integers(low, top + 1)), draw))
        low, high = high + 1, 2 * high
    feature = np.repeat(np.arange(len(parts)), [len(tokens) for tokens, _ in parts])
    token_id, n_firings = (
        np.concatenate(columns) for columns in zip(*parts, strict=True)
    )
    return NullSets(feature, token_id, n_firings, bins)


def _random_set(text: Ints, size: int, draw: np.random.Generator) -> tuple[Ints, Ints]:
    drawn = np.empty(0, np.int64)
    while True:
        drawn = np.r_[drawn, draw.choice(text, max(64, 2 * size, len(drawn)))]
        _, first = np.unique(drawn, return_index=True)
        if len(first) >= size:
            end = np.sort(first)[size - 1] + 1
            tokens, counts = np.unique(drawn[:end], return_counts=True)
            return tokens, counts
