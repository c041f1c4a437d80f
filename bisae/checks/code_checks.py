"""Run the checks in validations/codes/: of cells' codes and of tables as large as they.

Reads `sae/` and `codes/` of cells, and their tables; writes nothing.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from typing import Any

from bisae.checks.cell_tables import open_cell
from bisae.checks.check_files import Check, TableChecks
from bisae.checks.load import check_of
from bisae.checks.materialize import MOST_ROWS
from bisae.checks.results import CheckResult
from bisae.checks.run import (
    ROWS_SHOWN,
    SETTINGS,
    as_json,
    error_result,
    run_checks,
)
from bisae.errors import SqlError
from bisae.grid import Cell, at
from bisae.progress import track
from bisae.query import (
    CODE_CHECKS,
    Connection,
    address_columns,
    database,
    explain_errors,
    parquet_view,
    read_check_views,
    schema,
)
from bisae.store import Store, table_file

MEMORY = "1GiB"
"""DuckDB's memory limit, on top of the rows, 22 bytes per token, and the libraries."""


def code_checks() -> TableChecks:
    """Return the checks of codes and weights, all of them in SQL."""
    views = read_check_views(of_codes=True).values()
    checks = [check_of(view) for view in views if "Check" in view.header]
    return TableChecks(CODE_CHECKS, [], checks)


def check_cells(
    store: Store, cells: Sequence[Cell], again: Mapping[Cell, Mapping[str, Any]]
) -> list[tuple[Cell, list[CheckResult]]]:
    """Run every check of the codes of exported cells.

    `again` holds the tables of a sample that was encoded again; without one, its checks
    are skipped. The rows that violate a check are computed cell by cell, with the
    cell's address, and the library reads those of all cells at once, since it takes
    time for each check.
    """
    table_checks = code_checks()
    checks: dict[Cell, list[Check]] = {}
    errors: dict[tuple[Cell, str], str] = {}
    collected: set[str] = set()
    title = f"checks {cells[0].checkpoint}" if cells else ""
    with closing(database(store.tables, memory=MEMORY)) as con:
        parquet_view(con, SETTINGS, [table_file(store, SETTINGS)])
        for cell in track(cells, len(cells), title, "cells"):
            with at(cell), explain_errors(f"cell {cell}"), schema(con, "cell"):
                views = open_cell(con, store, cell, again.get(cell, {}))
                checks[cell] = [
                    check for check in table_checks.checks if check.view in views
                ]
                for check in checks[cell]:
                    try:
                        is_first = check.view not in collected
                        _collect_rows(con, cell, check.view, is_first=is_first)
                        collected.add(check.view)
                    except SqlError as error:
                        errors[cell, check.name] = str(error)
        names = {check.name for cell_checks in checks.values() for check in cell_checks}
        checks_run = [check for check in table_checks.checks if check.name in names]
        results = run_checks(con, [table_checks._replace(checks=checks_run)])
        by_name = {result.check: result for result in results}
        return [
            (
                cell,
                _results_of_cell(
                    con, cell, table_checks, checks[cell], by_name, errors
                ),
            )
            for cell in cells
        ]


def _collect_rows(con: Connection, cell: Cell, view: str, *, is_first: bool) -> None:
    """Add the rows of a cell's check to a table of the same name. Raises SqlError."""
    rows = f"select {address_columns(cell)}, * from {view} limit {MOST_ROWS}"
    action = f"create table main.{view} as" if is_first else f"insert into main.{view}"
    with explain_errors():
        con.execute(f"{action} {rows}")


def _results_of_cell(
    con: Connection,
    cell: Cell,
    table_checks: TableChecks,
    checks: Collection[Check],
    by_name: Mapping[str, CheckResult],
    errors: Mapping[tuple[Cell, str], str],
) -> list[CheckResult]:
    """Return a cell's part of the results of all cells, one for each check."""
    results = []
    for check in checks:
        result = by_name[check.name]
        if reason := errors.get((cell, check.name)):
            result = error_result(table_checks, check, reason)
        elif result.status == "fail":
            result = result._replace(**_violations(con, cell, check.view))
        results.append(result)
    return results


def _violations(con: Connection, cell: Cell, view: str) -> dict[str, Any]:
    """Return the number of a cell's rows that violate a check, and some of the rows."""
    from_cell = f"from main.{view} where (size, step, layer) = (?, ?, ?)"
    (n_bad,) = con.execute(f"select count(*) {from_cell}", [*cell]).fetchall()[0]
    cursor = con.execute(f"{from_cell} order by all limit {ROWS_SHOWN}", [*cell])
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    status = "fail" if n_bad else "pass"
    columns = {"status": status, "observed": str(n_bad), "n_bad": n_bad}
    return columns | {"rows": as_json(rows)}
