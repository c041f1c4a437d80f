"""Differences of two steering settings in plain Python: what the SQL is compared with.

Takes documents' losses and shares no line with sql/intervention: a document's influence
is a numerical derivative by its weight.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean, variance
from typing import NamedTuple

from support.rows import Row

Draws = Sequence[Sequence[Row]]
"""The rows of a setting's documents, draw by draw."""
STEP = 1e-3
"""By which a document's weight is changed."""


class Difference(NamedTuple):
    """The first setting less the second."""

    estimate: float
    over_documents: float
    """Its variance."""
    over_draws: float | None
    df: float | None

    @property
    def variance(self) -> float | None:
        return (
            None if self.over_draws is None else self.over_documents + self.over_draws
        )

    @property
    def half(self) -> float | None:
        """Half the width of the 95 % interval, by Wallace's approximation of t."""
        if not self.variance or not self.df:
            return self.variance
        z = 1.959964 * (8 * self.df + 3) / (8 * self.df + 1)
        return math.sqrt(self.variance * self.df * math.expm1(z**2 / self.df))

    @property
    def z(self) -> float | None:
        """The normal value that is as improbable as the estimate."""
        if not self.variance or not self.df:
            return None
        t = self.estimate / math.sqrt(self.variance)
        root = math.sqrt(self.df * math.log1p(t**2 / self.df))
        return math.copysign(root * (8 * self.df + 1) / (8 * self.df + 3), t)


def difference(
    first: Draws, second: Draws, measure: str, *, whole: tuple[bool, bool]
) -> Difference:
    """Compare settings in `loss` or `perplexity`.

    `whole`: all features of the class are added, so that there is no other draw.
    """
    settings = (first, second)
    estimate = _mean(first, measure, {}) - _mean(second, measure, {})
    derivatives = defaultdict(list)
    for row in first[0]:
        up, down = (
            _mean(first, measure, weight) - _mean(second, measure, weight)
            for step in (STEP, -STEP)
            for weight in [{row["document"]: 1 + step}]
        )
        derivatives[row["language"]].append((up - down) / (2 * STEP))
    documents = sum(len(d) * variance(d) for d in derivatives.values())
    parts = [
        _over_draws(draws, measure, whole=is_whole)
        for draws, is_whole in zip(settings, whole, strict=True)
    ]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return Difference(estimate, documents, None, None)
    squares = documents**2 / (len(first[0]) - len(derivatives)) + sum(
        part**2 / max(len(draws) - 1, 1)
        for part, draws in zip(known, settings, strict=True)
    )
    total = documents + sum(known)
    return Difference(
        estimate, documents, sum(known), total**2 / squares if squares else None
    )


def _over_draws(draws: Draws, measure: str, *, whole: bool) -> float | None:
    """Return the variance of the mean over draws; None if nothing tells it."""
    if len(draws) > 1:
        values = [_mean([rows], measure, {}) for rows in draws]
        return variance(values) / len(draws)
    return 0.0 if whole else None


def _mean(draws: Draws, measure: str, weight: Mapping[int, float]) -> float:
    """Average over draws, with the documents weighted (by default 1)."""
    losses = [
        math.fsum(weight.get(row["document"], 1) * row["nll"] for row in rows)
        / math.fsum(weight.get(row["document"], 1) * row["n_tokens"] for row in rows)
        for rows in draws
    ]
    return mean(losses if measure == "loss" else map(math.exp, losses))
