"""What was found, and how much was looked at."""

from typing import NamedTuple

from bisae.formats import Rows


class Finding(NamedTuple):
    """Something that is not as it was written, or not as the format says."""

    where: str
    """A file, or an array with its chunk or rows; within the store."""
    what: str


class Verified(NamedTuple):
    """A store that was looked at."""

    findings: list[Finding]
    parts: int
    """Parts that are finished: the corpus, and of each cell train, sae and codes."""
    unfinished: int
    tables: int
    """Table files."""


def as_rows(found: Verified) -> Rows:
    """The findings for printing."""
    return Rows(list(Finding._fields), [tuple(one) for one in found.findings])
