"""Select the checks that apply to a store.

Not every study has a lexicon or an intervention.
"""

from collections.abc import Iterable

from bisae.checks.check_files import TableChecks
from bisae.query import Connection, columns_of, read_check_views, read_views
from bisae.store import registry


def applicable(con: Connection, by_table: Iterable[TableChecks]) -> list[TableChecks]:
    """Leave out checks of tables and views that this store does not have.

    A name that no store has is kept: running its check reports it.
    """
    ours = {*registry(), *read_views(), *read_check_views()}
    missing = ours - columns_of(con).keys()
    remaining = [
        table_checks._replace(
            checks=[
                check
                for check in table_checks.checks
                if (check.view or table_checks.table) not in missing
            ]
        )
        for table_checks in by_table
    ]
    return [table_checks for table_checks in remaining if table_checks.checks]
