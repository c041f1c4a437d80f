"""Run checks on an open DuckDB connection, through great-expectations."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from bisae.checks.check_files import Check, TableChecks, joined_lines, quiet
from bisae.checks.dialect import LentConnection, register
from bisae.checks.materialize import materialized, tables_in
from bisae.checks.results import CheckResult, Row, Status
from bisae.formats import json_safe
from bisae.progress import track
from bisae.query import Connection, columns_of

ROWS_SHOWN = 10
SETTINGS = "settings"
"""A table of one row that every store has."""


def run_checks(con: Connection, by_table: Iterable[TableChecks]) -> list[CheckResult]:
    """Run checks on a connection that has the tables and views they read."""
    import great_expectations as gx
    from great_expectations.data_context.data_context.context_factory import (
        project_manager,
    )

    listed = list(by_table)
    relations, tables = columns_of(con).keys(), tables_in(con)
    row = con.execute("select languages, context from settings").fetchone()
    languages, context = row or ([], 0)
    parameters = {"classes": [*languages, "mixed"], "longest_span": context - 1}
    with quiet():
        library: Any = gx.get_context(mode="ephemeral")
        library.variables.progress_bars = {"globally": False}
        source = library.data_sources.add_sql(
            "duckdb",
            connection_string=register(),
            kwargs={"creator": lambda: LentConnection(con)},
        )
        results = (
            _run(con, source, table_checks, check, parameters, tables)
            if (check.view or table_checks.table) in relations
            else _without_table(table_checks, check)
            for table_checks in listed
            for check in table_checks.checks
        )
        total = sum(len(table_checks.checks) for table_checks in listed)
        try:
            return list(track(results, total, "validate", "checks"))
        finally:
            # Otherwise the library holds the connection until the interpreter ends,
            # where DuckDB reports an error.
            project_manager.set_project(None)


def _run(
    con: Connection,
    source: Any,
    table_checks: TableChecks,
    check: Check,
    parameters: dict[str, Any],
    tables: set[str],
) -> CheckResult:
    """Run one check alone: in a suite, one that raises would end the others."""
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    result_format = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": table_checks.key,
        "partial_unexpected_count": ROWS_SHOWN,
    }
    batch = _batch(con, source, SETTINGS if check.view else table_checks.table, tables)
    try:
        with materialized(con, check.view, tables):
            validated = batch.validate(
                check.expectation,
                result_format=result_format,
                expectation_parameters=parameters,
            )
    except GreatExpectationsError as raised:
        return error_result(table_checks, check, str(raised))
    return _result(table_checks, check, validated)


def _without_table(table_checks: TableChecks, check: Check) -> CheckResult:
    name = check.view or table_checks.table
    return error_result(table_checks, check, f"Table with name {name} does not exist")


def _batch(con: Connection, source: Any, table: str, tables: set[str]) -> Any:
    """Return the library's batch: a whole table or view.

    A query for rows names the tables it reads, so one batch serves all checks that are
    views: for each new one the library takes 50 ms to write its configuration.
    """
    for asset in source.assets:
        if asset.name == table:
            return asset.batch_definitions[0].get_batch()
    with materialized(con, table, tables, 0):  # the library reads a row of it
        asset = source.add_table_asset(table, table_name=table)
    return asset.add_batch_definition_whole_table("all").get_batch()


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
    expected = _expected(check.expectation.configuration.kwargs)
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
        return "no rows"
    shown = {name: kwargs[name] for name in kwargs if name != "batch_id"}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
