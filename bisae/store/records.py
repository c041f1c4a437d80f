"""The records that the store returns."""

from dataclasses import dataclass
from typing import NamedTuple

from bisae.store.format import Array


class Block(NamedTuple):
    """Consecutive documents of a split."""

    first: int
    token_id: Array
    """(documents, context - 1), -1 beyond a document's length."""
    language: Array
    """(documents,), an index into the languages."""
    length: Array
    """(documents,)"""


@dataclass(frozen=True)
class Codes:
    """Consecutive rows of a cell's codes."""

    first: int
    index: Array
    """(rows, k)"""
    value: Array
    """(rows, k), descending; 0 in unused slots."""


class CellStatus(NamedTuple):
    """The finished parts of a cell."""

    sae: bool
    codes: bool

    def __str__(self) -> str:
        return "finished" if self.codes else "trained" if self.sae else "missing"
