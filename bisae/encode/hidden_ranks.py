"""Rank each text's translation among all candidates by mean hidden states.

The scores are products of dense vectors, which SQL would take minutes for; the ranks by
codes and tokens are computed in sql/pairs by the same formula.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations

import numpy as np
import pyarrow as pa

from bisae.corpus import PairTexts
from bisae.store import Array

TOLERANCE = 1e-9
"""Cosines that differ by less are equal, as in sql/pairs."""
RANKS = pa.schema(
    [
        ("language_a", pa.string()),
        ("language_b", pa.string()),
        ("pair", pa.int32()),
        ("rank", pa.int32()),
    ]
)


def hidden_ranks(texts: PairTexts, languages: Sequence[str], means: Array) -> pa.Table:
    """Return the rank of the translation in `language_b` of each text in `language_a`.

    `means` has the mean state of each text, (texts, d). The score is the cosine after
    subtracting the mean over all texts of the language.
    """
    batches = [
        pa.record_batch(
            [
                pa.array([languages[a]] * len(pairs)),
                pa.array([languages[b]] * len(pairs)),
                pa.array(pairs.astype(np.int32)),
                pa.array(ranks.astype(np.int32)),
            ],
            schema=RANKS,
        )
        for a, b, pairs, ranks in _ranks(texts, len(languages), means)
    ]
    return pa.Table.from_batches(batches, RANKS)


def _ranks(
    texts: PairTexts, n_languages: int, means: Array
) -> Iterator[tuple[int, int, Array, Array]]:
    """Yield two languages, their common pairs, and the rank of each pair's text."""
    for a, b in permutations(range(n_languages), 2):
        query, candidate = (_Language(texts, means, number) for number in (a, b))
        pairs = np.intersect1d(query.pair, candidate.pair)
        scores = query.directions(pairs) @ candidate.directions(pairs).T
        least = scores.diagonal()[:, None] - TOLERANCE
        yield a, b, pairs, (scores >= least).sum(1)


class _Language:
    """The centred mean states of the texts in one language, in the order of pairs."""

    def __init__(self, texts: PairTexts, means: Array, language: int) -> None:
        rows = np.flatnonzero(texts.language == language)
        rows = rows[np.argsort(texts.pair[rows])]
        self.pair = texts.pair[rows]
        self._centred = means[rows] - means[rows].mean(0) if len(rows) else means[rows]

    def directions(self, pairs: Array) -> Array:
        """Return the unit rows of some pairs, (pairs, d); 0 where the norm is 0."""
        rows = self._centred[np.searchsorted(self.pair, pairs)]
        norm = np.linalg.norm(rows, axis=1, keepdims=True)
        return np.asarray(rows / np.where(norm > 0, norm, 1))
