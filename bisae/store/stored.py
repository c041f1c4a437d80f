"""Random access to one cell's codes, as they are stored or by feature."""

from collections.abc import Iterator, Mapping
from typing import Protocol

import numpy as np

from bisae.errors import Damaged
from bisae.store.format import Array, Node
from bisae.store.guard import REMEDY, read_rows
from bisae.store.records import Codes
from bisae.store.stream import used_slots

CODE_ARRAYS = ("index", "value")
CODES_AT_ONCE = 1_048_576
"""Codes in one block of whole rows; with the blocks read ahead, less than a shard."""


class CodeRows(Protocol):
    """Codes that can be read by rows."""

    def codes(self, rows: slice) -> Codes:
        """Return rows by feature."""


class StoredCodes:
    """The codes of a cell, with its arrays opened once."""

    def __init__(self, where: str, arrays: Mapping[str, Node], feature: Array) -> None:
        self._where = where
        self._arrays = arrays
        self.feature = feature
        """The feature that each stored number stands for, (n,)."""
        index, value = (arrays[name].shape for name in CODE_ARRAYS)
        if index != value:
            reason = f"index is {index} and value is {value}"
            raise Damaged(where, reason, REMEDY)
        if len(feature) and feature.max() >= len(feature):
            reason = f"a number stands for feature {feature.max()} of {len(feature)}"
            raise Damaged(where, reason, REMEDY)
        self.rows, self.k = index

    def blocks(self) -> Iterator[slice]:
        """Yield the ranges of rows to read at once, in order."""
        step = max(1, CODES_AT_ONCE // self.k)
        for first in range(0, self.rows, step):
            yield slice(first, min(first + step, self.rows))

    def slots(self, rows: slice) -> Codes:
        """Read rows as they are stored: `index` holds unchecked feature numbers."""
        arrays = (
            read_rows(self._arrays[name], f"{self._where}/{name}", rows)
            for name in CODE_ARRAYS
        )
        return Codes(rows.start, *arrays)

    def codes(self, rows: slice) -> Codes:
        """Read rows by feature; an unused slot has feature 0."""
        slots = self.slots(rows)
        # Numbers were checked when they were written.
        index, used = (
            self.feature.take(slots.index, mode="clip"),
            used_slots(slots.value),
        )
        return Codes(rows.start, index if used is None else index * used, slots.value)


def feature_activations(
    stored: CodeRows, feature: int, first: int, n_tokens: int
) -> list[float]:
    """Read a feature's activation on each token from row `first` on; 0 for none."""
    codes = stored.codes(slice(first, first + n_tokens))
    values: Array = np.where(codes.index == feature, codes.value, 0).max(axis=1)
    return [float(value) for value in values]
