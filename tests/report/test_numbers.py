"""Numbers for readers: digits follow the interval."""

from typing import Any

import pytest

from bisae.formats import Rows
from bisae.report.numbers import (
    Interval,
    as_precise,
    join_intervals,
    readable,
    select_columns,
)


@pytest.mark.parametrize(
    ("value", "half", "text"),
    [
        (0.12407, 0.0322, "0.124"),
        (0.04371, 0.0035, "0.0437"),
        (-0.0447, 0.048, "\N{MINUS SIGN}0.045"),
        (1234.5, 234.4, "1230"),
        (123_456.0, 2344.0, "123,500"),
        (-0.00002, 0.041, "0.000"),
        (0.5, 0.0996, "0.50"),
    ],
)
def test_digits_follow_the_interval(value: float, half: float, text: str) -> None:
    assert as_precise(value, half) == text


@pytest.mark.parametrize("half", [0.0, float("nan"), float("inf")])
def test_without_an_interval_a_value_has_four_digits(half: float) -> None:
    assert as_precise(0.123456, half) == "0.1235"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"),
        (True, "yes"),
        (False, "no"),
        (-1234, "\N{MINUS SIGN}1,234"),
        (0.00002, "2e\N{MINUS SIGN}05"),
        (12345.6, "12,346"),
        (["en", "ja"], "en, ja"),
        ("a-b", "a-b"),
    ],
)
def test_values_are_readable(value: Any, text: str) -> None:
    assert readable(value) == text


def test_a_value_and_its_interval_share_a_column() -> None:
    rows = Rows(
        [
            "size",
            "share",
            "share_low",
            "share_high",
            "estimate",
            "low",
            "high",
            "x_low",
        ],
        [("S", 0.1, 0.05, 0.15, 1, None, None, 7)],
    )
    names, values = join_intervals(rows)
    assert names == ["size", "share", "estimate", "x_low"]
    assert values == [("S", Interval(0.1, 0.05, 0.15), 1, 7)]


def test_columns_that_are_not_there_are_not_selected() -> None:
    rows = select_columns(Rows(["a", "b", "c"], [(1, 2, 3)]), ["c", "d", "a"])
    assert rows == Rows(["c", "a"], [(3, 1)])
