"""Coherence once more, in plain Python: every pair of tokens is multiplied.

Shares no line with sql/coherence or bisae/tables/pair_sums.py.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from math import fsum, log2
from typing import NamedTuple

import numpy as np

from support.reference import Corpus, Token, Vector, exclusive_tokens

Bin = tuple[str, bool, int]
"""A language, whether tokens are exclusive to it, and the logarithm of their counts."""
Key = tuple[str, str, str]
"""Two languages and a token set."""


class Value(NamedTuple):
    """The coherence of one feature in one row of the table."""

    n_firings_a: int
    n_firings_b: int
    n_pairs: int
    coherence: float
    coherence_null: float


class Text:
    """The frequency bins of a text, and the cosines of random tokens in them."""

    def __init__(
        self,
        corpus: Corpus,
        vectors: Mapping[int, Vector],
        exclusive_threshold: float,
        minimum: int,
    ) -> None:
        tokens = list(corpus.tokens.values())
        self.languages = sorted(corpus.languages)
        self.exclusive = exclusive_tokens(tokens, exclusive_threshold, minimum)
        self.counts = Counter((token.language, token.token_id) for token in tokens)
        self.vectors = {
            token_id: np.asarray(row, np.float64) for token_id, row in vectors.items()
        }
        self.members: dict[Bin, list[int]] = defaultdict(list)
        for language, token_id in sorted(self.counts):
            self.members[self.bin_of(language, token_id)].append(token_id)
        self._means: dict[tuple[Bin, Bin], float] = {}

    def bin_of(self, language: str, token_id: int) -> Bin:
        """The bin of a token in documents of a language."""
        count = int(log2(self.counts[language, token_id]))
        return language, self.exclusive.get(token_id) == language, count

    def cosine(self, first: int, second: int) -> float:
        """The cosine of two tokens, whose vectors have norm 1."""
        return float(self.vectors[first] @ self.vectors[second])

    def mean_cosine(self, first: Bin, second: Bin) -> float:
        """The mean cosine of all pairs of different tokens of two bins."""
        if (first, second) not in self._means:
            a, b = self.members[first], self.members[second]
            rows_a, rows_b = (
                np.stack([self.vectors[token] for token in side]) for side in (a, b)
            )
            differ = np.not_equal.outer(a, b)
            self._means[first, second] = float((rows_a @ rows_b.T)[differ].mean())
        return self._means[first, second]

    def coherence(self, fired: Sequence[Token]) -> dict[Key, Value]:
        """The rows of one feature, which fires on these tokens."""
        values = {}
        for a, b in combinations_with_replacement(self.languages, 2):
            for token_set in ("all", "exclusive"):
                sides = [
                    Counter(
                        token.token_id
                        for token in fired
                        if token.language == language
                        and (
                            token_set == "all"
                            or self.exclusive.get(token.token_id) == language
                        )
                    )
                    for language in (a, b)
                ]
                if value := self._value(a, b, *sides):
                    values[a, b, token_set] = value
        return values

    def _value(
        self, a: str, b: str, counts_a: Counter[int], counts_b: Counter[int]
    ) -> Value | None:
        pairs = [
            (v, w, counts_a[v] * counts_b[w])
            for v in counts_a
            for w in counts_b
            if v != w and (a != b or v < w)
        ]
        n = sum(weight for *_, weight in pairs)
        if n == 0:
            return None
        total = fsum(weight * self.cosine(v, w) for v, w, weight in pairs)
        null = fsum(
            weight * self.mean_cosine(self.bin_of(a, v), self.bin_of(b, w))
            for v, w, weight in pairs
        )
        sums = counts_a.total(), counts_b.total()
        return Value(*sums, n, total / n, null / n)
