"""A suite that is not well formed is refused at once; one that a store cannot answer
is an error of the check, never a failure of the data. Each names its file and line.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bisae.checks import CheckResult, failures, read_check_file, run_checks
from bisae.errors import CheckError
from bisae.query import Connection

ONE: dict[str, Any] = {
    "description": "it",
    "type": "unexpected_rows_expectation",
    "kwargs": {"unexpected_rows_query": "from cells where mse < 0"},
    "meta": {"name": "key", "why": "Because.", "guards": "a rule"},
}
GOOD = {"name": "cells", "meta": {"key": ["size"]}, "expectations": [ONE]}
TEXT = json.dumps(GOOD, indent=1)
"""The check begins at line 9, its query stands in line 13."""
BETWEEN = "expect_column_values_to_be_between"


def text_of(kind: str, **kwargs: Any) -> str:
    """A suite with two checks: a good one, and one from line 21 on."""
    result = ONE | {"type": kind, "kwargs": kwargs}
    return json.dumps(GOOD | {"expectations": [ONE, result]}, indent=1)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cells.json"


MALFORMED = [
    ('{\n "name": "cells",\n "meta" {}}', "delimiter: line 3 column 9 (char 28)"),
    ("[]", "not a suite: it needs name, meta.key and expectations, a list"),
    (json.dumps(GOOD | {"meta": {}}), "not a suite: it needs name, meta.key and"),
    (json.dumps(GOOD | {"expectations": ["it"]}), "not a suite: it needs name"),
    (TEXT.replace('"why"', '"whi"'), "needs type, description, kwargs, meta.name"),
    (TEXT.replace('"it"', "3"), "meta.why and meta.guards (line 9)"),
    (
        TEXT.replace("unexpected_rows_exp", "unexpectd_rows_exp"),
        "unknown expectation 'unexpectd_rows_expectation'; the nearest known one is "
        "'unexpected_rows_expectation' (line 11)",
    ),
    (TEXT.replace("_query", "_quest"), "unexpected_rows_quest extra fields not"),
    (text_of(BETWEEN, column="mse", min_value="a"), "not a valid float"),
    (text_of(BETWEEN, column="mse", min_value="a"), "(line 21)"),
]
UNANSWERED = [
    (TEXT.replace("where mse", "where msee"), '"msee" not found in FROM', 13),
    (TEXT.replace("from cells", "from sells"), "name sells does not exist", 13),
    (TEXT.replace("mse < 0", "mse < <"), 'syntax error at or near "<"', 9),
    (TEXT.replace('"cells"', '"sells"'), "name sells does not exist", 9),
    (text_of(BETWEEN, column="msee", min_value=0), 'column "msee" in BatchData', 25),
    (
        text_of("expect_column_values_to_match_regex", column="size", regex="S"),
        "Regex is not supported",
        21,
    ),
    (
        text_of(BETWEEN, column="mse", min_value={"$PARAMETER": "nowhere"}),
        "No value found for $PARAMETER nowhere",
        21,
    ),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_a_malformed_suite_is_named(file: Path, text: str, message: str) -> None:
    file.write_text(text)
    with pytest.raises(CheckError, match=re.escape(message)) as caught:
        read_check_file(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_suite_that_cannot_be_read_is_named(file: Path) -> None:
    with pytest.raises(CheckError, match=r"cells\.json: .*No such file"):
        read_check_file(file)
    file.write_bytes(b"\xff")
    with pytest.raises(CheckError, match=r"cells\.json: 'utf-8' codec"):
        read_check_file(file)


@pytest.mark.parametrize(("text", "message", "line"), UNANSWERED)
def test_what_cannot_be_checked_is_no_failure(
    con: Connection, file: Path, text: str, message: str, line: int
) -> None:
    file.write_text(text)
    result = run_checks(con, [read_check_file(file)])[-1]
    assert (result.status, result.rows) == ("error", [])
    assert message in result.observed
    assert result.observed.endswith(f" (line {line})")
    with pytest.raises(CheckError) as caught:
        failures([result])
    outcome = f"{file}: 'it' could not be checked: {result.observed}"
    assert str(caught.value) == outcome
    assert "\n" not in outcome
    assert "duckdb" not in outcome.lower().replace("dialect duckdb", "")


def test_one_that_cannot_be_checked_leaves_others_alone(
    con: Connection, file: Path
) -> None:
    file.write_text(text_of(BETWEEN, column="msee", min_value=0))
    assert statuses(run_checks(con, [read_check_file(file)])) == ["pass", "error"]


def statuses(results: list[CheckResult]) -> list[str]:
    return [result.status for result in results]


def test_rows_are_as_json_can_hold_them(con: Connection, file: Path) -> None:
    query = "select 'nan'::float a, 0.5::decimal(9, 3) b, [1] c, null d"
    item = ONE | {"kwargs": {"unexpected_rows_query": query}}
    file.write_text(json.dumps(GOOD | {"expectations": [item]}))
    (result,) = run_checks(con, [read_check_file(file)])
    assert result.rows == [{"a": None, "b": 0.5, "c": [1], "d": None}]


@pytest.mark.parametrize(
    ("kind", "kwargs", "observed"),
    [
        ("expect_table_row_count_to_equal", {"value": 99}, "15"),
        (BETWEEN, {"column": "mse", "max_value": -1}, "15 of 15"),
        ("unexpected_rows_expectation", {"unexpected_rows_query": "from cells"}, "15"),
    ],
)
def test_what_was_observed_is_told(
    con: Connection, file: Path, kind: str, kwargs: dict[str, Any], observed: str
) -> None:
    file.write_text(text_of(kind, **kwargs))
    result = run_checks(con, [read_check_file(file)])[-1]
    assert (result.status, result.observed) == ("fail", observed)
    assert len(result.rows) <= 10
