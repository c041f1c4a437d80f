"""The result of a check, independent of the library that ran it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bisae.errors import CheckError
from bisae.formats import Rows

Status = Literal["pass", "fail", "error"]
Row = dict[str, Any]
SHORT = ["result", "what", "where", "observed", "expected"]
"""The columns that fit a terminal."""


class CheckResult(NamedTuple):
    """The result of one check."""

    file: Path
    table: str
    """The table or view that it checks."""
    check: str
    """Its key: the stem of its file."""
    description: str
    """The statement that is true if it passes."""
    why: str
    guards: str
    """The equation or rule."""
    status: Status
    """`error` means that it could not run, which says nothing about the data."""
    observed: str
    expected: str
    n_bad: int
    rows: list[Row]
    """Some of the rows that violate it, with their address, as JSON values."""

    @property
    def where(self) -> str:
        """The table or view, and the cells of the rows that violate the check."""
        cells = list(dict.fromkeys(filter(None, map(_cell, self.rows))))
        if not cells:
            return self.table
        at_least = "" if self.n_bad <= len(self.rows) else "at least "
        more = f", {at_least}{len(cells) - 1} more" if len(cells) > 1 else ""
        return f"{self.table}: {cells[0]}{more}"


class Nested(list[Row]):
    """Rows as one value of another row: objects in JSON, otherwise text."""

    def __str__(self) -> str:
        return json.dumps(self, ensure_ascii=False)


def _cell(row: Row) -> str:
    """Return the address of a row's cell, as far as it has one."""
    return "/".join(str(row[n]) for n in ("size", "step", "layer") if n in row)


def failures(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Return the checks that failed. Raises CheckError if one could not run."""
    listed = list(results)
    if errors := [result for result in listed if result.status == "error"]:
        first, others = errors[0], len(errors) - 1
        msg = f"{first.file}: {first.description!r} could not be checked: "
        msg += first.observed + (f"; nor could {others} more" if others else "")
        raise CheckError(msg)
    return [result for result in listed if result.status == "fail"]


def as_rows(results: Iterable[CheckResult]) -> Rows:
    """Format all results; those that did not pass say why the check matters."""
    values = []
    for result in results:
        passed = result.status == "pass"
        why, rows = (None, None) if passed else (result.why, Nested(result.rows))
        status, *short = _short(result)
        values.append((status, result.check, *short, why, rows))
    return Rows([SHORT[0], "check", *SHORT[1:], "why", "rows"], values)


def in_short(results: Iterable[CheckResult]) -> Rows:
    """Format all results as a narrow table, without the long reasons of errors."""
    values = [
        _short(result._replace(observed="") if result.status == "error" else result)
        for result in results
    ]
    return Rows(SHORT, values)


def _short(result: CheckResult) -> tuple[str | None, ...]:
    observed = result.observed or None
    where, expected = result.where, result.expected
    return result.status, result.description, where, observed, expected


def as_records(results: Iterable[CheckResult]) -> list[Row]:
    """Return all fields of each result, with file names instead of paths."""
    return [
        result._asdict() | {"file": result.file.name, "where": result.where}
        for result in results
    ]
