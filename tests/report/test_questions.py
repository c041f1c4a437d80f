"""The questions a reader asks next: each against plain Python over the base tables."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import fsum, log, sqrt

import pytest

from bisae.query import Connection
from bisae.store import Store
from support import reference
from support.reference import MIXED, mean, mean_columns
from support.rows import Row, assert_same, planted, rows_of

CELL = ("size", "step", "layer")
WHERE = "where size = 'S' and step = 5 and layer = 1"
CLASSES = ("en", "ja", MIXED)


@pytest.fixture(scope="module")
def features(con: Connection) -> list[Row]:
    return rows_of(con, "from features")


@pytest.fixture(scope="module")
def tokens(con: Connection) -> list[Row]:
    return rows_of(con, "from tokens order by token_row")


def of(rows: Iterable[Row], *cell: object) -> list[Row]:
    """Those of one cell."""
    return [row for row in rows if tuple(row[name] for name in CELL) == cell]


# -- class_spans and class_tokens -----------------------------------------------------


def test_spans_are_those_of_each_class(con: Connection, features: list[Row]) -> None:
    expected = []
    content = of(features, "S", 5, 1)
    for population, alive, _ in reference.populations(content, len(content)):
        for language in CLASSES:
            rows = [f for f in alive if f["language"] == language]
            row: Row = {"population": population, "language": language}
            row |= {"n_features": len(rows)}
            row |= mean_columns("mean_span", [f["mean_span"] for f in rows])
            for name in ("mean_span_active", "truncated_share"):
                row[name] = mean([f[name] for f in rows])
            expected.append(row)
    actual = rows_of(con, f"from class_spans {WHERE}")
    assert_same(actual, expected, "population", "language")
    assert len({row["mean_span"] for row in expected}) > 3


def test_every_class_has_spans_in_every_cell(con: Connection, tiny: Store) -> None:
    ((n,),) = [row.values() for row in rows_of(con, "select count(*) from class_spans")]
    assert n == len(tiny.study.cells) * 3 * len(CLASSES)


def test_tokens_are_those_on_which_a_class_fires(
    con: Connection, features: list[Row], tokens: list[Row]
) -> None:
    labelled = {f["feature"]: f["language"] for f in of(features, "S", 5, 1)}
    on: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows_of(con, f"from firings {WHERE}"):
        on[labelled[row["feature"]]].append(row["token_row"])
    n_firings = sum(map(len, on.values()))
    expected = [
        {
            "language": language,
            "n_firings": len(on[language]),
            "share_of_firings": len(on[language]) / n_firings,
            "n_tokens": len({*on[language]}),
            "share_of_tokens": len({*on[language]}) / len(tokens),
        }
        for language in CLASSES
    ]
    assert_same(rows_of(con, f"from class_tokens {WHERE}"), expected, "language")


def test_a_class_without_a_feature_explains_nothing() -> None:
    cell = {"size": "S", "step": 1, "layer": 1}
    firing = cell | {"feature": 7, "token_row": 3}
    tables: dict[str, list[Row]] = {
        "cells": [cell | {"n_eval_tokens": 10}],
        "settings": [{"languages": ["en", "ja"]}],
        "features": [cell | {"feature": 7, "language": "ja"}],
        "firings": [firing, firing | {"token_row": 4}],
    }
    rows = rows_of(planted(tables, "class_tokens"), "from class_tokens")
    assert {r["language"]: r["share_of_tokens"] for r in rows} == {
        "en": 0,
        "ja": 0.2,
        MIXED: 0,
    }


# -- polysemantic_tokens --------------------------------------------------------------


def split(fired: Counter[int], cluster: dict[int, int]) -> Iterator[Row]:
    """What each token of a feature adds to its semantic entropy."""
    sizes = Counter[int]()
    for token_id, n in fired.items():
        sizes[cluster[token_id]] += n
    largest = min(sizes, key=lambda one: (-sizes[one], one))
    for token_id, n in fired.items():
        share = sizes[cluster[token_id]] / fired.total()
        entropy = n / fired.total() * -log(share)
        apart = cluster[token_id] != largest
        yield {"token_id": token_id, "n": n, "apart": apart, "entropy": entropy}


def parts_of(con: Connection, tokens: list[Row]) -> dict[int, list[Row]]:
    """By token, what it adds to each feature of the cell."""
    fired: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for row in rows_of(con, f"from firings {WHERE}"):
        fired[row["feature"]][tokens[row["token_row"]]["token_id"]] += 1
    clusters: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for row in rows_of(con, f"from clusters {WHERE}"):
        clusters[row["feature"]][row["token_id"]] = row["cluster"]
    actual: defaultdict[int, list[Row]] = defaultdict(list)
    for feature, counts in fired.items():
        for section in split(counts, clusters[feature]):
            actual[section["token_id"]].append(section)
    return actual


def test_a_token_adds_its_part_of_the_entropy(
    con: Connection, features: list[Row], tokens: list[Row]
) -> None:
    total = fsum(f["semantic_entropy"] for f in of(features, "S", 5, 1))
    expected = [
        {
            "token_id": token_id,
            "n_features": len(content),
            "n_features_apart": sum(item["apart"] for item in content),
            "n_firings": sum(item["n"] for item in content),
            "n_firings_apart": sum(item["n"] for item in content if item["apart"]),
            "semantic_entropy": fsum(item["entropy"] for item in content),
            "semantic_entropy_share": fsum(item["entropy"] for item in content) / total,
        }
        for token_id, content in parts_of(con, tokens).items()
    ]
    assert_same(rows_of(con, f"from polysemantic_tokens {WHERE}"), expected, "token_id")
    assert any(row["n_features_apart"] < row["n_features"] for row in expected)


# -- size_differences -----------------------------------------------------------------


def newcombe(a: Row, b: Row, name: str) -> Row:
    """The interval of a difference, from those of both."""
    change = b[name] - a[name]
    less = sqrt((b[name] - b[f"{name}_low"]) ** 2 + (a[f"{name}_high"] - a[name]) ** 2)
    more = sqrt((b[f"{name}_high"] - b[name]) ** 2 + (a[name] - a[f"{name}_low"]) ** 2)
    row: Row = {"value_small": a[name], "value_large": b[name], "difference": change}
    row |= {"difference_low": change - less, "difference_high": change + more}
    return row | {"differs": change - less > 0 or change + more < 0}


def test_sizes_differ_by_what_their_features_are(
    con: Connection, features: list[Row]
) -> None:
    """Layers 1 and 2 of S are halfway and on top; M has 0, 1 and 3 of 3."""
    expected = []
    for small, large in ((1, 1), (2, 3)):
        a, b = (
            {
                row["population"]: row
                for row in reference.trend_rows(of(features, size, 40, layer), 256)
            }
            for size, layer in (("S", small), ("M", large))
        )
        for population in a:
            for name in ("mixed_share", "mixed_share_exclusive", "monosemanticity"):
                row = {"layer_small": small, "layer_large": large, "measure": name}
                row |= {"population": population, "size_small": "S", "size_large": "M"}
                row |= {"step_small": 40, "step_large": 40}
                if None not in (a[population][name], b[population][f"{name}_low"]):
                    expected.append(row | newcombe(a[population], b[population], name))
    names = ", ".join(f"'{name}'" for name in {row["measure"] for row in expected})
    sql = "from size_differences where difference_low is not null"
    sql += f" and measure in ({names})"
    assert_same(rows_of(con, sql), expected, "layer_small", "population", "measure")


@pytest.mark.parametrize(("small", "large"), [(12, 16), (4, 6), (3, 3), (28, 12)])
def test_layers_are_matched_by_their_depth(small: int, large: int) -> None:
    """The nearest, of two the lower; the first of 4 is between the first two of 6."""
    cells: list[Row] = [
        {"size": size, "step": 1, "layer": layer, "n_params": n, "tokens_seen": 1}
        | {"n_layers": None}
        for size, n, top in (("a", 1, small), ("b", 2, large))
        for layer in range(1, top + 1)
    ]
    measure: Row = {"name": "mixed_share", "population": "alive"}
    measure |= {"value": 0.5, "low": 0.4, "high": 0.6}
    tables = {"cells": cells, "trend_intervals": [row | measure for row in cells]}
    actual = rows_of(planted(tables, "size_differences"), "from size_differences")
    assert not any(row["differs"] for row in actual)
    for row in actual:
        depth = Fraction(row["layer_small"], small)
        away = [(abs(Fraction(i, large) - depth), i) for i in range(1, large + 1)]
        assert row["layer_large"] == min(away)[1]
    assert len(actual) == small


def test_one_size_differs_from_none(con: Connection) -> None:
    cells = rows_of(con, "from cells where size = 'S'")
    content = rows_of(con, "from trend_intervals where size = 'S'")
    alone = planted({"cells": cells, "trend_intervals": content}, "size_differences")
    assert rows_of(alone, "from size_differences") == []
