"""Matches of features once more, in plain Python: every pair of features, as sets.

Shares no line with sql/matching.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from support.reference import Corpus

Firings = Mapping[int, frozenset[int]]
"""The token rows on which each feature fires."""
Row = dict[str, Any]
DENSE = 0.1


def permuted(fired: Firings, corpus: Corpus, seed: int) -> dict[int, frozenset[int]]:
    """Firings with each document in place of the next of its language and length."""
    tokens = corpus.tokens.values()
    length: dict[int, int] = defaultdict(int)
    by_language: dict[str, set[int]] = defaultdict(set)
    for token in tokens:
        length[token.document] += 1
        by_language[token.language].add(token.document)

    def order(document: int) -> tuple[int, str, int]:
        text = f"{seed}:{document}".encode()
        return length[document], hashlib.md5(text).hexdigest(), document

    place: dict[int, int] = {}
    for documents in by_language.values():
        ordered = sorted(documents, key=order)
        place |= dict(zip(ordered, ordered[1:] + ordered[:1], strict=True))
    width = corpus.context - 1
    return {
        feature: frozenset(place[row // width] * width + row % width for row in rows)
        for feature, rows in fired.items()
    }


def matches(fired: Firings, fired_to: Firings) -> list[Row]:
    """The rows of `feature_matches`, without cosines."""
    candidates = []
    for feature, rows in fired.items():
        for other, others in fired_to.items():
            if n_both := len(rows & others):
                jaccard = n_both / len(rows | others)
                candidates.append((feature, other, n_both, jaccard))
    result, ranked, ranked_to = [], defaultdict(list), defaultdict(list)
    for feature, other, _, jaccard in candidates:
        ranked[feature].append((-jaccard, other))
        ranked_to[other].append((-jaccard, feature))
    for feature, other, n_both, jaccard in candidates:
        of, of_other = ranked[feature], ranked_to[other]
        rank = sorted(of).index((-jaccard, other)) + 1
        rank_to = sorted(of_other).index((-jaccard, feature)) + 1
        if min(rank, rank_to) <= 3:
            lead = jaccard - _best_but(of, (-jaccard, other))
            lead_to = jaccard - _best_but(of_other, (-jaccard, feature))
            row = {
                "feature": feature,
                "feature_to": other,
                "n_both": n_both,
                "jaccard": jaccard,
                "mutual": rank == rank_to == 1,
                "containment": n_both / len(fired[feature]),
                "containment_to": n_both / len(fired_to[other]),
                "rank": rank if rank <= 3 else None,
                "rank_to": rank_to if rank_to <= 3 else None,
                "margin": lead if rank <= 3 else None,
                "margin_to": lead_to if rank_to <= 3 else None,
            }
            result.append(row)
    return result


def _best_but(ranked: list[tuple[float, int]], itself: tuple[float, int]) -> float:
    return max((-entry[0] for entry in ranked if entry != itself), default=0)


def overlaps(fired: Firings, fired_to: Firings, n_tokens: int) -> list[Row]:
    """The rows of `matched_features` for both sides, by `is_to` and feature."""
    sides = [_side(fired, fired_to, n_tokens), _side(fired_to, fired, n_tokens)]
    for is_to, side in enumerate(sides):
        others = sides[1 - is_to]
        divided = [
            row
            for row in others.values()
            if len(row["parts"]) >= 2
            and row["parts_share"] >= 0.5
            and row["held"] < 2 / 3
        ]
        for feature, row in side.items():
            best = others.get(row["best"], {"best": None})
            row["is_to"] = bool(is_to)
            row["is_mutual"] = best["best"] == feature
            row["is_part"] = any(feature in holder["parts"] for holder in divided)
    rows = [row for side in sides for row in side.values()]
    for row in rows:
        row["n_parts"] = len(row.pop("parts"))
    return rows


def _side(near: Firings, far: Firings, n_tokens: int) -> dict[int, Row]:
    result = {}
    for feature, rows in near.items():
        common = {other: len(rows & others) for other, others in far.items()}
        jaccard = {other: common[other] / len(rows | far[other]) for other in far}
        best = max(far, key=lambda other: (jaccard[other], -other))
        held = [
            common[other] / len(rows)
            for other in far
            if len(far[other]) <= DENSE * n_tokens
        ]
        holds = {
            other: 0
            if len(rows) > DENSE * n_tokens
            else common[other] / len(far[other])
            for other in far
        }
        parts = [other for other, share in holds.items() if share >= 0.5]
        union = frozenset[int]().union(*(far[other] for other in parts))
        result[feature] = {
            "feature": feature,
            "n_firings": len(rows),
            "density": len(rows) / n_tokens,
            "best": best if common[best] else None,
            "jaccard": jaccard[best],
            "held": max(held, default=0),
            "holds": max(holds.values()),
            "parts": parts,
            "parts_share": len(rows & union) / len(rows) if len(parts) > 1 else None,
        }
    return result
