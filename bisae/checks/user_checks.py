"""Checks that users add: those in the folder that the study names.

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
"""Bytes that checks of a folder may take."""


def run_user_checks(
    store: Store, added: CheckFolder, cells: Sequence[Cell] | None = None
) -> list[CheckResult]:
    """Run a user's checks; their SQL reads the store's tables and nothing else.

    Great Expectations needs a connection in this process, so no time limit is set, but
    a check in a stranger's store cannot allocate more than a query of `bisae sql`.
    """
    con = connect(store, cells=cells, fenced=True)
    with limited_memory(MEMORY), closing(con):
        errors = list(_create_views(con, added))
        files = {result.file for result in errors}
        suites = [
            suite._replace(
                checks=[one for one in suite.checks if one.file not in files]
            )
            for suite in added.suites
        ]
        return errors + run_checks(con, suites)


def _create_views(con: Connection, added: CheckFolder) -> Iterator[CheckResult]:
    """Make the views; yield a result for what is missing or cannot be made."""
    if not added.path.is_dir():
        reason = "no such folder; make it, or name another in the study and build again"
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
