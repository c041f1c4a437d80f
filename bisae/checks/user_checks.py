"""The checks that users add in the folder that the study names.

Reads the tables of a store, behind the fence of `bisae sql`; writes nothing.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from bisae.checks.load import CheckFolder
from bisae.checks.results import CheckResult
from bisae.checks.run import run_checks
from bisae.errors import SqlError
from bisae.grid import Cell
from bisae.query import Connection, connect, explain_errors, limited_memory
from bisae.store import Store

MEMORY = 2**31
"""The most bytes that the checks of a folder may allocate."""


def run_user_checks(
    store: Store, added: CheckFolder, cells: Sequence[Cell] | None = None
) -> list[CheckResult]:
    """Run a user's checks; their SQL reads the store's tables and nothing else.

    great-expectations needs a connection in this process, so there is no time limit,
    but an untrusted check cannot allocate more than a query of `bisae sql`.
    """
    con = connect(store, cells=cells, fenced=True)
    with limited_memory(MEMORY), closing(con):
        errors = list(_create_views(con, added))
        files = {result.file for result in errors}
        by_table = [
            table_checks._replace(
                checks=[
                    check for check in table_checks.checks if check.file not in files
                ]
            )
            for table_checks in added.by_table
        ]
        return errors + run_checks(con, by_table)


def _create_views(con: Connection, added: CheckFolder) -> Iterator[CheckResult]:
    """Create the views; yield an error for a missing folder or a faulty view."""
    if not added.path.is_dir():
        reason = "no such folder; create it, or name another in the study and rebuild"
        yield _error(added.path, "", "[validation] folder", reason)
    for view in added.views:
        try:
            with explain_errors():
                con.execute(f"create view {view.name} as {view.select}")
        except SqlError as error:
            yield _error(view.path, view.name, view.title, str(error))


def _error(file: Path, name: str, description: str, reason: str) -> CheckResult:
    texts = name, name, description, "", ""
    return CheckResult(file, *texts, "error", reason, "", 0, [])
