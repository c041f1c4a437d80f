"""Read a JSON file of checks: an expectation suite of great-expectations for one table.

Reads a file of validations/ or of a user's folder, and remembers the line of each
check.
"""

import io
import json
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NamedTuple

from bisae.errors import CheckError
from bisae.files import read

NAMED = re.compile(r"""["'](\w+)["']|name (\w+) does not exist""")
"""The part of a message that names the faulty column, table or word."""


class Position(NamedTuple):
    """The part of a file that defines a check."""

    line: int
    """Its first line."""
    text: str

    def line_of(self, reason: str) -> int:
        """Return the line of the first name in a message, else the first line."""
        for match in NAMED.finditer(reason.partition("!")[0]):  # then come hints
            if start := re.search(rf"\b{match[1] or match[2]}\b", self.text):
                return self.line + self.text.count("\n", 0, start.start())
        return self.line


class Check(NamedTuple):
    """One check."""

    name: str
    """Its key; for a .sql file, the stem."""
    description: str
    """The statement that is true if it passes."""
    why: str
    guards: str
    """The equation or rule."""
    expectation: Any
    """The library's object; None for a check in SQL."""
    view: str
    """The view whose rows violate it; empty if the library checks the table itself."""
    file: Path
    position: Position


class TableChecks(NamedTuple):
    """The checks of one table or view."""

    table: str
    key: list[str]
    """The columns that address a row."""
    checks: list[Check]


def read_check_file(file: Path) -> TableChecks:
    """Read a JSON file of checks. Raises CheckError, naming the file and the line."""
    try:
        text = read(file).decode()
        raw = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{file}: {error}"
        raise CheckError(msg) from error
    match raw:
        case {
            "name": str(table),
            "meta": {"key": [*key]},
            "expectations": [*listed],
        } if all(isinstance(item, dict) for item in listed):
            positions = _positions(text, len(listed))
            return TableChecks(
                table, key, [_check(file, position) for position in positions]
            )
    msg = f"{file}: not a suite: it needs name, meta.key and expectations, a list"
    raise CheckError(msg)


def _positions(text: str, number: int) -> Iterator[Position]:
    """Find each expectation in the text, since the decoder gives no positions."""
    decode, end = json.JSONDecoder().raw_decode, text.index('"expectations"')
    for _ in range(number):
        start = text.index("{", end)
        _, end = decode(text, start)
        yield Position(text.count("\n", 0, start) + 1, text[start:end])


def _check(file: Path, position: Position) -> Check:
    match json.loads(position.text):
        case {
            "type": str(kind),
            "description": str(description),
            "kwargs": dict(kwargs),
            "meta": {"name": str(name), "why": str(why), "guards": str(guards)},
        }:
            try:
                expected = expectation(kind, kwargs)
            except CheckError as error:
                reason = str(error)
            else:
                fields = name, description, why, guards
                return Check(*fields, expected, "", file, position)
        case _:
            reason = (
                "a check needs type, description, kwargs, meta.name, meta.why and "
                "meta.guards"
            )
    msg = f"{file}: {reason} (line {position.line_of(reason)})"
    raise CheckError(msg)


def expectation(kind: str, kwargs: dict[str, Any]) -> Any:
    """Return the library's object. Raises CheckError for a kind it does not have."""
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import (
        ExpectationConfiguration,
    )
    from great_expectations.expectations.registry import (
        list_registered_expectation_implementations,
    )

    kinds = list_registered_expectation_implementations()
    if kind not in kinds:
        near = get_close_matches(kind, kinds, 1, 0.0)[0]
        msg = f"unknown expectation {kind!r}; the nearest known one is {near!r}"
        raise CheckError(msg)
    try:
        with quiet():
            return ExpectationConfiguration(type=kind, kwargs=kwargs).to_domain_obj()
    except (ValueError, TypeError, GreatExpectationsError) as error:
        raise CheckError(joined_lines(str(error))) from error


def joined_lines(message: str) -> str:
    """Return a message without line breaks."""
    return " ".join(message.split())


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the library from printing hints, and from logging what it also returns."""
    disabled = logging.root.manager.disable
    logging.disable()
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(disabled)
