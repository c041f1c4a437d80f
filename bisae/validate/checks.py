"""Check suites on the live DuckDB connection, through Great Expectations."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import great_expectations as gx
from great_expectations.data_context.data_context.context_factory import (
    project_manager,
)
from great_expectations.datasource.fluent.interfaces import TestConnectionError

from bisae.assets import asset_dir
from bisae.dialect import Lent, register
from bisae.errors import CheckError
from bisae.grid import Cell
from bisae.query import Connection, connect
from bisae.store import Store
from bisae.validate.outcomes import Outcome, Status
from bisae.validate.suites import Promise, Suite, one_line, quiet, read_suite

ROWS_SHOWN = 10
# They are small, and every promise on them would compute them again.
COMPUTED_ONCE = ("trends", "trend_languages")


RECORDED = "code_promises"
"""What became of the promises over codes when cells were built."""


def validate(store: Store, cells: Sequence[Cell] | None = None) -> list[Outcome]:
    """Check every promise over tables: of the whole store, or of some cells.

    With cells, their recorded outcomes are left alone. Raises CheckError when a suite
    is not well formed.
    """
    files = sorted(asset_dir("validations").glob("*.json"))
    suites = [read_suite(file) for file in files]
    con = connect(store, cells=cells)
    if cells is not None or not _is_there(con, RECORDED):
        suites = [suite for suite in suites if suite.view != RECORDED]
    try:
        for view in COMPUTED_ONCE:
            con.execute(f"create temp table {view} as from main.{view}")
        return check(con, suites)
    finally:
        con.close()


def _is_there(con: Connection, view: str) -> bool:
    found = "select view_name from duckdb_views() where view_name = ?"
    return con.execute(found, [view]).fetchone() is not None


def check(con: Connection, suites: Iterable[Suite]) -> list[Outcome]:
    """Check suites on a connection that has the tables and views they speak of."""
    row = con.execute("select languages, context from settings").fetchone()
    languages, context = row or ([], 0)
    parameters = {"classes": [*languages, "mixed"], "longest_span": context - 1}
    with quiet():
        place: Any = gx.get_context(mode="ephemeral")
        place.variables.progress_bars = {"globally": False}
        source = place.data_sources.add_sql(
            "duckdb",
            connection_string=register(),
            kwargs={"creator": lambda: Lent(con)},
        )
        try:
            return [
                outcome
                for suite in suites
                for outcome in _check_suite(source, suite, parameters)
            ]
        finally:
            # Else the library holds the connection until the interpreter ends, and
            # DuckDB complains of it there.
            project_manager.set_project(None)


def _check_suite(
    source: Any, suite: Suite, parameters: dict[str, Any]
) -> Iterator[Outcome]:
    """Check promises one by one: in a suite, one that raises takes others with it."""
    try:
        table = source.add_table_asset(suite.view, table_name=suite.view)
    except TestConnectionError as error:
        msg = f"{suite.file}: no table or view {suite.view!r} in this store"
        raise CheckError(msg) from error
    batch = table.add_batch_definition_whole_table("all").get_batch()
    shown = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": suite.key,
        "partial_unexpected_count": ROWS_SHOWN,
    }
    for promise in suite.promises:
        result = batch.validate(
            promise.expectation, result_format=shown, expectation_parameters=parameters
        )
        yield _outcome(suite, promise, result)


def _outcome(suite: Suite, promise: Promise, result: Any) -> Outcome:
    kwargs = result.expectation_config.kwargs
    told = (suite.file, suite.view, promise.name, promise.why)
    if raised := _raised(result):
        return Outcome(*told, "error", raised, _expected(kwargs), 0, [])
    status: Status = "pass" if result.success else "fail"
    found = _found(result.result, broken=not result.success)
    return Outcome(*told, status, found.observed, _expected(kwargs), *found[1:])


class Found(NamedTuple):
    """What an expectation saw."""

    observed: str
    n_bad: int
    rows: list[dict[str, Any]]


def _found(seen: dict[str, Any], *, broken: bool) -> Found:
    """Read a result: of a query for rows, of every row's values, or of one number."""
    if "details" in seen:
        rows = seen["details"].get("unexpected_rows") or []
        n_bad = seen["observed_value"]
        return Found(str(n_bad), n_bad, rows[:ROWS_SHOWN])
    if "unexpected_count" in seen:
        n_bad = int(seen["unexpected_count"] or 0)
        rows = seen.get("partial_unexpected_index_list") or []
        return Found(f"{n_bad} of {seen['element_count']}", n_bad, rows[:ROWS_SHOWN])
    return Found(str(seen.get("observed_value")), int(broken), [])


def _raised(result: Any) -> str:
    """Why an expectation could not be checked: it then has no result."""
    if result.success or result.result:
        return ""
    known = result.exception_info
    first = known if "exception_message" in known else next(iter(known.values()))
    return one_line(str(first["exception_message"]).split("[SQL:")[0])


def _expected(kwargs: dict[str, Any]) -> str:
    if "unexpected_rows_query" in kwargs:
        return "no rows"
    told = {name: kwargs[name] for name in kwargs if name != "batch_id"}
    return ", ".join(f"{name} {value}" for name, value in told.items())
