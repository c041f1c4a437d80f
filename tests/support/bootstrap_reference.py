"""Texts drawn again, in plain Python: what sql/bootstrap is compared with.

Slow and literal: a document that is drawn twice stands twice in the text.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import md5
from typing import NamedTuple

from bisae.study import Features
from support import reference
from support.reference import Row, Token

Trends = dict[tuple[str, str], float | None]
"""Values by population and name."""

COPIES = 100
"""More than a document is ever drawn."""


class Firing(NamedTuple):
    """One firing, with what is held fixed of its token."""

    token: Token
    cluster: int
    exclusive: str | None
    """The language that its token is exclusive to."""


def weight(seed: int, replicate: int, document: int) -> int:
    """How often a document is drawn: a Poisson variable of mean 1, from a hash."""
    digits = md5(f"{seed}:{replicate // 4}:{document}".encode()).hexdigest()
    first = replicate % 4 * 8
    uniform = int(digits[first : first + 8], 16) / 2**32
    reached, cumulative = 0, math.exp(-1)
    while cumulative <= uniform:
        reached += 1
        cumulative += math.exp(-1) / math.factorial(reached)
    return reached


def drawn_feature(
    fired: Sequence[Firing], weights: Mapping[int, int], limits: Features
) -> Row:
    """The columns of `features` that a trend reads; empty if it does not fire."""
    copies = [
        item._replace(token=item.token._replace(document=document * COPIES + copy))
        for item in fired
        for document in (item.token.document,)
        for copy in range(weights[document])
    ]
    if not copies:
        return {}
    tokens = [item.token for item in copies]
    local = [item.exclusive for item in copies if item.exclusive]
    enough = len(local) >= limits.min_exclusive_firings
    over_tokens = reference.entropy(Counter(t.token_id for t in tokens).values())
    over_clusters = reference.entropy(Counter(item.cluster for item in copies).values())
    threshold = limits.class_threshold
    return {
        "language": reference.language_class((t.language for t in tokens), threshold),
        "language_exclusive": reference.language_class(local, threshold)
        if enough
        else None,
        "n_tokens": len({t.token_id for t in tokens}),
        "token_entropy": over_tokens,
        "semantic_entropy": over_clusters,
        "monosemanticity": reference.monosemanticity(over_tokens, over_clusters),
        "mean_span": reference.mean_span(tokens),
        # What firings do not tell.
        "language_permuted": None,
        "monosemanticity_null": None,
        "mean_span_active": None,
    }


NAMES = (
    "mixed_share",
    "mixed_share_exclusive",
    "single_token_share",
    "monosemanticity",
    "token_entropy",
    "semantic_entropy",
    "mean_span",
)


def drawn_trends(
    firings: Mapping[int, Sequence[Firing]],
    supported: Mapping[int, bool],
    n_dead: int,
    weights: Mapping[int, int],
    limits: Features,
    languages: Sequence[str],
) -> Trends:
    """The values of one replicate, by population and name.

    A feature that does not fire in it is dead there, like the `n_dead` that never do.
    """
    features = [
        row | {"supported": supported[feature]}
        for feature, fired in firings.items()
        if (row := drawn_feature(fired, weights, limits))
    ]
    total = len(firings) + n_dead
    actual: Trends = {}
    for row in reference.trend_rows(features, total):
        actual |= {(row["population"], name): row[name] for name in NAMES}
    for row in reference.trend_language_rows(features, total, languages):
        if row["language"] != reference.MIXED:
            actual[row["population"], f"share of {row['language']}"] = row["share"]
    return actual
