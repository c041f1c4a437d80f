"""Run checks on a live DuckDB connection, through great-expectations."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from bisae.checks.dialect import Lent, register
from bisae.checks.materialize import materialized
from bisae.checks.results import CheckResult, Row, Status
from bisae.checks.suites import Check, Suite, one_line, quiet
from bisae.progress import track
from bisae.query import Connection, columns_of

ROWS_SHOWN = 10
SETTINGS = "settings"
"""A table of one row that every store has."""


def run_checks(con: Connection, suites: Iterable[Suite]) -> list[CheckResult]:
    """Run checks on a connection that has the tables and views they read."""
    import great_expectations as gx
    from great_expectations.data_context.data_context.context_factory import (
        project_manager,
    )

    listed = list(suites)
    tables = columns_of(con).keys()
    row = con.execute("select languages, context from settings").fetchone()
    languages, context = row or ([], 0)
    parameters = {"classes": [*languages, "mixed"], "longest_span": context - 1}
    with quiet():
        library: Any = gx.get_context(mode="ephemeral")
        library.variables.progress_bars = {"globally": False}
        source = library.data_sources.add_sql(
            "duckdb",
            connection_string=register(),
            kwargs={"creator": lambda: Lent(con)},
        )
        results = (
            _run(con, source, suite, check, parameters)
            if (check.view or suite.table) in tables
            else _without_table(suite, check)
            for suite in listed
            for check in suite.checks
        )
        total = sum(len(suite.checks) for suite in listed)
        try:
            return list(track(results, total, "validate", "checks"))
        finally:
            # Else the library holds the connection until the interpreter ends, and
            # DuckDB complains of it there.
            project_manager.set_project(None)


def _run(
    con: Connection, source: Any, suite: Suite, check: Check, parameters: dict[str, Any]
) -> CheckResult:
    """Run one check; in a suite of the library, one that raises takes others along."""
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    result_format = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": suite.key,
        "partial_unexpected_count": ROWS_SHOWN,
    }
    batch = _batch(con, source, SETTINGS if check.view else suite.table)
    try:
        with materialized(con, check.view):
            validated = batch.validate(
                check.expectation,
                result_format=result_format,
                expectation_parameters=parameters,
            )
    except GreatExpectationsError as raised:
        return error_result(suite, check, str(raised))
    return _result(suite, check, validated)


def _without_table(suite: Suite, check: Check) -> CheckResult:
    name = check.view or suite.table
    return error_result(suite, check, f"Table with name {name} does not exist")


def _batch(con: Connection, source: Any, table: str) -> Any:
    """Return what the library calls a batch: a whole table or view.

    A query for rows names what it reads, so one batch serves all checks that are views:
    each new one takes the library 50 ms, to write its configuration.
    """
    for asset in source.assets:
        if asset.name == table:
            return asset.batch_definitions[0].get_batch()
    with materialized(con, table, 0):  # the library asks for a row of it
        asset = source.add_table_asset(table, table_name=table)
    return asset.add_batch_definition_whole_table("all").get_batch()


def _result(suite: Suite, check: Check, validated: Any) -> CheckResult:
    if message := _exception_message(validated):
        return error_result(suite, check, message)
    status: Status = "pass" if validated.success else "fail"
    observed, n_bad, rows = _observation(validated.result, failed=status == "fail")
    expected = _expected(validated.expectation_config.kwargs)
    return CheckResult(*_texts(suite, check), status, observed, expected, n_bad, rows)


def error_result(suite: Suite, check: Check, message: str) -> CheckResult:
    """The result of a check that could not run."""
    reason = _reason(message)
    observed = f"{reason} (line {check.position.line_of(reason)})"
    expected = _expected(check.expectation.configuration.kwargs)
    return CheckResult(*_texts(suite, check), "error", observed, expected, 0, [])


def _texts(suite: Suite, check: Check) -> tuple[Path, str, str, str, str, str]:
    file, name, description = check.file, check.name, check.description
    return file, suite.table, name, description, check.why, check.guards


class Observation(NamedTuple):
    """What an expectation saw."""

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
    """The first rows, as JSON can hold them."""
    return [
        {name: _plain(value) for name, value in row.items()}
        for row in (rows or [])[:ROWS_SHOWN]
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float | Decimal):
        value = float(value)
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _exception_message(validated: Any) -> str:
    """Why an expectation could not be checked: it then has no result."""
    if validated.success or validated.result:
        return ""
    info = validated.exception_info
    first = info if "exception_message" in info else next(iter(info.values()))
    return str(first["exception_message"])


def _reason(message: str) -> str:
    """A message as one line, without the query and the names of its class."""
    first = re.split(r"\[SQL:|\nLINE \d+:", message)[0]
    return one_line(re.sub(r"^(\(\S+\) |Error: )", "", first))


def _expected(kwargs: dict[str, Any]) -> str:
    if "unexpected_rows_query" in kwargs:
        return "no rows"
    shown = {name: kwargs[name] for name in kwargs if name != "batch_id"}
    return ", ".join(f"{name} {value}" for name, value in shown.items())
