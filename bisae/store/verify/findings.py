"""The result of verifying a store."""

from typing import NamedTuple

from bisae.formats import Rows


class Finding(NamedTuple):
    """A difference from what was written or from what the format says."""

    where: str
    """A file, or an array with its chunk or rows, relative to the store."""
    what: str


class Verified(NamedTuple):
    """The findings, and how much was checked."""

    findings: list[Finding]
    parts: int
    """Number of finished parts: the corpus, and each cell's train, sae and codes."""
    unfinished: int
    tables: int
    """Number of table files."""


def as_rows(result: Verified) -> Rows:
    """Return the findings as rows for printing."""
    return Rows(list(Finding._fields), [tuple(finding) for finding in result.findings])
