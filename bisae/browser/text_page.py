"""The text page: which features of a cell fire on which token of a text.

Needs the cell's language model on this machine; says so where it is not.
"""

from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from bisae.browser.library import Library
from bisae.browser.page import Block, Page, address_is
from bisae.formats import Rows
from bisae.formats.shading import join_tokens, shaded
from bisae.grid import Cell
from bisae.query import exported_cells, rows_of

LONGEST = 4000
"""Characters of a text that are read."""
NAMES = (
    "position",
    "token",
    "feature",
    "language",
    "value",
    "share_of_maximum",
    "fires",
)


class Choices(NamedTuple):
    """The choices of the form."""

    sizes: list[str]
    steps: list[int]
    layers: list[int]


def text_page(library: Library, query: Any) -> Page:
    """Show the codes of a text. Raises AddressError, Unfinished, CheckpointError."""
    text = query.get("text", "")[:LONGEST]
    cell = _chosen(library, query)
    context: dict[str, Any] = {
        "cell": cell,
        "text": text,
        "longest": LONGEST,
        "choices": _choices(library.store.cells),
        "has_model": library.has_model(cell),
        "shaded": None,
        "chosen": query.get("feature", ""),
    }
    blocks = {}
    if text.strip() and context["has_model"]:
        block, pieces, is_cut = _encode(library, cell, text, context["chosen"])
        blocks["codes"] = block
        context |= {"shaded": pieces, "is_cut": is_cut, "rows": block.rows.records()}
    return Page("text", "Text", blocks, context)


def _chosen(library: Library, query: Any) -> Cell:
    """Return the cell of an address, by default the largest model's middle one."""
    if "size" in query:
        return library.finished(
            query["size"], query.get("step", ""), query.get("layer", "")
        )
    middle = library.store.study.models[-1].middle_cell
    finished = exported_cells(library.store, [middle])
    return finished[0] if finished else next(iter(library.trends.refresh()), middle)


def _choices(cells: list[Cell]) -> Choices:
    return Choices(
        list(dict.fromkeys(cell.size for cell in cells)),
        sorted({cell.step for cell in cells}),
        sorted({cell.layer for cell in cells}),
    )


def _encode(
    library: Library, cell: Cell, text: str, chosen: str
) -> tuple[Block, Markup, bool]:
    """Return the codes of a text as rows, and the text shaded.

    It is shaded by one feature, or by each token's activation nearest to its feature's
    maximum.
    """
    codes = library.models.encode(library, cell, text)
    features = _features(library, cell)
    threshold = library.store.study.features.firing_threshold
    rows = []
    strength = np.zeros(len(codes.token_id))
    for position, (index, value) in enumerate(
        zip(codes.feature, codes.value, strict=True)
    ):
        for feature, activation in zip(index.tolist(), value.tolist(), strict=True):
            if activation <= 0:
                continue
            language, maximum = features.get(feature, (None, None))
            share = activation / maximum if maximum else None
            token = codes.texts[position]
            fires = share is not None and share > threshold
            rows.append((position, token, feature, language, activation, share, fires))
            if chosen in ("", str(feature)):
                strength[position] = max(strength[position], min(share or 0.0, 1.0))
    pieces = Markup(shaded(join_tokens(codes.texts, strength.tolist(), -1), 1.0))
    return Block(Rows(list(NAMES), rows), ""), pieces, codes.is_cut


def _features(library: Library, cell: Cell) -> dict[int, tuple[str, float]]:
    query = (
        f"select feature, language, max_value from features where {address_is(cell)}"
    )
    with library.open([cell], "features") as con:
        return {row[0]: row[1:] for row in rows_of(con, query).values}
