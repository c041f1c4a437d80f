"""Every check passes for a sound store, and is shown to catch the faults it is for.

`data/faults.toml` lists the faults: per table, the place, and what is done to it, with
all checks that then fail. A check without a fault fails here.
"""

import tomllib
from collections.abc import Iterator
from contextlib import closing
from typing import Any, NamedTuple

import pytest

from bisae.checks import CheckResult, TableChecks, run_checks, shipped_checks, validate
from bisae.checks.materialize import COMPUTED_ONCE
from bisae.grid import Selection, parse_selection
from bisae.pipeline.intervene import intervene
from bisae.query import (
    CODE_CHECKS,
    Connection,
    build_order,
    columns_of,
    compute_once,
    connect,
    read_check_views,
    read_views,
)
from bisae.store import Store, table_names
from bisae.study import Intervention
from bisae.tables.bootstrap import draw_replicates
from bisae.tables.lineage import export_lineage
from support import DATA
from support.cell_copy import planted
from support.store_copy import copy_store

SUITES = [suite for suite in shipped_checks() if suite.table != CODE_CHECKS]
NAMES = [check.name for suite in SUITES for check in suite.checks]
VIEWS = read_views("text", "grid", "lineage", "paper", "questions") | read_check_views()
# What readers build on beside the tables: the paper's figures and tables hang on it.
MAIN_VIEWS = {
    "by_support",
    "coherence_trends",
    "grid_cells",
    "contrasts",
    "findings",
    "intervention_effects",
    "learning_rates",
    "lexicon_translations",
    "overview",
    "pair_overlap",
    "retrieval",
    "retrieval_overall",
    "token_languages",
    "token_links",
    "trend_languages",
    "trends",
    "uncertainty",
}
TABLES = {*table_names("cell"), *table_names("study")}
FOLLOWED = parse_selection("size=M,layer=1,step=5,step=40")
STEERED_TABLES = {*table_names("cell", "intervene"), "intervention_effects"}
CELL = {"size": "M", "step": 5, "layer": 1}
# Step 5 has mixed features to steer with, step 40 has none at this layer.
STEERED, FULL_STEP = CELL | {"step": 0}, 5
# Where faults are planted if not in CELL. No feature is dense before step 40.
PLANTED_IN = dict.fromkeys(STEERED_TABLES, STEERED) | {"antipodes": CELL | {"step": 40}}
LISTED: dict[str, dict[str, Any]] = tomllib.loads(
    (DATA / "faults.toml").read_text("utf-8")
)


class Fault(NamedTuple):
    """What is done to one place of a table, and the checks that then fail."""

    table: str
    statement: str
    fails: list[str]


FAULTS = [
    Fault(table, planted(table, listed["where"], change), fails)
    for table, listed in LISTED.items()
    for change, fails in listed["fails"].items()
]


@pytest.fixture(scope="module")
def whole(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A copy of the tiny store that has every table."""
    folder = tmp_path_factory.mktemp("whole")
    copy_store(tiny, folder / "store")
    request = tiny.study.intervention
    assert request
    few = {"documents": 12, "m": (3, 6), "alpha": (0.1,)}
    steps = {"mid_step": STEERED["step"], "full_step": FULL_STEP}
    section = Intervention.model_validate(request.model_dump() | few | steps)
    update = {
        "store": str(folder / "store"),
        "work_dir": str(folder / "work"),
        "intervention": section,
    }
    store = intervene(tiny.study.model_copy(update=update))[0]
    draw_replicates(store, Selection(), 4, 0)
    export_lineage(store, FOLLOWED)
    return store


@pytest.fixture(scope="module")
def con(whole: Store) -> Iterator[Connection]:
    """Its views over tables in memory, where each check is planned faster."""
    with closing(connect(whole)) as connection:
        exported = columns_of(connection).keys() & TABLES
        compute_once(connection, exported - {*COMPUTED_ONCE})
        compute_once(connection, COMPUTED_ONCE)
        yield connection


def test_a_sound_store_passes_every_check(whole: Store) -> None:
    results = validate(whole)
    assert [result.check for result in results] == NAMES
    assert {result.status for result in results} == {"pass"}


def test_every_table_and_main_view_is_checked() -> None:
    """Firings and clusters with the codes, cell by cell."""
    views = read_check_views(of_codes=True).values()
    of_codes = {name for view in views for name in view.reads}
    tables = {suite.table for suite in SUITES}
    assert tables | of_codes >= TABLES
    assert tables - TABLES == MAIN_VIEWS


def test_every_check_has_a_planted_fault() -> None:
    assert {name for fault in FAULTS for name in fault.fails} == set(NAMES)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.statement)
def test_a_fault_fails_what_it_is_for_and_nothing_else(
    con: Connection, fault: Fault
) -> None:
    results = checked(con, fault)
    assert {result.status for result in results} <= {"pass", "fail"}
    failed = [result for result in results if result.status == "fail"]
    assert sorted(result.check for result in failed) == sorted(fault.fails)
    for item in failed:
        assert item.n_bad >= len(item.rows) > 0
        assert len(item.rows) <= 10
    if fault.table not in table_names("study"):
        cell = PLANTED_IN.get(fault.table, CELL)
        assert all(is_here(row, cell) for item in failed for row in item.rows)


def is_here(row: dict[str, Any], cell: dict[str, Any]) -> bool:
    """Whether a row is of the cell that was changed, or of its size."""
    labelled = cell | {"size": row.get("of_size", "M")} | row
    if row.keys() & {"lr", "of_size", "n_middle"}:
        return bool(labelled["size"] == cell["size"])
    return {name: labelled[name] for name in cell} == cell


def downstream(table: str) -> set[str]:
    """A table and every view that depends on it."""
    names = {table}
    for name in build_order(VIEWS):
        if VIEWS[name].reads & names:
            names.add(name)
    return names


def checked(con: Connection, fault: Fault) -> list[CheckResult]:
    """Run every check that depends on a table, as the fault leaves it.

    The parser tells what a check depends on; nothing is planted for good.
    """
    views = downstream(fault.table)
    again = [view for view in COMPUTED_ONCE if view in views - {fault.table}]
    con.execute("begin")
    try:
        if fault.table not in TABLES | {*COMPUTED_ONCE}:
            rows = f"from memory.main.{fault.table}"
            con.execute(f"create temp table {fault.table} as {rows}")
        con.execute(fault.statement)
        for view in again:
            con.execute(f"drop table temp.main.{view}")
        compute_once(con, again)
        return run_checks(con, [part(suite, views) for suite in SUITES])
    finally:
        con.execute("rollback")


def part(of_table: TableChecks, views: set[str]) -> TableChecks:
    """The checks of a suite that depend on some tables and views."""
    remaining = [
        check for check in of_table.checks if (check.view or of_table.table) in views
    ]
    return of_table._replace(checks=remaining)


# -- what a store has not, and what is broken everywhere -----------------------------


def test_what_a_store_has_not_is_passed_over(tiny: Store) -> None:
    seen = {result.table for result in validate(tiny)}
    assert {suite.table for suite in SUITES} - seen == {
        "feature_matches",
        "matched_features",
        "intervention_contrasts",
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
    fault = Fault("features", "update features set mean_span = 0", [])
    results = {result.check: result for result in checked(con, fault)}
    spans = results["features_spans_out_of_range"]
    (cells,) = con.execute(
        "select list(n order by size, step, layer) from "
        "(select size, step, layer, count(*) as n from features group by all)"
    ).fetchone() or ([],)
    assert spans.n_bad == sum(cells[:3])
    assert len(spans.rows) == 10
