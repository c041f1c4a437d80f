"""Promises that users add: what lies in the folder that the study names.

Reads the JSON suites and .sql files of that folder; makes views of the latter. A view
that nothing else there names is a promise itself: it has no rows.
"""

import re
from collections.abc import Iterator
from graphlib import CycleError
from pathlib import Path
from typing import NamedTuple

from bisae.errors import CheckError, SqlError
from bisae.query import Connection, View, build_order, header, named, read_view
from bisae.validate.outcomes import Outcome
from bisae.validate.suites import Place, Promise, Suite, expectation, read_suite


class Own(NamedTuple):
    """What is in the folder."""

    folder: Path
    suites: list[Suite]
    views: list[View]
    """Each after all that it reads."""


def read_own(folder: Path) -> Own:
    """Read a folder. Raises CheckError and SqlError for what is not well formed."""
    suites = [read_suite(file) for file in sorted(folder.glob("*.json"))]
    views = {file.stem: _view(file) for file in sorted(folder.glob("*.sql"))}
    used = "\n".join(
        [suite.text for suite in suites]
        + [name for view in views.values() for name in view.reads]
    )
    alone = [v for v in views.values() if not re.search(rf"\b{v.name}\b", used)]
    try:
        order = build_order(views)
    except CycleError as error:
        msg = f"{folder}: {' reads '.join(error.args[1])}: name one of them differently"
        raise CheckError(msg) from error
    return Own(folder, [*suites, *map(_suite, alone)], [views[one] for one in order])


def _view(file: Path) -> View:
    if not file.stem.isidentifier():
        msg = f"{file}: its name becomes a view's: take letters, digits and _"
        raise CheckError(msg)
    try:
        return read_view(file)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: {error}"
        raise CheckError(msg) from error


def _suite(view: View) -> Suite:
    """The suite of a check that stands alone."""
    query = {"unexpected_rows_query": f"from {view.name} order by all"}
    why, guards = (header(view.select, field) for field in ("Why", "Guards"))
    place = Place(1, view.select)
    checked = expectation("unexpected_rows_expectation", query)
    promise = Promise(view.title or view.name, why, guards, checked, place)
    return Suite(view.path, view.name, [], [promise], 1, view.select)


def create_views(con: Connection, own: Own) -> Iterator[Outcome]:
    """Make the views; gives an outcome for what is not there or cannot be made."""
    if not own.folder.is_dir():
        reason = "no such folder; make it, or name another in the study and build again"
        yield _error(own.folder, "", "[validation] folder", reason)
    for view in own.views:
        try:
            with named():
                con.execute(f"create view {view.name} as {view.select}")
        except SqlError as error:
            yield _error(view.path, view.name, view.title or view.name, str(error))


def _error(file: Path, view: str, promise: str, reason: str) -> Outcome:
    return Outcome(file, view, promise, "", "", "error", reason, "", 0, [])
