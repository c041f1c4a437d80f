"""Load the checks of a folder: validations/, or a folder that a user adds.

Reads <table>/<check>.sql, whose header states the check, and <table>.json, an
expectation suite of great-expectations. A .sql file whose header has a Title instead is
a view that checks read. A malformed file raises CheckError or SqlError, naming it.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from graphlib import CycleError
from pathlib import Path
from typing import NamedTuple

from bisae.assets import asset_dir
from bisae.checks.check_files import (
    Check,
    Position,
    TableChecks,
    read_check_file,
)
from bisae.errors import CheckError
from bisae.files import read
from bisae.query import View, build_order, read_view

FIELDS = ("Check", "Title", "Why", "Guards", "Grain", "Kept", "Reads", "Paper")


class CheckFolder(NamedTuple):
    """The checks of a folder, and the views that they read."""

    path: Path
    by_table: list[TableChecks]
    """One for each table, in the order of their names."""
    views: list[View]
    """In build order: each follows everything it reads."""


@cache
def shipped_checks() -> list[TableChecks]:
    """Return the checks that come with bisae."""
    return load_checks(asset_dir("validations")).by_table


def load_checks(folder: Path) -> CheckFolder:
    """Load a folder; one that does not exist has no checks."""
    views = _views(sorted([*folder.glob("*.sql"), *folder.glob("*/*.sql")]))
    by_file = {file: _read_check_file(file) for file in sorted(folder.glob("*.json"))}
    _refuse_unread(views, [read(file).decode() for file in by_file])
    by_table = _by_table(folder, views.values(), by_file.values())
    _refuse_repeated(
        check for table_checks in by_table for check in table_checks.checks
    )
    return CheckFolder(folder, by_table, _ordered_views(folder, views))


def _by_table(
    folder: Path, views: Iterable[View], native: Iterable[TableChecks]
) -> list[TableChecks]:
    """Group checks by table: first those in .sql files, then those in JSON."""
    by_table: dict[str, TableChecks] = {}
    for view in views:
        if "Check" in view.header:
            # A user's file need not be in a folder of its table.
            table = view.name if view.path.parent == folder else view.folder
            by_table.setdefault(table, TableChecks(table, [], [])).checks.append(
                check_of(view)
            )
    for table, key, checks in native:
        sql_checks = by_table[table].checks if table in by_table else []
        by_table[table] = TableChecks(table, key, [*sql_checks, *checks])
    return [by_table[table] for table in sorted(by_table)]


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
    """Read a .sql file and validate its header."""
    if not file.stem.isidentifier():
        msg = f"{file}: its name becomes a view's: take letters, digits and _"
        raise CheckError(msg)
    try:
        view = read_view(file)
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{file}: {error}"
        raise CheckError(msg) from error
    if reason := _header_fault(view.header):
        msg = f"{file}: {reason}"
        raise CheckError(msg)
    return view


def _header_fault(header: Mapping[str, str]) -> str:
    """Return the fault of a check's header, "" if there is none."""
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


def _read_check_file(file: Path) -> TableChecks:
    table_checks = read_check_file(file)
    if table_checks.table != file.stem:
        table = table_checks.table
        msg = f"{file}: its name is {table!r}: call the file {table}.json"
        raise CheckError(msg)
    return table_checks


def _refuse_unread(views: Mapping[str, View], json_texts: Iterable[str]) -> None:
    """Raise CheckError for a view that no check reads."""
    names = {name for view in views.values() for name in view.reads}
    names |= {word for text in json_texts for word in re.findall(r"\w+", text)}
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


def _ordered_views(folder: Path, views: Mapping[str, View]) -> list[View]:
    try:
        return [views[name] for name in build_order(views)]
    except CycleError as error:
        msg = f"{folder}: {' reads '.join(error.args[1])}: name one of them differently"
        raise CheckError(msg) from error


def check_of(view: View) -> Check:
    """Return the check that a view's rows violate."""
    description, why = view.header["Check"], view.header["Why"]
    guards, position = view.header.get("Guards", ""), Position(1, view.select)
    texts = view.name, description, why, guards
    return Check(*texts, None, view.name, view.path, position)
