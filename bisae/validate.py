"""Check every promise: the suites in validations/ on the store's tables.

The only door to Great Expectations. Reads JSON suites and, through them, the views in
sql/checks/; writes nothing. What the library says of a promise becomes an `Outcome`.
"""

import io
import json
import logging
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, Literal, NamedTuple

import great_expectations as gx
from great_expectations.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation_configuration import (
    ExpectationConfiguration,
)

from bisae.assets import asset_dir
from bisae.dialect import register
from bisae.errors import CheckError
from bisae.formats import Rows
from bisae.query import Connection, connect
from bisae.store import Store

ROWS_SHOWN = 10
# They are small, and every promise on them would compute them again.
COMPUTED_ONCE = ("trends", "trend_languages")


class Promise(NamedTuple):
    """One expectation of a suite."""

    name: str
    why: str
    guards: str
    """The equation or rule."""
    expectation: Any


class Suite(NamedTuple):
    """What is promised of one table or view."""

    file: Path
    view: str
    key: list[str]
    """The columns that address a row."""
    promises: list[Promise]


class Outcome(NamedTuple):
    """What became of one promise."""

    file: Path
    view: str
    promise: str
    why: str
    status: Literal["pass", "fail", "error"]
    """`error`: it could not be checked, which says nothing of the data."""
    observed: str
    expected: str
    n_bad: int
    rows: list[dict[str, Any]]
    """Some of the rows that break it, with their address."""


def validate(store: Store) -> list[Outcome]:
    """Check every promise. Raises CheckError when a suite is not well formed."""
    files = sorted(asset_dir("validations").glob("*.json"))
    suites = [read_suite(file) for file in files]
    con = connect(store)
    try:
        for view in COMPUTED_ONCE:
            con.execute(f"create temp table {view} as from main.{view}")
        return check(con, suites)
    finally:
        con.close()


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The broken promises. Raises CheckError when one could not be checked."""
    listed = list(outcomes)
    for one in listed:
        if one.status == "error":
            msg = f"{one.file}: {one.promise!r} could not be checked: {one.observed}"
            raise CheckError(msg)
    return [one for one in listed if one.status == "fail"]


def as_rows(outcomes: Iterable[Outcome]) -> Rows:
    """The outcomes for printing; what is not kept also says why it matters and where."""
    names = ["view", "promise", "status", "observed", "expected", "n_bad"]
    values = []
    for one in outcomes:
        rows = [json.dumps(row, ensure_ascii=False, default=str) for row in one.rows]
        told = (None, None) if one.status == "pass" else (one.why, " ".join(rows))
        values.append((*(getattr(one, name) for name in names), *told))
    return Rows([*names, "why", "rows"], values)


# -- suites -----------------------------------------------------------------------


def read_suite(file: Path) -> Suite:
    """Read one suite. Raises CheckError: one line, naming the file."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        with _quiet():
            promises = [_promise(**one) for one in raw["expectations"]]
        return Suite(file, raw["name"], raw["meta"]["key"], promises)
    except KeyError as error:
        msg = f"{file}: {error} is missing"
    except (OSError, ValueError, TypeError, GreatExpectationsError) as error:
        msg = f"{file}: {_one_line(str(error))}"
    raise CheckError(msg)


def _promise(
    type: str,  # noqa: A002 (the key's name in the suite)
    description: str,
    kwargs: dict[str, Any],
    meta: dict[str, str],
) -> Promise:
    built = ExpectationConfiguration(type=type, kwargs=kwargs).to_domain_obj()
    return Promise(description, meta["why"], meta["guards"], built)


# -- checking ---------------------------------------------------------------------


def check(con: Connection, suites: Iterable[Suite]) -> list[Outcome]:
    """Check suites on a connection that has the tables and views they speak of."""
    row = con.execute("select languages, context from settings").fetchone()
    languages, context = row or ([], 0)
    parameters = {"classes": [*languages, "mixed"], "longest_span": context - 1}
    with _quiet():
        place = gx.get_context(mode="ephemeral")
        place.variables.progress_bars = {"globally": False}
        source = place.data_sources.add_sql(
            "duckdb", connection_string=register(), kwargs={"creator": lambda: con}
        )
        return [
            outcome
            for suite in suites
            for outcome in _check_suite(source, suite, parameters)
        ]


def _check_suite(
    source: Any, suite: Suite, parameters: dict[str, Any]
) -> Iterator[Outcome]:
    """Check promises one by one: in a suite, one that raises takes others with it."""
    try:
        table = source.add_table_asset(suite.view, table_name=suite.view)
    except GreatExpectationsError as error:
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
    known = {"file": suite.file, "view": suite.view, "promise": promise.name}
    known |= {"why": promise.why, "expected": _expected(result)}
    if raised := _raised(result.exception_info or {}):
        return Outcome(**known, status="error", observed=raised, n_bad=0, rows=[])
    seen = result.result
    rows = seen.get("partial_unexpected_index_list") or []
    rows = seen.get("details", {}).get("unexpected_rows", rows)[:ROWS_SHOWN]
    n_bad = seen.get("unexpected_count", seen.get("observed_value"))
    observed = f"{n_bad} of {seen['element_count']}"  if "element_count" in seen else ""
    status = "pass" if result.success else "fail"
    return Outcome(**known, status=status, observed=observed, n_bad=n_bad, rows=rows)
