"""What became of each promise, free of the library that checked it."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from bisae.errors import CheckError
from bisae.formats import Rows

Status = Literal["pass", "fail", "error"]


class Outcome(NamedTuple):
    """What became of one promise."""

    file: Path
    view: str
    promise: str
    why: str
    status: Status
    """`error`: it could not be checked, which says nothing of the data."""
    observed: str
    expected: str
    n_bad: int
    rows: list[dict[str, Any]]
    """Some of the rows that break it, with their address."""


def failures(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """The broken promises. Raises CheckError when one could not be checked."""
    listed = list(outcomes)
    for one in listed:
        if one.status == "error":
            msg = f"{one.file}: {one.promise!r} could not be checked: {one.observed}"
            raise CheckError(msg)
    return [one for one in listed if one.status == "fail"]


def as_rows(outcomes: Iterable[Outcome]) -> Rows:
    """The outcomes for printing; what is broken also says why it matters, and where."""
    names = ["view", "promise", "status", "observed", "expected", "n_bad"]
    values = []
    for one in outcomes:
        rows = [json.dumps(row, ensure_ascii=False, default=str) for row in one.rows]
        told = (None, None) if one.status == "pass" else (one.why, "\n".join(rows))
        values.append((*(getattr(one, name) for name in names), *told))
    return Rows([*names, "why", "rows"], values)
