"""Tables for people: aligned as they look, cut to fit a screen."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wcwidth import wcswidth

from bisae.formats.table import cut, readable, table

NAMES = ["id", "token", "share"]
ROWS = [(1, "日本語", 0.25), (22, " the", None), (3, "a\nb", 12.0)]


def test_columns_are_aligned_by_how_wide_they_look() -> None:
    assert table(NAMES, ROWS)[0].splitlines() == [
        "id  token   share",
        "--  ------  -----",
        " 1  日本語   0.25",
        "22   the",
        " 3  a\\nb    12",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.123456, "0.1235"),
        (123456.0, "123500"),
        (1e-7, "1e-07"),
        (float("nan"), "nan"),
        (Decimal("2.50000"), "2.5"),
        (1234567, "1234567"),
        (True, "True"),
        ("007", "007"),
        ("1.10", "1.10"),
        ("tab\there", "tab\\there"),
        ("\u3000\x1b[31m", "\\u3000\\x1b[31m"),
    ],
)
def test_values_are_one_readable_line(value: object, text: str) -> None:
    assert readable(value) == text


def test_long_texts_give_way_before_columns_do() -> None:
    values = [("x" * 100, 1, 2)]
    text, shown = table(["text", "a", "b"], values, 40)
    assert shown == 3
    assert text.splitlines()[-1] == "x" * 33 + "…  1  2"
    text, shown = table(["text", "a_long_number", "another_one"], values, 40)
    assert shown == 2
    assert text.splitlines()[0].split() == ["text", "a_long_number"]


@given(
    st.lists(st.tuples(st.text(), st.integers(), st.floats(), st.text()), max_size=5),
    st.integers(10, 100),
)
def test_a_table_is_never_wider_than_it_may_be(
    values: list[tuple[str, int, float, str]], width: int
) -> None:
    text, shown = table(["a", "b", "c", "d"], values, width)
    lines = text.split("\n")
    assert len(lines) == len(values) + 3
    assert 1 <= shown <= 4
    assert all(wcswidth(line) <= width for line in lines)


@given(st.text(), st.integers(1, 20))
def test_what_is_cut_fits_and_says_so(text: str, width: int) -> None:
    text = readable(text)
    short = cut(text, width)
    assert wcswidth(short) <= width
    assert short == text or short.endswith("…")
