"""Check the tables of a store with the checks in validations/ and with a user's.

Reads the store's tables and the recorded results about codes; writes nothing.
"""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bisae.checks.applicable import applicable
from bisae.checks.cell_tables import RECORDED
from bisae.checks.load import load_checks, shipped_checks
from bisae.checks.materialize import COMPUTED_ONCE
from bisae.checks.results import CheckResult
from bisae.checks.run import run_checks
from bisae.checks.user_checks import run_user_checks
from bisae.grid import Cell
from bisae.query import CODE_CHECKS, compute_once, connect, quoted
from bisae.store import Store

MEMORY = "1200MiB"
"""DuckDB's memory limit; with Python and the library, 2 GiB in all."""


def validate(store: Store, cells: Sequence[Cell] | None = None) -> list[CheckResult]:
    """Run every check of tables, of the whole store or of some cells.

    With cells, their recorded results are not read. Raises CheckError or SqlError if a
    file is malformed.
    """
    checked_elsewhere = {CODE_CHECKS} if cells is None else {CODE_CHECKS, RECORDED}
    by_table = [
        table_checks
        for table_checks in shipped_checks()
        if table_checks.table not in checked_elsewhere
    ]
    section = store.study.validation
    added = load_checks(Path(section.folder)) if section else None
    con = connect(store, cells=cells)
    with closing(con), TemporaryDirectory() as folder:
        con.execute(f"set memory_limit = '{MEMORY}'")
        con.execute(f"set temp_directory = {quoted(folder)}")
        compute_once(con, COMPUTED_ONCE)
        results = run_checks(con, applicable(con, by_table))
    return results + run_user_checks(store, added, cells) if added else results
