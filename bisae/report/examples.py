"""The examples of the page: texts on which features fire, shaded by their activation.

Reads the view `figure_examples`, and the codes of the documents that are in it.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from bisae.formats.shading import cut, join_tokens, shaded
from bisae.grid import Cell
from bisae.query import Connection, rows_of
from bisae.store import Store, feature_activations

QUERY = """
    from figure_examples
    order by
        figure,
        list_position(['early', 'middle', 'late', 'lower', 'upper'], panel),
        class,
        feature,
        example
"""
BEFORE, AFTER = 12, 8
"""Numbers of tokens around the strongest firing that the page shows."""


Record = Mapping[str, Any]


class ShadedText(NamedTuple):
    """A text, as HTML."""

    language: str
    html: str


class ShadedFeature(NamedTuple):
    """A feature, as a row of `figure_examples`, and texts on which it fires."""

    row: Record
    texts: list[ShadedText]


class Panel(NamedTuple):
    """Features of one cell that are shown together."""

    name: str
    cell: Cell
    features: list[ShadedFeature]


def read_panels(store: Store, con: Connection) -> dict[str, list[Panel]]:
    """Read the panels of each figure of examples, by its name. Raises Unfinished."""
    rows = rows_of(con, QUERY).records()
    return {
        figure: [
            _panel(store, list(of_panel))
            for _, of_panel in groupby(of_figure, itemgetter("panel"))
        ]
        for figure, of_figure in groupby(rows, itemgetter("figure"))
    }


def _panel(store: Store, rows: Sequence[Record]) -> Panel:
    cell = Cell(rows[0]["size"], rows[0]["step"], rows[0]["layer"])
    features = groupby(rows, itemgetter("class", "feature"))
    return Panel(
        name=rows[0]["panel"],
        cell=cell,
        features=[_feature(store, cell, list(examples)) for _, examples in features],
    )


def _feature(store: Store, cell: Cell, examples: Sequence[Record]) -> ShadedFeature:
    stored = store.stored_codes(cell)
    width = store.study.corpus.context - 1

    def text(row: Record) -> ShadedText:
        first, n_tokens = row["document"] * width, len(row["texts"])
        activations = feature_activations(stored, row["feature"], first, n_tokens)
        pieces = join_tokens(row["texts"], activations, row["position"])
        around = cut(pieces, BEFORE, AFTER)
        return ShadedText(row["language"], shaded(around, row["max_value"]))

    return ShadedFeature(examples[0], [text(row) for row in examples])
