"""Which checks apply to a store: not every study has a lexicon or an intervention."""

from collections.abc import Iterable

from bisae.checks.suites import Suite
from bisae.query import Connection, columns_of, read_check_views, read_views
from bisae.store import registry


def applicable(con: Connection, suites: Iterable[Suite]) -> list[Suite]:
    """The suites without checks of tables and views that this store does not have.

    A name that no store has is kept: running its check says so.
    """
    ours = {*registry(), *read_views(), *read_check_views()}
    missing = ours - columns_of(con).keys()
    kept = [
        suite._replace(
            checks=[
                check
                for check in suite.checks
                if (check.view or suite.table) not in missing
            ]
        )
        for suite in suites
    ]
    return [suite for suite in kept if suite.checks]
