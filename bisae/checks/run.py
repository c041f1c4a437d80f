"""Run checks on an open DuckDB connection, through great-expectations."""

import re
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

from bisae.checks.check_files import (
    Check,
    TableChecks,
    expectation,
    joined_lines,
    quiet,
)
from bisae.checks.library import Library
from bisae.checks.results import CheckResult, Row, Status
from bisae.errors import OutOfMemory, SqlError
from bisae.formats import json_safe
from bisae.progress import track
from bisae.query import Connection, columns_of, explain_errors

NO_ROWS = "no rows"
"""The expected result of a check in SQL."""
ROWS_SHOWN = 10
SETTINGS = "settings"
"""A table of one row that every store has."""


def run_checks(con: Connection, by_table: Iterable[TableChecks]) -> list[CheckResult]:
    """Run checks on a connection that has the tables and views they read.

    A check in SQL whose view has no rows has passed; the library, which takes 10 ms for
    each check, runs all others.
    """
    listed = list(by_table)
    relations = columns_of(con).keys()
    row = con.execute("select languages, context from settings").fetchone()
    languages, context = row or ([], 0)
    parameters = {"classes": [*languages, "mixed"], "longest_span": context - 1}
    with quiet(), closing(Library(con)) as library:
        results = (
            _run(con, library, table_checks, check, parameters)
            if (check.view or table_checks.table) in relations
            else _without_table(table_checks, check)
            for table_checks in listed
            for check in table_checks.checks
        )
        total = sum(len(table_checks.checks) for table_checks in listed)
        return list(track(results, total, "validate", "checks"))


def _run(
    con: Connection,
    library: Library,
    table_checks: TableChecks,
    check: Check,
    parameters: dict[str, Any],
) -> CheckResult:
    """Run one check alone: in a suite, one that raises would end the others."""
    if check.view and _is_empty(con, check.view):
        texts = _texts(table_checks, check)
        return CheckResult(*texts, "pass", "0", NO_ROWS, 0, [])

    from great_expectations.exceptions.exceptions import GreatExpectationsError

    result_format = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": table_checks.key,
        "partial_unexpected_count": ROWS_SHOWN,
    }
    batch = library.batch(SETTINGS if check.view else table_checks.table)
    try:
        with library.materialized(check.view):
            validated = batch.validate(
                check.expectation or _no_rows(check.view),
                result_format=result_format,
                expectation_parameters=parameters,
            )
    except GreatExpectationsError as raised:
        return error_result(table_checks, check, str(raised))
    return _result(table_checks, check, validated)


def _is_empty(con: Connection, view: str) -> bool:
    """Say if a view has no rows; one that cannot be computed is not empty."""
    with suppress(SqlError, OutOfMemory), explain_errors():
        return con.execute(f"from {view} limit 1").fetchone() is None
    return False


def _no_rows(view: str) -> Any:
    """Return the expectation that a view has no rows."""
    query = {"unexpected_rows_query": f"from {view} order by all"}
    return expectation("unexpected_rows_expectation", query)


def _without_table(table_checks: TableChecks, check: Check) -> CheckResult:
    name = check.view or table_checks.table
    return error_result(table_checks, check, f"Table with name {name} does not exist")


def _result(table_checks: TableChecks, check: Check, validated: Any) -> CheckResult:
    if message := _exception_message(validated):
        return error_result(table_checks, check, message)
    status: Status = "pass" if validated.success else "fail"
    observed, n_bad, rows = _observation(validated.result, failed=status == "fail")
    expected = _expected(validated.expectation_config.kwargs)
    return CheckResult(
        *_texts(table_checks, check), status, observed, expected, n_bad, rows
    )


def error_result(table_checks: TableChecks, check: Check, message: str) -> CheckResult:
    """Return the result of a check that could not run."""
    reason = _reason(message)
    observed = f"{reason} (line {check.position.line_of(reason)})"
    expected = (
        NO_ROWS if check.view else _expected(check.expectation.configuration.kwargs)
    )
    return CheckResult(*_texts(table_checks, check), "error", observed, expected, 0, [])


def _texts(
    table_checks: TableChecks, check: Check
) -> tuple[Path, str, str, str, str, str]:
    file, name, description = check.file, check.name, check.description
    return file, table_checks.table, name, description, check.why, check.guards


class Observation(NamedTuple):
    """The observed value of an expectation, and the rows that violate it."""

    observed: str
    n_bad: int
    rows: list[Row]


def _observation(result: dict[str, Any], *, failed: bool) -> Observation:
    """Read a result: of a query for rows, of every row's values, or of one number."""
    if "details" in result:
        n_bad = result["observed_value"]
        rows = as_json(result["details"].get("unexpected_rows"))
        return Observation(str(n_bad), n_bad, rows)
    if "unexpected_count" in result:
        n_bad = int(result["unexpected_count"] or 0)
        rows = as_json(result.get("partial_unexpected_index_list"))
        return Observation(f"{n_bad} of {result['element_count']}", n_bad, rows)
    return Observation(str(result.get("observed_value")), int(failed), [])


def as_json(rows: list[Row] | None) -> list[Row]:
    """Return the first rows with values that JSON has."""
    return [json_safe(row) for row in (rows or [])[:ROWS_SHOWN]]


def _exception_message(validated: Any) -> str:
    """Return the reason why an expectation could not be checked, "" if it could."""
    if validated.success or validated.result:
        return ""
    info = validated.exception_info
    first = info if "exception_message" in info else next(iter(info.values()))
    return str(first["exception_message"])


def _reason(message: str) -> str:
    """Return a message as one line, without the query and the error's class."""
    first = re.split(r"\[SQL:|\nLINE \d+:", message)[0]
    return joined_lines(re.sub(r"^(\(\S+\) |Error: )", "", first))


def _expected(kwargs: dict[str, Any]) -> str:
    if "unexpected_rows_query" in kwargs:
        return NO_ROWS
    shown = {name: kwargs[name] for name in kwargs if name != "batch_id"}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
