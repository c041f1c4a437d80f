"""Read the suites in validations/: what is promised, why, and how it is checked."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from great_expectations.exceptions.exceptions import GreatExpectationsError
from great_expectations.expectations.expectation_configuration import (
    ExpectationConfiguration,
)

from bisae.errors import CheckError


class Promise(NamedTuple):
    """One expectation of a suite."""

    name: str
    why: str
    guards: str
    """The equation or rule."""
    expectation: Any


class Suite(NamedTuple):
    """What is promised of one table or view."""

    file: Path
    view: str
    key: list[str]
    """The columns that address a row."""
    promises: list[Promise]


def read_suite(file: Path) -> Suite:
    """Read one suite. Raises CheckError: one line, naming the file."""
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        with quiet():
            promises = [_promise(**one) for one in raw["expectations"]]
        return Suite(file, raw["name"], raw["meta"]["key"], promises)
    except KeyError as error:
        msg = f"{file}: {error} is missing"
    except (OSError, ValueError, TypeError, GreatExpectationsError) as error:
        msg = f"{file}: {one_line(str(error))}"
    raise CheckError(msg)


def _promise(
    type: str,
    description: str,
    kwargs: dict[str, Any],
    meta: dict[str, str],
) -> Promise:
    built = ExpectationConfiguration(type=type, kwargs=kwargs).to_domain_obj()
    return Promise(description, meta["why"], meta["guards"], built)


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
