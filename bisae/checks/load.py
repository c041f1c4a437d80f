"""Load the checks of a folder: ours in validations/, or those that a user adds.

Reads <table>/<check>.sql, whose header says what holds, and <table>.json, a suite of
great-expectations. A .sql file whose header has a Title instead is a view that checks
read. A malformed file raises CheckError or SqlError: one line that names it.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError
from pathlib import Path
from typing import NamedTuple

from bisae.assets import asset_dir
from bisae.checks.suites import Check, Position, Suite, expectation, read_suite
from bisae.errors import CheckError
from bisae.files import read
from bisae.query import View, build_order, read_view

FIELDS = ("Check", "Title", "Why", "Guards", "Grain", "Kept", "Reads", "Paper")


class CheckFolder(NamedTuple):
    """The checks of a folder, and the views that they are made of."""

    path: Path
    suites: list[Suite]
    """One for each table, in the order of their names."""
    views: list[View]
    """Each after all that it reads."""


@cache
def shipped_checks() -> list[Suite]:
    """The checks that come with bisae."""
    return load_checks(asset_dir("validations")).suites


def load_checks(folder: Path) -> CheckFolder:
    """Load a folder; one that does not exist has no checks."""
    views = _views(sorted([*folder.glob("*.sql"), *folder.glob("*/*.sql")]))
    suites = {file: _read_suite(file) for file in sorted(folder.glob("*.json"))}
    _refuse_unread(views, [read(file).decode() for file in suites])
    together = _by_table(folder, views.values(), suites.values())
    _refuse_repeated(check for suite in together for check in suite.checks)
    return CheckFolder(folder, together, _in_order(folder, views))


def _by_table(
    folder: Path, views: Iterable[View], native: Iterable[Suite]
) -> list[Suite]:
    """One suite for each table: the checks that are .sql files, then those in JSON."""
    suites: dict[str, Suite] = {}
    for view in views:
        if "Check" in view.header:
            # A user's file need not be in a folder of its table.
            table = view.name if view.path.parent == folder else view.folder
            suites.setdefault(table, Suite(table, [], [])).checks.append(_check(view))
    for table, key, checks in native:
        before = suites[table].checks if table in suites else []
        suites[table] = Suite(table, key, [*before, *checks])
    return [suites[table] for table in sorted(suites)]


def _views(files: Iterable[Path]) -> dict[str, View]:
    views: dict[str, View] = {}
    for file in files:
        view = _read(file)
        if view.name in views:
            msg = f"{file}: {views[view.name].path} has the name {view.name!r} too"
            raise CheckError(msg)
        views[view.name] = view
    return views


def _read(file: Path) -> View:
    """Read a .sql file whose header says what it is."""
    if not file.stem.isidentifier():
        msg = f"{file}: its name becomes a view's: take letters, digits and _"
        raise CheckError(msg)
    try:
        view = read_view(file)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: {error}"
        raise CheckError(msg) from error
    if reason := _fault_of(view.header):
        msg = f"{file}: {reason}"
        raise CheckError(msg)
    return view


def _fault_of(header: Mapping[str, str]) -> str:
    """What is wrong with the header of a check; empty if nothing is."""
    for name in header:
        if name not in FIELDS:
            near = get_close_matches(name.capitalize(), FIELDS, 1, 0.0)[0]
            return f"its header has an unknown field {name!r}; the nearest is {near!r}"
    if ("Check" in header) == ("Title" in header):
        return (
            "its header needs one of `-- Check: ` and what holds, or, for a view that "
            "checks read, `-- Title: `"
        )
    if "Check" in header and "Why" not in header:
        return "its header needs `-- Why: ` and why the check matters"
    return ""


def _read_suite(file: Path) -> Suite:
    suite = read_suite(file)
    if suite.table != file.stem:
        msg = f"{file}: its name is {suite.table!r}: call the file {suite.table}.json"
        raise CheckError(msg)
    return suite


def _refuse_unread(views: Mapping[str, View], suites: Iterable[str]) -> None:
    """Refuse a view without a check, which nothing would ever look at."""
    names = {name for view in views.values() for name in view.reads}
    names |= {word for text in suites for word in re.findall(r"\w+", text)}
    for view in views.values():
        if "Title" in view.header and view.name not in names:
            msg = f"{view.path}: no check reads it; if it is one, say `-- Check: `"
            raise CheckError(msg)


def _refuse_repeated(checks: Iterable[Check]) -> None:
    files: dict[str, Path] = {}
    for check in checks:
        if check.name in files:
            msg = f"{check.file}: {files[check.name]} has the name {check.name!r} too"
            raise CheckError(msg)
        files[check.name] = check.file


def _in_order(folder: Path, views: Mapping[str, View]) -> list[View]:
    try:
        return [views[name] for name in build_order(views)]
    except CycleError as error:
        msg = f"{folder}: {' reads '.join(error.args[1])}: name one of them differently"
        raise CheckError(msg) from error


def _check(view: View) -> Check:
    """The check whose rows are a view's."""
    query = {"unexpected_rows_query": f"from {view.name} order by all"}
    expected = expectation("unexpected_rows_expectation", query)
    description, why = view.header["Check"], view.header["Why"]
    guards, position = view.header.get("Guards", ""), Position(1, view.select)
    texts = view.name, description, why, guards
    return Check(*texts, expected, view.name, view.path, position)
