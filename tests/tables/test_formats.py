"""What is written is read back equal, by everybody's reader and for every text."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bisae.formats import Rows, json_safe, render

BYTES = [chr(code) for code in range(0x250)]
WORDS = ["a\rb", "\r\n", '""', '"a', 'a"', "''", '\\"', "//", "# x", " the", "the ", ""]
WORDS += ["NA", "null", "None", "nan", "007", "1e5", "True", "2024-01-02", "-inf", "=1"]
WORDS += ["\u2028", "\u2029", "\ufeff", "\ufffd", "\ufffd\ufffd", "日本", "𝄞", "a,b"]
TEXTS = BYTES + WORDS


def rows_of(texts: list[str]) -> Rows:
    values: list[tuple[Any, ...]] = [(n, text, "en") for n, text in enumerate(texts)]
    return Rows(["token_id", "token", "language"], values)


def with_csv(file: Path) -> list[str]:
    with file.open(newline="", encoding="utf-8") as lines:
        return [row["token"] for row in csv.DictReader(lines)]


def with_pandas(file: Path) -> list[str]:
    if file.suffix == ".json":
        return list(pd.read_json(file, dtype=False, convert_dates=False)["token"])
    return list(pd.read_csv(file, keep_default_na=False)["token"])


def with_duckdb(file: Path) -> list[str]:
    read = f"'{file}'"
    if file.suffix == ".csv":
        read = f"read_csv('{file}', allow_quoted_nulls = false)"
    query = f"select token from {read} order by token_id"
    return [token for (token,) in duckdb.execute(query).fetchall()]


def with_polars(file: Path) -> list[str]:
    polars = pytest.importorskip("polars")
    read = polars.read_json if file.suffix == ".json" else polars.read_csv
    return list(read(file)["token"])


@pytest.mark.parametrize(
    ("style", "read"),
    [
        *(("csv", with_csv), ("csv", with_pandas), ("csv", with_polars)),
        *(("csv", with_duckdb), ("json", with_duckdb), ("json", with_pandas)),
        ("json", with_polars),
    ],
)
def test_every_text_of_a_vocabulary_is_read_back(
    tmp_path: Path, style: str, read: Callable[[Path], list[str]]
) -> None:
    file = tmp_path / f"vocab.{style}"
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(render(rows_of(TEXTS), style))
    assert read(file) == TEXTS


@given(st.lists(st.text(), min_size=1))
def test_any_text_is_read_back(texts: list[str]) -> None:
    text = render(rows_of(texts), "csv")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    assert [row["token"] for row in rows] == texts
    records = json.loads(render(rows_of(texts), "json"))
    assert [record["token"] for record in records] == texts


def test_csv_is_plain_where_it_can_be_and_tells_empty_from_null() -> None:
    rows = Rows(["a", "b"], [("0.5M", 1e-5), ("", None), ("cells/1", True), ("a-", 2)])
    assert render(rows, "csv") == 'a,b\n0.5M,1e-05\n"",\ncells/1,True\n"a-",2\n'
    result = Rows(["a"], [(None,), ("",), (1,)])
    assert render(result, "csv") == 'a\n""\n""\n1\n'
    assert len(list(csv.reader(io.StringIO(render(result, "csv"))))) == 4


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("inf"), None),
        (Decimal("nan"), None),
        (Decimal("0.5"), 0.5),
        (True, True),
        (7, 7),
        (None, None),
        (date(2024, 1, 2), "2024-01-02"),
        ({1: (float("-inf"), [Decimal(2)])}, {"1": [None, [2.0]]}),
    ],
)
def test_json_expresses_every_value(value: object, expected: object) -> None:
    actual = json_safe(value)
    assert (actual, type(actual)) == (expected, type(expected))
    assert json.loads(json.dumps(actual, allow_nan=False)) == expected


def test_json_has_numbers_alone_in_lists_too() -> None:
    rows = Rows(["a"], [([1.0, float("nan")],), ({"x": (float("inf"), 2)},)])
    assert json.loads(render(rows, "json")) == [
        {"a": [1.0, None]},
        {"a": {"x": [None, 2]}},
    ]


def test_markdown_keeps_rows_and_columns_and_texts_that_look_like_numbers() -> None:
    rows = rows_of(["007", "1e5", "a|b", "a\nb", "\r"])
    lines = render(rows, "markdown").splitlines()
    cells = [line.strip("|").split("|", 1)[1].rpartition("|")[0] for line in lines]
    texts = [cell.strip() for cell in cells[2:]]
    assert texts == ["007", "1e5", r"a\|b", r"a\nb", r"\r"]
