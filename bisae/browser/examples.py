"""Examples of a feature by intervals of strength, each with its text shaded.

Reads `strength_examples` and `document_texts`, the codes of the documents, and a sample
of the codes for activations that do not fire.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from bisae.browser.page import Block, address_is, ask
from bisae.browser.sample import Activations, Sample
from bisae.formats import Rows
from bisae.formats.shading import join_tokens, shaded
from bisae.grid import Cell
from bisae.query import Connection, rows_of
from bisae.store import Store, feature_activations

ACTIVE = "active without firing"
PER_INTERVAL = 5
CONTEXTS = {"5": 5, "16": 16, "whole": None}
"""Tokens on each side of the firing."""
NAMES = ("strength", "value", "token_row", "document", "position")


class Example(NamedTuple):
    """A text with one activation of the feature."""

    value: float
    document: int
    language: str
    html: Markup
    before: bool
    """True if the document has tokens before those shown."""
    after: bool


def read_examples(
    con: Connection, store: Store, cell: Cell, feature: int, sample: Activations
) -> Block:
    """Return the activations that are shown: strength, value and place of each."""
    columns = ", ".join(NAMES)
    query = f"select {columns} from strength_examples where "
    query += f"{address_is(cell, feature)} order by value desc, token_row"
    fired = ask(con, query)
    if not fired.rows.values:  # a control on random tokens, whose text is in no table
        return Block(Rows(list(NAMES), []), query)
    maximum = max((row[1] for row in fired.rows.values), default=0.0)
    floor = store.study.features.firing_threshold * maximum
    width = store.study.corpus.context - 1
    weaker = [
        (ACTIVE, value, row, row // width, row % width)
        for row, value in sample.spread(floor, PER_INTERVAL)
    ]
    return Block(Rows(list(NAMES), [*fired.rows.values, *weaker]), query)


def shade_examples(
    con: Connection,
    feature: int,
    examples: Block,
    sample: Sample,
    context: int | None,
) -> dict[str, list[Example]]:
    """Return the texts of examples by strength, on one colour scale."""
    rows = examples.rows.records()
    documents = ", ".join(str(row["document"]) for row in rows) or "null"
    query = f"from document_texts where document in ({documents})"
    texts = {row["document"]: row for row in rows_of(con, query).records()}
    maximum = max((row["value"] for row in rows), default=0.0)
    shown: dict[str, list[Example]] = {}
    for row in rows:
        text = texts[row["document"]]
        first = row["token_row"] - row["position"]
        activations = feature_activations(sample, feature, first, len(text["texts"]))
        example = _example(row, text, activations, maximum, context)
        shown.setdefault(row["strength"], []).append(example)
    return shown


def _example(
    row: dict[str, Any],
    text: dict[str, Any],
    activations: Sequence[float],
    maximum: float,
    context: int | None,
) -> Example:
    tokens, position = text["texts"], row["position"]
    first, end = 0, len(tokens)
    if context is not None:
        first, end = max(0, position - context), min(end, position + context + 1)
    while first and not tokens[first]:  # the rest of a split character
        first -= 1
    while end < len(tokens) and not tokens[end]:
        end += 1
    pieces = join_tokens(tokens[first:end], activations[first:end], position - first)
    return Example(
        row["value"],
        row["document"],
        text["language"],
        Markup(shaded(pieces, maximum)),  # it escapes the text
        first > 0,
        end < len(tokens),
    )
