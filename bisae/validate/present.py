"""What there is to be promised: not every study has a lexicon or an intervention."""

from collections.abc import Iterable

from bisae.assets import asset_dir
from bisae.query import CELL_TABLES, STUDY_TABLES, Connection, columns_of
from bisae.validate.once import check_of
from bisae.validate.suites import Suite


def present(con: Connection, suites: Iterable[Suite]) -> list[Suite]:
    """The suites without what is about tables and views that this store has not.

    A name that no store has stays: to check it says so.
    """
    views = {file.stem for file in asset_dir("sql").rglob("*.sql")}
    known = {*CELL_TABLES, *STUDY_TABLES, *views}
    missing = known - columns_of(con).keys()
    return [
        suite._replace(
            promises=[
                promise
                for promise in suite.promises
                if check_of(promise.expectation) not in missing
            ]
        )
        for suite in suites
        if suite.view not in missing
    ]
