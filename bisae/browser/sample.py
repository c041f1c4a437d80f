"""A sample of a cell's codes: all activations of a feature on some of the tokens.

The tables hold firings alone; activations that do not fire are read from the codes. Of
a large cell these are eight runs of rows, at equal distances in the text.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from bisae.grid import Cell
from bisae.store import Array, Codes, Store, StoredCodes

RUNS = 8
RUN = 8192
"""Rows of a run, which is read at once: the rows of a chunk at k = 32."""
CELLS_KEPT = 4
BINS = 20
"""Bins of the histogram, from 0 to the feature's maximum."""


class Activations(NamedTuple):
    """The activations of one feature on the tokens of the sample."""

    row: Array
    """(n,) the token_row of each."""
    value: Array
    """(n,) above 0."""
    n_tokens: int
    """Tokens in the sample; those without any code are not counted."""

    def histogram(self, maximum: float) -> list[int]:
        """Count activations in bins of equal width from 0 to the maximum."""
        counts, _ = np.histogram(self.value, BINS, (0.0, maximum))
        return [int(count) for count in counts]

    def spread(self, below: float, n: int) -> list[tuple[int, float]]:
        """Return n activations of at most `below`, at equal ranks, strongest first."""
        chosen = np.flatnonzero(self.value.astype(np.float64) <= below)
        ranked = chosen[np.argsort(-self.value[chosen], kind="stable")]
        places = np.unique(np.linspace(0, len(ranked) - 1, n).round().astype(int))
        return [
            (int(self.row[i]), float(self.value[i]))
            for i in ranked[places if len(ranked) else []]
        ]


class Sample(NamedTuple):
    """Runs of a cell's codes that were read, and access to all others."""

    runs: list[Codes]
    stored: StoredCodes

    def activations(self, feature: int) -> Activations:
        """Return the activations of a feature in the runs."""
        rows, values = [], []
        for codes in self.runs:
            row, rank = np.nonzero((codes.index == feature) & (codes.value > 0))
            rows.append(codes.first + row)
            values.append(codes.value[row, rank])
        n_tokens = sum(int((codes.value[:, 0] > 0).sum()) for codes in self.runs)
        return Activations(np.concatenate(rows), np.concatenate(values), n_tokens)

    def codes(self, rows: slice) -> Codes:
        """Return rows by feature, as `StoredCodes.codes` does."""
        for run in self.runs:
            first, last = rows.start - run.first, rows.stop - run.first
            if first >= 0 and last <= len(run.value):
                return Codes(rows.start, run.index[first:last], run.value[first:last])
        return self.stored.codes(rows)


def read_sample(store: Store, cell: Cell) -> Sample:
    """Read the sample of a cell. Raises Unfinished, and StoreError."""
    fingerprint = store.attributes(cell, "codes")["sae_fingerprint"]
    return _read(store, cell, fingerprint)


@lru_cache(maxsize=CELLS_KEPT)  # one walks through the features of a cell
def _read(store: Store, cell: Cell, _fingerprint: str) -> Sample:
    stored = store.stored_codes(cell)
    if stored.rows <= RUNS * RUN:
        return Sample([stored.codes(slice(0, stored.rows))], stored)
    step = stored.rows // RUNS // RUN * RUN
    starts = range(0, RUNS * step, step)
    return Sample([stored.codes(slice(n, n + RUN)) for n in starts], stored)
