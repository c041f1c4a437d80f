"""What there is to be promised: not every study has a lexicon or an intervention."""

from collections.abc import Iterable

from bisae.query import CELL_TABLES, STUDY_TABLES, Connection, columns_of, read_views
from bisae.validate.once import check_of
from bisae.validate.suites import Suite


def present(con: Connection, suites: Iterable[Suite]) -> list[Suite]:
    """The suites without what is about tables and views that this store has not.

    A name that no store has stays: to check it says so.
    """
    known = {*CELL_TABLES, *STUDY_TABLES, *read_views()}
    absent = known - columns_of(con).keys()
    return [
        suite._replace(
            promises=[
                promise
                for promise in suite.promises
                if check_of(promise.expectation) not in absent
            ]
        )
        for suite in suites
        if suite.view not in absent
    ]
