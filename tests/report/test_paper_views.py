"""The paper's figures, the slides' tables: each against plain Python."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from fractions import Fraction

import pytest

from bisae.grid import Cell
from bisae.query import Connection
from bisae.study import Model
from support.reference import MIXED, mean, mean_columns, share_columns
from support.rows import Row, assert_same, near, planted, rows_of

CELL = ("size", "step", "layer")
TREND = ("mixed_share", "mixed_share_exclusive", "monosemanticity")
FIGURES = ("figures_5_8", "figures_6_9", "figures_12_17")
SPANS = ("mean_span", "mean_span_active")


def cell_row(
    size: str, step: int, layer: int, n_params: int = 1, n_layers: int | None = None
) -> Row:
    """A row of `cells`, as far as views read it."""
    row: Row = {"size": size, "step": step, "layer": layer, "n_layers": n_layers}
    return {**row, "n_params": n_params, "tokens_seen": 10 * step, "n_dead": 0}


def placed(cells: Sequence[Row]) -> list[Row]:
    return rows_of(
        planted({"cells": cells}, "grid_cells"), "from grid_cells order by all"
    )


def places(cells: Sequence[Row]) -> Iterator[Row]:
    """Where each cell is in its model and among the models."""
    sizes = {row["size"]: row["n_params"] for row in cells}
    for row in cells:
        same = [item for item in cells if item["size"] == row["size"]]
        blocks = {item["n_layers"] for item in same} - {None}
        blocks = blocks or {max(item["layer"] for item in same)}
        n_layers = max(blocks)
        third = sum(3 * row["layer"] > n * n_layers for n in (1, 2))
        layers = {item["layer"] for item in same} - {0} or {0}
        middle = min(layers, key=lambda layer: (abs(layer - n_layers // 2), layer))
        yield {
            **{name: row[name] for name in CELL},
            "relative_depth": float(Fraction(row["layer"], n_layers or 1)),
            "region": ("lower", "middle", "upper")[third],
            "is_middle": row["layer"] == middle,
            "is_last_step": row["step"] == max(item["step"] for item in same),
            "is_largest_size": row["n_params"] == max(sizes.values()),
            "is_smallest_size": row["n_params"] == min(sizes.values()),
        }


def of(rows: Sequence[Row], row: Row) -> list[Row]:
    """Those of the same cell."""
    return [item for item in rows if all(item[name] == row[name] for name in CELL)]


def measured(features: Sequence[Row]) -> Row:
    """What the paper shows of some features."""
    local = [f["language_exclusive"] for f in features if f["language_exclusive"]]
    n_mixed = sum(f["language"] == MIXED for f in features)
    row: Row = {"n_features": len(features)}
    row |= share_columns("mixed_share", n_mixed, len(features))
    row |= share_columns("mixed_share_exclusive", local.count(MIXED), len(local))
    n_null = sum(f["language_permuted"] == MIXED for f in features)
    row["mixed_share_null"] = n_null / len(features)
    for name in ("monosemanticity", *SPANS):
        row |= mean_columns(name, [f[name] for f in features])
    nulls = [f["monosemanticity_null"] for f in features]
    row["monosemanticity_null"] = mean([null for null in nulls if null is not None])
    return row


# -- where a cell is ------------------------------------------------------------------


def test_every_cell_is_placed(con: Connection) -> None:
    cells = rows_of(con, "from cells")
    assert_same(rows_of(con, "from grid_cells"), list(places(cells)), *CELL)


@pytest.mark.parametrize("highest", [1, 2, 3, 12, 16, 20, 24, 28])
def test_regions_are_thirds(highest: int) -> None:
    cells = [cell_row("a", 1, layer) for layer in range(highest + 1)]
    assert_same(placed(cells), list(places(cells)), *CELL)


def test_a_third_of_a_model_is_lower_and_two_thirds_are_middle() -> None:
    actual = placed([cell_row("a", 1, layer) for layer in range(1, 13)])
    regions = [row["region"] for row in actual]
    assert regions == ["lower"] * 4 + ["middle"] * 4 + ["upper"] * 4


@pytest.mark.parametrize(
    ("layers", "n_layers", "regions"),
    [
        ([4, 8], 12, ["lower", "middle"]),
        ([0, 1], 12, ["lower", "lower"]),
        ([8, 9], 12, ["middle", "upper"]),
        ([4, 8], None, ["middle", "upper"]),
    ],
)
def test_a_sparse_grid_has_the_regions_of_the_model(
    layers: list[int], n_layers: int | None, regions: list[str]
) -> None:
    """Without the number of blocks, the highest layer of the grid is the last."""
    cells = [cell_row("a", 1, layer, n_layers=n_layers) for layer in layers]
    actual = placed(cells)
    assert [row["region"] for row in actual] == regions
    depths = [layer / (n_layers or max(layers)) for layer in layers]
    assert [row["relative_depth"] for row in actual] == near(depths)


def test_one_cell_says_how_many_blocks_its_size_has() -> None:
    """The others may be of a time when cells did not say it."""
    cells = [cell_row("a", 1, 4), cell_row("a", 2, 4, n_layers=12)]
    cells += [cell_row("b", 1, layer, n_params=2) for layer in (2, 4)]
    assert_same(placed(cells), list(places(cells)), *CELL)
    assert {(r["size"], r["layer"]): r["region"] for r in placed(cells)} == {
        ("a", 4): "lower",
        ("b", 2): "middle",
        ("b", 4): "upper",
    }


def test_one_size_is_the_largest_and_the_smallest() -> None:
    (row,) = placed([cell_row("a", 1, 1)])
    assert row["is_largest_size"]
    assert row["is_smallest_size"]


def test_of_equal_sizes_one_is_the_largest() -> None:
    actual = placed([cell_row(size, 1, 1, n_params=7) for size in ("b", "a")])
    assert [row["size"] for row in actual if row["is_largest_size"]] == ["b"]
    assert [row["size"] for row in actual if row["is_smallest_size"]] == ["a"]


def test_each_size_has_a_last_step_of_its_own() -> None:
    actual = placed([cell_row("a", 1, 1), cell_row("a", 2, 1), cell_row("b", 1, 1)])
    assert [row["is_last_step"] for row in actual] == [False, True, True]


@pytest.mark.parametrize(
    ("layers", "n_layers", "middle"),
    [
        ((4, 8, 12), 12, 4),
        ((4, 8), 12, 4),
        ((4, 8), 13, 4),
        ((4, 8), 14, 8),
        ((8, 12), 12, 8),
        ((2, 4), 12, 4),
        ((0, 1), 12, 1),
        ((0, 1), 1, 1),
        ((0,), 12, 0),
        (tuple(range(1, 13)), 12, 6),
        ((4, 8, 12), None, 4),
        ((2, 4), None, 2),
        ((6,), None, 6),
        ((0,), None, 0),
        ((0, 1), None, 1),
        ((3, 9), None, 3),
        ((10, 12), None, 10),
        ((0, 8, 12), None, 8),
    ],
)
def test_sql_and_python_agree_on_the_middle_layer(
    layers: tuple[int, ...], n_layers: int | None, middle: int
) -> None:
    """Without the number of blocks, the highest layer of the grid is the last."""
    model = Model(
        size="a",
        checkpoint="x",
        steps=(1, 2),
        tokens_per_step=10,
        layers=layers,
        n_layers=n_layers,
    )
    steps = [(step, layer) for step in (1, 2) for layer in layers]
    actual = placed([cell_row("a", *item, n_layers=n_layers) for item in steps])
    in_the_middle = [row for row in actual if row["is_middle"]]
    assert [row["layer"] for row in in_the_middle] == [middle, middle]
    last = Cell(*(in_the_middle[-1][name] for name in CELL))
    assert last == model.middle_cell
    assert in_the_middle[-1]["is_last_step"]


@pytest.mark.parametrize("layers", [(4, 8, 12), (6,), (3, 9), (0, 1)])
def test_the_overview_has_every_step_of_a_sparse_grid(
    con: Connection, layers: tuple[int, ...]
) -> None:
    """The cells and features of the tiny study's first layers under other numbers.

    The models have twelve blocks.
    """
    numbers = dict(zip(range(1, 1 + len(layers)), layers, strict=True))
    tables = {
        table: [
            row | {"layer": numbers[row["layer"]], "n_layers": 12}
            for row in rows_of(con, f"from {table}")
            if row["layer"] in numbers
        ]
        for table in ("cells", "features")
    }
    sparse = planted(tables, "overview")
    expected = [
        location for location in places(tables["cells"]) if location["is_middle"]
    ]
    assert expected
    assert_same(
        rows_of(sparse, "from overview"),
        [{name: location[name] for name in CELL} for location in expected],
        "size",
        "step",
    )


def test_the_classes_are_the_languages_and_mixed() -> None:
    classes = planted({"settings": [{"languages": ["ja", "en", "de"]}]}, "classes")
    actual = rows_of(classes, "from classes order by position")
    assert [row["language"] for row in actual] == ["ja", "en", "de", MIXED]


# -- figures 3, 5, 6, 8, 9, 12 to 17 --------------------------------------------------


def test_figure_3_has_the_share_over_exclusive_tokens(con: Connection) -> None:
    features = rows_of(con, "from features")
    for row in rows_of(con, "from figure_3 where measure = 'language class'"):
        local = Counter(f["language_exclusive"] for f in of(features, row))
        total = local.total() - local[None]
        share = local[row["series"]] / total if total else None
        assert row["estimate_exclusive"] == near(share)


@pytest.mark.parametrize("figure", ["figure_layers", "figure_spans"])
def test_layers_and_spans_are_those_of_the_features(
    con: Connection, figure: str
) -> None:
    actual = rows_of(con, f"from {figure}")
    features = rows_of(con, "from features")
    expected = [
        {name: row[name] for name in CELL}
        | {k: v for k, v in measured(of(features, row)).items() if k in actual[0]}
        for row in rows_of(con, "from cells")
    ]
    assert_same(actual, expected, *CELL)
    assert any(name in expected[0] for name in (*TREND, *SPANS))


@pytest.fixture(scope="module")
def three(con: Connection) -> Connection:
    """The tiny study's cells of one size once more under the name of a third."""
    settings = rows_of(con, "from settings")
    tables = {"settings": settings}
    for table in ("cells", "features"):
        rows = rows_of(con, f"from {table}")
        again = [row | {"size": "L"} for row in rows if row["size"] == "M"]
        tables[table] = [*rows, *again]
    for row in tables["cells"]:
        row["n_params"] += 1000 * (row["size"] == "L")
    return planted(tables, *FIGURES, "slides_layers", "slides_sizes")


@pytest.mark.parametrize(
    ("figure", "whole", "size"),
    [
        ("figures_5_8 where figure = 5", "figure_layers", "L"),
        ("figures_6_9 where figure = 6", "figure_spans", "L"),
        ("figures_5_8 where figure = 8", "figure_layers", "S"),
        ("figures_6_9 where figure = 9", "figure_spans", "S"),
        ("figures_12_17", "figure_layers", "M"),
        ("figures_12_17", "figure_spans", "M"),
    ],
)
def test_a_figure_is_one_size_of_the_whole(
    three: Connection, figure: str, whole: str, size: str
) -> None:
    actual = rows_of(three, f"from {figure}")
    rows = rows_of(three, f"from {whole} where size = '{size}'")
    shown = [{k: v for k, v in row.items() if k in actual[0]} for row in rows]
    assert_same(actual, shown, *CELL)
    assert {"n_features", "relative_depth"} < shown[0].keys()


@pytest.mark.parametrize("figures", ["figures_5_8", "figures_6_9"])
def test_a_figure_of_two_sizes_has_no_third(three: Connection, figures: str) -> None:
    shown = rows_of(three, f"select distinct figure, size from {figures} order by all")
    low, high = figures.split("_")[1:]
    assert [(row["figure"], row["size"]) for row in shown] == [
        (int(low), "L"),
        (int(high), "S"),
    ]


def test_of_two_sizes_none_is_between(con: Connection) -> None:
    assert rows_of(con, "from figures_12_17") == []


# -- the slides' tables ---------------------------------------------------------------


def test_regions_pool_the_features_of_their_layers(three: Connection) -> None:
    pooled: defaultdict[str, list[Row]] = defaultdict(list)
    features = rows_of(three, "from features")
    for location in places(rows_of(three, "from cells")):
        if location["is_largest_size"] and location["is_last_step"]:
            pooled[location["region"]] += of(features, location)
    expected = [{"region": name, **measured(rows)} for name, rows in pooled.items()]
    actual = rows_of(three, "from slides_layers")
    assert_same(actual, expected, "region")
    assert {(row["size"], row["step"]) for row in actual} == {("L", 40)}
    assert [row["n_layers"] for row in actual] == [2, 1]
    assert [(row["first_layer"], row["last_layer"]) for row in actual] == [
        (0, 1),
        (3, 3),
    ]


def test_sizes_are_shown_by_their_middle_layer(three: Connection) -> None:
    features = rows_of(three, "from features")
    expected = [
        {name: location[name] for name in CELL} | measured(of(features, location))
        for location in places(rows_of(three, "from cells"))
        if location["is_middle"] and location["is_last_step"]
    ]
    actual = rows_of(three, "from slides_sizes")
    assert_same(actual, expected, "size")
    assert [row["size"] for row in actual] == ["S", "M", "L"]
