"""How much stands behind a trend: features of few documents, tokens of one language."""

from collections.abc import Iterator, Sequence

import pytest

from bisae.query import Connection
from bisae.store import Store
from support.reference import MIXED, mean, share_columns
from support.rows import Row, assert_same, near, planted, rows_of

CELL = ("size", "step", "layer")
BINS = ((1, 1), (2, 2), (3, 4), (5, 9), (10, 19), (20, 49), (50, None))


@pytest.fixture(scope="module")
def features(con: Connection) -> list[Row]:
    return rows_of(con, "from features")


@pytest.fixture(scope="module")
def tokens(con: Connection) -> list[Row]:
    return rows_of(con, "from tokens")


def of(rows: Sequence[Row], *cell: object) -> list[Row]:
    """Those of one cell."""
    return [row for row in rows if tuple(row[name] for name in CELL) == cell]


def supports(rows: Sequence[Row]) -> Iterator[Row]:
    """Each bin of a cell's features."""
    for low, high in BINS:
        content = [f for f in rows if low <= f["n_documents"] <= (high or 10**9)]
        local = [f["language_exclusive"] for f in content if f["language_exclusive"]]
        row: Row = {"n_documents_low": low, "n_documents_high": high}
        row |= {
            "n_features": len(content),
            "share_of_features": len(content) / len(rows),
        }
        n_mixed = sum(f["language"] == MIXED for f in content)
        row |= share_columns("mixed_share", n_mixed, len(content))
        chance = [float(f["language_permuted"] == MIXED) for f in content]
        row["mixed_share_null"] = mean(chance)
        row["mixed_share_exclusive"] = mean([float(item == MIXED) for item in local])
        for name in ("monosemanticity", "monosemanticity_null"):
            row[name] = mean([f[name] for f in content if f[name] is not None])
        yield row


def test_support_is_that_of_the_features(
    con: Connection, features: list[Row], tiny: Store
) -> None:
    actual = rows_of(con, "from by_support")
    for cell in tiny.study.cells:
        expected = list(supports(of(features, *cell)))
        assert_same(of(actual, *cell), expected, "n_documents_low")
    assert len(actual) == len(BINS) * len(tiny.study.cells)


def test_a_number_of_documents_is_in_one_bin(features: list[Row]) -> None:
    """One feature of each number from 1 to 60, all else alike."""
    content = [features[0] | {"n_documents": n} for n in range(1, 61)]
    cell = {name: features[0][name] for name in CELL}
    con = planted({"features": content, "cells": [cell]}, "by_support")
    actual = rows_of(con, "from by_support order by n_documents_low")
    assert [row["n_features"] for row in actual] == [1, 1, 2, 5, 10, 30, 11]


# -- token_languages ------------------------------------------------------------------


def test_text_stands_on_tokens_of_its_language_and_others(
    con: Connection, tokens: list[Row]
) -> None:
    sql = "select token_id, language from vocab"
    owner = {row["token_id"]: row["language"] or "shared" for row in rows_of(con, sql)}
    expected = []
    for language in ("en", "ja"):
        text = [item["token_id"] for item in tokens if item["language"] == language]
        for kind in ("en", "ja", "shared"):
            on = [item for item in text if owner[item] == kind]
            row: Row = {"language": language, "token_language": kind}
            row |= {"n_tokens": len({*on})}
            row |= {"n_occurrences": len(on), "share": len(on) / len(text)}
            expected.append(row)
    assert_same(
        rows_of(con, "from token_languages"), expected, "language", "token_language"
    )


def test_a_token_of_no_language_is_shared() -> None:
    texts = {"en": [0, 0, 1, 2], "ja": [2, 2, 3]}
    tables: dict[str, list[Row]] = {
        "tokens": [
            {"language": k, "token_id": i} for k, ids in texts.items() for i in ids
        ],
        "vocab": [
            {"token_id": i, "language": k}
            for i, k in enumerate(["en", "en", None, "ja"])
        ],
        "settings": [{"languages": ["en", "ja", "fr"]}],
    }
    rows = rows_of(planted(tables, "token_languages"), "from token_languages")
    actual = {(row["language"], row["token_language"]): row for row in rows}
    assert len(actual) == 3 * 4
    assert actual["en", "en"]["n_tokens"] == 2
    assert actual["en", "en"]["share"] == 0.75
    assert actual["ja", "shared"]["n_occurrences"] == 2
    assert actual["ja", "shared"]["share"] == near(2 / 3)
    assert actual["ja", "en"]["share"] == 0
