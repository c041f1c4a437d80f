"""What is summarize_slots of slots, and what is above a floor, against plain loops."""

import math
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from bisae.query import create_views, database, read_check_views
from bisae.store import Codes, Store
from bisae.store.slots import summarize_slots

N, K = 20, 4
SPECIAL = [math.nan, math.inf, -math.inf, -1.0, -0.0, 0.0, 2.0**-24]


def blocks(n: int) -> Iterator[Codes]:
    """Random slots, lawful and not, a few rows at a time."""
    draw = np.random.default_rng(0)
    for first in range(0, 600, 50):
        number = draw.integers(0, n + 3, (50, K)).astype(np.uint16)
        value = -np.sort(-draw.random((50, K)), axis=1)
        if first % 100:
            number, value = number % n, value + 1
        odd = (draw.random((50, K)) < 0.2) & (first % 200 == 0)
        value[odd] = draw.choice(SPECIAL, odd.sum())
        yield Codes(first, number, value.astype(np.float16))


def plainly(number: list[int], value: list[np.float16], n: int) -> list[int]:
    """What is summarize_slots of one row."""
    used = [v != 0 or math.copysign(1, v) < 0 for v in value]
    labelled = [x for x, u in zip(number, used, strict=True) if u]
    order = np.array(value, np.float16).view(np.int16).tolist()
    return [
        sum(used),
        len(labelled) - len(set(labelled)),
        sum(x >= n for x in labelled),
        sum(not math.isfinite(v) for v in value),
        sum(math.copysign(1, v) < 0 for v in value),
        sum(b > a for a, b in pairwise(order)),
        sum(x != 0 and not u for x, u in zip(number, used, strict=True)),
    ]


def test_rows_are_told_as_plain_loops_tell_them() -> None:
    feature = np.arange(N)[::-1].copy()
    rows = summarize_slots(blocks(N), feature).rows.to_pandas()
    expected = [
        plainly(number.tolist(), list(value), N)
        for block in blocks(N)
        for number, value in zip(block.index, block.value, strict=True)
    ]
    assert rows.token_row.tolist() == list(range(600))
    assert rows.drop(columns="token_row").to_numpy().tolist() == expected
    assert all(rows[name].sum() > 0 for name in rows)


def test_features_are_told_as_plain_loops_tell_them() -> None:
    feature = np.arange(N)[::-1].copy()
    n_active, largest = dict.fromkeys(range(N), 0), dict.fromkeys(range(N), 0.0)
    for block in blocks(N):
        pairs = zip(block.index.ravel(), block.value.ravel(), strict=True)
        for number, value in pairs:
            if number < N and value.view(np.uint16):
                result = int(feature[number])
                n_active[result] += 1
                if math.isfinite(value):
                    largest[result] = max(largest[result], float(value))
    actual = (
        summarize_slots(blocks(N), feature).features.to_pandas().set_index("feature")
    )
    assert actual.n_active.to_dict() == n_active
    assert actual.max_value.to_dict() == largest


@pytest.mark.parametrize("factor", [0.5, 0.7, 0.999, 1.0])
def test_what_is_above_a_floor(tiny: Store, factor: float) -> None:
    cell = tiny.cells[-2]
    whole = list(tiny.codes(cell))
    index = np.concatenate([block.index for block in whole])
    value = np.concatenate([block.value for block in whole]).astype(np.float64)
    floor = np.full(tiny.study.sae.n_features, np.inf)
    for feature in np.unique(index[value > 0]):
        floor[feature] = factor * value[index == feature].max()
    row, location = np.nonzero(value > floor[index])
    stream = pa.RecordBatchReader.from_stream(tiny.codes_above(cell, floor))
    actual = stream.read_all()
    assert actual["token_row"].to_pylist() == row.tolist()
    assert actual["feature"].to_pylist() == index[row, location].tolist()
    assert actual["value"].to_pylist() == value[row, location].tolist()
    assert (len(actual) == 0) == (factor == 1.0)


UNIT = 2.0**-11
"""Of float16's last place, from a half to one."""
PAIRS = [
    # stored, given, gap; whether features or values are others
    (0.75, 0.75, 0.5, None),
    (0.75, 0.75 + 2 * UNIT, 0.5, None),
    (0.75, 0.75 + 3 * UNIT, 0.5, "values"),
    (0.75, 0.75 - 3 * UNIT, 1e-4, "values"),
    (0.75, None, 0.5, "features"),
    (None, 0.75, 1e-3, "features"),
    (None, 0.75, 0.9e-3, None),
    (2.0**-23, None, 0.5, None),
    (3 * 2.0**-24, None, 0.5, "features"),
    (2.0**-14, 2.0**-14 - 3 * 2.0**-24, 0.5, "values"),
]


@pytest.mark.parametrize(("stored", "given", "gap", "other"), PAIRS)
def test_codes_are_the_same_up_to_rounding(
    stored: float | None, given: float | None, gap: float, other: str | None
) -> None:
    def table(value: float | None) -> pa.Table:
        rows = [] if value is None else [(5, 3, value)]
        names = ("token_row", "feature", "value")
        columns = zip(*rows, strict=True) if rows else ((), (), ())
        types = (pa.int64(), pa.int32(), pa.float32())
        arrays = [pa.array(c, t) for c, t in zip(columns, types, strict=True)]
        return pa.table(dict(zip(names, arrays, strict=True)))

    with closing(database()) as con:
        con.register("sampled_codes", table(stored))
        con.register("codes_again", table(given))
        con.register("sampled_rows", pa.table({"token_row": [5], "gap": [gap]}))
        base = {"sampled_codes", "codes_again", "sampled_rows"}
        create_views(con, read_check_views(of_codes=True), base)
        for what in ("features", "values"):
            actual = con.execute(f"from reencoded_other_{what}").fetchall()
            assert bool(actual) == (what == other), actual
