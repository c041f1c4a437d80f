"""What became of each promise, free of the library that checked it."""

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


class Outcome(NamedTuple):
    """What became of one promise."""

    file: Path
    view: str
    promise: str
    why: str
    guards: str
    """The equation or rule."""
    status: Status
    """`error`: it could not be checked, which says nothing of the data."""
    observed: str
    expected: str
    n_bad: int
    rows: list[Row]
    """Some of the rows that break it, with their address, as JSON can hold them."""

    @property
    def where(self) -> str:
        """The table or view, and the cells of the rows that break it."""
        cells = list(dict.fromkeys(filter(None, map(_cell, self.rows))))
        if not cells:
            return self.view
        least = "" if self.n_bad <= len(self.rows) else "at least "
        more = f", {least}{len(cells) - 1} more" if len(cells) > 1 else ""
        return f"{self.view}: {cells[0]}{more}"


class Listed(list[Row]):
    """Rows as one value of a row: in JSON objects, elsewhere their text."""

    def __str__(self) -> str:
        return json.dumps(self, ensure_ascii=False)


def _cell(row: Row) -> str:
    """The address of a row's cell, as far as it has one."""
    return "/".join(str(row[n]) for n in ("size", "step", "layer") if n in row)


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The broken promises. Raises CheckError when one could not be checked."""
    listed = list(outcomes)
    if failed := [one for one in listed if one.status == "error"]:
        first, others = failed[0], len(failed) - 1
        msg = f"{first.file}: {first.promise!r} could not be checked: {first.observed}"
        raise CheckError(f"{msg}; nor could {others} more" if others else msg)
    return [one for one in listed if one.status == "fail"]


def as_rows(outcomes: Iterable[Outcome]) -> Rows:
    """The outcomes for printing; what is broken also says why it matters, and how."""
    values = []
    for one in outcomes:
        short = one.status, one.promise, one.where, one.observed, one.expected
        told = (None, None) if one.status == "pass" else (one.why, Listed(one.rows))
        values.append((*short, *told))
    return Rows([*SHORT, "why", "rows"], values)


def in_short(outcomes: Iterable[Outcome]) -> Rows:
    """The outcomes as a narrow table; why one could not be checked is longer."""
    return Rows(
        SHORT,
        [
            (
                one.status,
                one.promise,
                one.where,
                None if one.status == "error" else one.observed,
                one.expected,
            )
            for one in outcomes
        ],
    )


def as_records(outcomes: Iterable[Outcome]) -> list[Row]:
    """All that is known of each outcome, as rows; the same wherever files are."""
    return [
        one._asdict() | {"file": one.file.name, "where": one.where} for one in outcomes
    ]
