"""Check suites on the live DuckDB connection, through Great Expectations."""

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import great_expectations as gx
from great_expectations.data_context.data_context.context_factory import (
    project_manager,
)
from great_expectations.exceptions.exceptions import GreatExpectationsError

from bisae.assets import asset_dir
from bisae.dialect import Lent, register
from bisae.grid import Cell
from bisae.progress import track
from bisae.query import Connection, columns_of, connect, limited_memory, quoted
from bisae.store import Store
from bisae.validate.once import check_of, compute_once, held, rows_held
from bisae.validate.outcomes import Outcome, Row, Status
from bisae.validate.own import Own, create_views, read_own
from bisae.validate.present import present
from bisae.validate.suites import Place, Promise, Suite, one_line, quiet, read_suite

ROWS_SHOWN = 10
MEMORY = "1200MiB"
"""What DuckDB may use; with what Python and the library take, 2 GiB in all."""
OWN_MEMORY = 2**31
"""Bytes that checks of a folder may take."""
SETTINGS = "settings"
"""A table of one row that every store has."""
RECORDED = "code_promises"
"""What became of the promises over codes when cells were built."""


def validate(store: Store, cells: Sequence[Cell] | None = None) -> list[Outcome]:
    """Check every promise over tables: of the whole store, or of some cells.

    With cells, their recorded outcomes are left alone. Raises CheckError when a suite
    is not well formed.
    """
    files = sorted(asset_dir("validations").glob("*.json"))
    suites = [read_suite(file) for file in files]
    own = store.study.validation and read_own(Path(store.study.validation.folder))
    if cells is not None:
        suites = [suite for suite in suites if suite.view != RECORDED]
    con = connect(store, cells=cells)
    with closing(con), TemporaryDirectory() as folder:
        con.execute(f"set memory_limit = '{MEMORY}'")
        con.execute(f"set temp_directory = {quoted(folder)}")
        compute_once(con)
        outcomes = check(con, present(con, suites))
    return outcomes + check_own(store, own, cells) if own else outcomes


def check_own(
    store: Store, own: Own, cells: Sequence[Cell] | None = None
) -> list[Outcome]:
    """Check a user's promises; their SQL reads the store's tables and nothing else.

    Great Expectations needs a connection in this process, so no time limit is set, but
    a check in a stranger's store cannot allocate more than a query of `bisae sql`.
    """
    con = connect(store, cells=cells, fenced=True)
    with limited_memory(OWN_MEMORY), closing(con):
        failed = list(create_views(con, own))
        files = {one.file for one in failed}
        suites = [suite for suite in own.suites if suite.file not in files]
        return failed + check(con, suites)


def check(con: Connection, suites: Iterable[Suite]) -> list[Outcome]:
    """Check suites on a connection that has the tables and views they speak of."""
    listed = list(suites)
    tables = columns_of(con).keys()
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
        outcomes = (
            outcome
            for suite in listed
            for outcome in (
                _check_suite(con, source, suite, parameters)
                if suite.view in tables
                else _without_view(suite)
            )
        )
        total = sum(len(suite.promises) for suite in listed)
        try:
            return list(track(outcomes, total, "validate", "promises"))
        finally:
            # Else the library holds the connection until the interpreter ends, and
            # DuckDB complains of it there.
            project_manager.set_project(None)


def _check_suite(
    con: Connection, source: Any, suite: Suite, parameters: dict[str, Any]
) -> Iterator[Outcome]:
    """Check promises one by one: in a suite, one that raises takes others with it."""
    batch = _batch(con, source, suite)
    shown = {
        "result_format": "COMPLETE",
        "unexpected_index_column_names": suite.key,
        "partial_unexpected_count": ROWS_SHOWN,
    }
    for promise in suite.promises:
        try:
            with rows_held(con, promise.expectation):
                result = batch.validate(
                    promise.expectation,
                    result_format=shown,
                    expectation_parameters=parameters,
                )
        except GreatExpectationsError as raised:
            yield error(suite, promise, str(raised))
        else:
            yield _outcome(suite, promise, result)


def _without_view(suite: Suite) -> Iterator[Outcome]:
    for promise in suite.promises:
        promise = promise._replace(place=Place(suite.line, ""))
        yield error(suite, promise, f"Table with name {suite.view} does not exist")


def _batch(con: Connection, source: Any, suite: Suite) -> Any:
    """Return what the library calls a batch: a whole table or view.

    A query for rows names what it reads, so one batch serves all suites of such: each
    new one takes the library 50 ms, to write its configuration.
    """
    by_rows = all(check_of(promise.expectation) for promise in suite.promises)
    table = SETTINGS if by_rows else suite.view
    for asset in source.assets:
        if asset.name == table:
            return asset.batch_definitions[0].get_batch()
    with held(con, table, 0):  # the library asks for a row of it
        asset = source.add_table_asset(table, table_name=table)
    return asset.add_batch_definition_whole_table("all").get_batch()


def _outcome(suite: Suite, promise: Promise, result: Any) -> Outcome:
    if raised := _raised(result):
        return error(suite, promise, raised)
    status: Status = "pass" if result.success else "fail"
    observed, n_bad, rows = _found(result.result, broken=not result.success)
    expected = _expected(result.expectation_config.kwargs)
    told = _told(suite, promise)
    return Outcome(*told, status, observed, expected, n_bad, rows)


def error(suite: Suite, promise: Promise, raised: str) -> Outcome:
    """What became of a promise that could not be checked."""
    reason = _reason(raised)
    observed = f"{reason} (line {promise.place.line_of(reason)})"
    expected = _expected(promise.expectation.configuration.kwargs)
    return Outcome(*_told(suite, promise), "error", observed, expected, 0, [])


def _told(suite: Suite, promise: Promise) -> tuple[Path, str, str, str, str]:
    return suite.file, suite.view, promise.name, promise.why, promise.guards


class Found(NamedTuple):
    """What an expectation saw."""

    observed: str
    n_bad: int
    rows: list[Row]


def _found(seen: dict[str, Any], *, broken: bool) -> Found:
    """Read a result: of a query for rows, of every row's values, or of one number."""
    if "details" in seen:
        n_bad = seen["observed_value"]
        return Found(str(n_bad), n_bad, shown(seen["details"].get("unexpected_rows")))
    if "unexpected_count" in seen:
        n_bad = int(seen["unexpected_count"] or 0)
        rows = shown(seen.get("partial_unexpected_index_list"))
        return Found(f"{n_bad} of {seen['element_count']}", n_bad, rows)
    return Found(str(seen.get("observed_value")), int(broken), [])


def shown(rows: list[Row] | None) -> list[Row]:
    """The first rows, as JSON can hold them."""
    return [
        {name: _plain(value) for name, value in row.items()}
        for row in (rows or [])[:ROWS_SHOWN]
    ]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, float | Decimal):
        value = float(value)
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def _raised(result: Any) -> str:
    """Why an expectation could not be checked: it then has no result."""
    if result.success or result.result:
        return ""
    known = result.exception_info
    first = known if "exception_message" in known else next(iter(known.values()))
    return str(first["exception_message"])


def _reason(raised: str) -> str:
    """What was raised as one line, without the query and the names of its class."""
    told = re.split(r"\[SQL:|\nLINE \d+:", raised)[0]
    return one_line(re.sub(r"^(\(\S+\) |Error: )", "", told))


def _expected(kwargs: dict[str, Any]) -> str:
    if "unexpected_rows_query" in kwargs:
        return "no rows"
    told = {name: kwargs[name] for name in kwargs if name != "batch_id"}
    return ", ".join(f"{name} {value}" for name, value in told.items())
