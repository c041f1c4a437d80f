"""Every promise is kept by a sound store, and shown to catch the faults it is for.

`data/faults.toml` lists the faults: per table, the place, and what is done to it, with
all promises that this breaks. A promise without a fault fails here.
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cell_copy import planted
from store_copy import copy_store

from bisae.assets import asset_dir
from bisae.build import intervene
from bisae.grid import Selection
from bisae.query import (
    Connection,
    build_order,
    connect,
    read_views,
)
from bisae.store import Store, table_names
from bisae.study import Intervention
from bisae.uncertainty import draw_replicates
from bisae.validate import Outcome, Suite, check, code_files, read_suite, validate
from bisae.validate.once import COMPUTED_ONCE, check_of, compute_once

SUITES = [read_suite(file) for file in sorted(asset_dir("validations").glob("*.json"))]
NAMES = [promise.name for suite in SUITES for promise in suite.promises]
VIEWS = read_views("study", "trends", "paper", "questions", "checks")
# What readers build on beside the tables: the paper's figures and tables hang on it.
MAIN_VIEWS = {
    "by_support",
    "cell_places",
    "contrasts",
    "findings",
    "intervention_effects",
    "learning_rates",
    "lexicon_translations",
    "overview",
    "token_languages",
    "trend_languages",
    "trends",
    "uncertainty",
}
CELL = {"size": "M", "step": 5, "layer": 1}
LISTED: dict[str, dict[str, Any]] = tomllib.loads(
    (Path(__file__).parent / "data" / "faults.toml").read_text("utf-8")
)


class Fault(NamedTuple):
    """What is done to one place of a table, and the promises that it breaks."""

    table: str
    statement: str
    breaks: list[str]


FAULTS = [
    Fault(table, planted(table, listed["where"], change), breaks)
    for table, listed in LISTED.items()
    for change, breaks in listed["breaks"].items()
]


@pytest.fixture(scope="module")
def whole(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A copy of the tiny store that has every table."""
    folder = tmp_path_factory.mktemp("whole")
    copy_store(tiny, folder / "store")
    asked = tiny.study.intervention
    assert asked
    few = {"classes": ("en", "ja"), "documents": 12, "m": (3, 6), "alpha": (0.1,)}
    section = Intervention.model_validate(asked.model_dump() | few)
    update = {
        "store": str(folder / "store"),
        "work_dir": str(folder / "work"),
        "intervention": section,
    }
    store = intervene(tiny.study.model_copy(update=update))[0]
    draw_replicates(store, Selection(), 4, 0)
    return store


@pytest.fixture(scope="module")
def con(whole: Store) -> Iterator[Connection]:
    """Its tables and views, with what is computed once."""
    connection = connect(whole)
    compute_once(connection)
    yield connection
    connection.close()


def test_a_sound_store_keeps_every_promise(whole: Store) -> None:
    outcomes = validate(whole)
    assert [one.promise for one in outcomes] == NAMES
    assert {one.status for one in outcomes} == {"pass"}


def test_every_table_and_main_view_has_a_suite() -> None:
    of_cells = {file.stem for file in code_files()}
    assert {suite.view for suite in SUITES} | of_cells >= {
        *table_names("cell"),
        *table_names("study"),
    }
    assert {suite.view for suite in SUITES} - {
        *table_names("cell"),
        *table_names("study"),
    } == MAIN_VIEWS


def test_every_promise_has_a_planted_fault() -> None:
    assert {name for fault in FAULTS for name in fault.breaks} == set(NAMES)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.statement)
def test_a_fault_breaks_what_it_is_for_and_nothing_else(
    con: Connection, fault: Fault
) -> None:
    outcomes = checked(con, fault)
    assert {one.status for one in outcomes} <= {"pass", "fail"}
    failed = [one for one in outcomes if one.status == "fail"]
    assert sorted(one.promise for one in failed) == sorted(fault.breaks)
    for one in failed:
        assert one.n_bad >= len(one.rows) > 0
        assert len(one.rows) <= 10
    if fault.table not in table_names("study"):
        assert all(is_here(row) for one in failed for row in one.rows)


def is_here(row: dict[str, Any]) -> bool:
    """Whether a row is of the cell that was changed, or of its size."""
    named = {"size": row.get("of_size", "M"), "step": 5, "layer": 1} | row
    if row.keys() & {"lr", "of_size", "n_middle"}:
        return bool(named["size"] == CELL["size"])
    return {name: named[name] for name in CELL} == CELL


def downstream(table: str) -> set[str]:
    """A table and every view that depends on it."""
    names = {table}
    for name in build_order(VIEWS):
        if VIEWS[name].reads & names:
            names.add(name)
    return names


def checked(con: Connection, fault: Fault) -> list[Outcome]:
    """Check every promise that hangs on a table, as the fault leaves it.

    What a promise hangs on is told by the parser; nothing is planted for good.
    """
    hanging = downstream(fault.table)
    again = [view for view in COMPUTED_ONCE if view in hanging - {fault.table}]
    con.execute("begin")
    try:
        if fault.table not in COMPUTED_ONCE:
            rows = f"from memory.main.{fault.table}"
            con.execute(f"create temp table {fault.table} as {rows}")
        con.execute(fault.statement)
        for view in again:
            con.execute(f"drop table temp.main.{view}")
        compute_once(con, again)
        return check(con, [suite for one in SUITES if (suite := part(one, hanging))])
    finally:
        con.execute("rollback")


def part(suite: Suite, views: set[str]) -> Suite | None:
    """The promises of a suite that hang on some tables and views."""
    kept = [
        promise
        for promise in suite.promises
        if (check_of(promise.expectation) or suite.view) in views
    ]
    return suite._replace(promises=kept) if kept else None


# -- what a store has not, and what is broken everywhere -----------------------------


def test_what_a_store_has_not_is_passed_over(tiny: Store) -> None:
    seen = {one.view for one in validate(tiny)}
    assert {suite.view for suite in SUITES} - seen == {
        "intervention_effects",
        "intervention_intervals",
        "intervention_losses",
        "interventions",
        "replicates",
        "translation_scores",
        "translations",
        "uncertainty",
    }


def test_where_all_is_broken_some_rows_are_named(con: Connection) -> None:
    """Rows of the first three cells: `n_bad` is then a lower bound."""
    spans = "Spans of firings lie between one token and a window"
    told = {
        one.promise: one
        for one in checked(
            con, Fault("features", "update features set mean_span = 0", [])
        )
    }[spans]
    (cells,) = con.execute(
        "select list(n order by size, step, layer) from "
        "(select size, step, layer, count(*) as n from features group by all)"
    ).fetchone() or ([],)
    assert told.n_bad == sum(cells[:3])
    assert len(told.rows) == 10
