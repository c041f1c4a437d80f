"""Read a suite: what is promised, why, and how it is checked.

Reads a JSON file, of validations/ or a user's; knows where in it each promise stands.
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

from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation_configuration import (
    ExpectationConfiguration,
)
from great_expectations.expectations.registry import (
    list_registered_expectation_implementations,
)

from bisae.errors import CheckError
from bisae.files import read

NAMED = re.compile(r"""["'](\w+)["']|name (\w+) does not exist""")
"""What a message says is wrong."""


class Place(NamedTuple):
    """Where a promise stands in its file."""

    line: int
    text: str

    def line_of(self, reason: str) -> int:
        """The line of the first thing that a message names, else the first line."""
        for found in NAMED.finditer(reason.partition("!")[0]):  # then come hints
            if at := re.search(rf"\b{found[1] or found[2]}\b", self.text):
                return self.line + self.text.count("\n", 0, at.start())
        return self.line


class Promise(NamedTuple):
    """One expectation of a suite."""

    name: str
    why: str
    guards: str
    """The equation or rule."""
    expectation: Any
    place: Place


class Suite(NamedTuple):
    """What is promised of one table or view."""

    file: Path
    view: str
    key: list[str]
    """The columns that address a row."""
    promises: list[Promise]
    line: int
    """Where its file names the table or view."""
    text: str


def read_suite(file: Path) -> Suite:
    """Read one suite. Raises CheckError: one line, naming the file and the line."""
    try:
        text = read(file).decode()
        raw = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        msg = f"{file}: {error}"
        raise CheckError(msg) from error
    match raw:
        case {
            "name": str(view),
            "meta": {"key": [*key]},
            "expectations": [*listed],
        } if all(isinstance(one, dict) for one in listed):
            promises = [_promise(file, one) for one in _places(text, len(listed))]
            line = text.count("\n", 0, text.index('"name"')) + 1
            return Suite(file, view, key, promises, line, text)
    msg = f"{file}: no suite: it needs name, meta.key and expectations, a list"
    raise CheckError(msg)


def _places(text: str, number: int) -> Iterator[Place]:
    """Where each expectation stands: the decoder does not tell."""
    decode, end = json.JSONDecoder().raw_decode, text.index('"expectations"')
    for _ in range(number):
        start = text.index("{", end)
        _, end = decode(text, start)
        yield Place(text.count("\n", 0, start) + 1, text[start:end])


def _promise(file: Path, place: Place) -> Promise:
    match json.loads(place.text):
        case {
            "type": str(kind),
            "description": str(name),
            "kwargs": dict(kwargs),
            "meta": {"why": str(why), "guards": str(guards)},
        }:
            try:
                return Promise(name, why, guards, expectation(kind, kwargs), place)
            except CheckError as error:
                reason = str(error)
        case _:
            reason = "a promise needs type, description, kwargs, meta.why, meta.guards"
    msg = f"{file}: {reason} (line {place.line_of(reason)})"
    raise CheckError(msg)


def expectation(kind: str, kwargs: dict[str, Any]) -> Any:
    """What the library checks. Raises CheckError for one that it does not know."""
    known = list_registered_expectation_implementations()
    if kind not in known:
        near = get_close_matches(kind, known, 1, 0.0)[0]
        msg = f"unknown expectation {kind!r}; the nearest known one is {near!r}"
        raise CheckError(msg)
    try:
        with quiet():
            return ExpectationConfiguration(type=kind, kwargs=kwargs).to_domain_obj()
    except (ValueError, TypeError, GreatExpectationsError) as error:
        raise CheckError(one_line(str(error))) from error


def one_line(message: str) -> str:
    """A message without its line breaks."""
    return " ".join(message.split())


@contextmanager
def quiet() -> Iterator[None]:
    """The library prints hints and logs what it also returns; results are ours."""
    disabled = logging.root.manager.disable
    logging.disable()
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(disabled)
