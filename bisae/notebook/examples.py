"""The strongest firings of a feature, each with its text shaded by activation.

Reads the view `activation_examples`, and the codes of the documents that are in it.
"""

from contextlib import closing
from html import escape
from itertools import groupby
from typing import TYPE_CHECKING, Any

from bisae.errors import AddressError
from bisae.formats.shading import Piece, cut, join_tokens, shaded
from bisae.formats.table import readable
from bisae.grid import Cell
from bisae.query import connect, frame_of, quoted
from bisae.store import Store, feature_activations

if TYPE_CHECKING:
    import pandas as pd

QUERY = """
    select rank, value, language, document, position, before, after, context
    from activation_examples
    where
        size = {size} and step = {step} and layer = {layer}
        and feature = {feature} and rank <= {n}
    order by rank
"""
BEFORE, AFTER = 12, 6
"""Numbers of tokens around the firing that plain text shows."""


class Examples:
    """The strongest firings of one feature, strongest first.

    A notebook shows each text with its tokens shaded by the feature's activation, from
    0 to its maximum over the evaluation text; a terminal shows the tokens around the
    firing, with the runs of tokens on which the feature fires in brackets. `frame` has
    the same as a pandas DataFrame: rank, value, language, document, position, and the
    lists `tokens` and `activations` of the whole text.
    """

    __slots__ = ("_threshold", "_title", "frame")

    def __init__(self, title: str, frame: "pd.DataFrame", threshold: float) -> None:
        self.frame = frame
        self._title = title
        self._threshold = threshold

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        lines = [f"{self._title}: {self._summary()}"]
        for row in self.frame.itertuples():
            lines.append(
                f"{row.rank:>3} {row.value:8.4g}  {row.language}  {self._text(row)}"
            )
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        texts = "".join(self._paragraph(row) for row in self.frame.itertuples())
        title = f"<b>{escape(self._title)}</b>: {escape(self._summary())}"
        return f"<div><p>{title}</p>{texts}</div>"

    def _summary(self) -> str:
        if not len(self):
            return "no firings"
        noun = "firing" if len(self) == 1 else "firings"
        return f"its {len(self)} strongest {noun}, maximum {self._maximum:.4g}"

    @property
    def _maximum(self) -> float:
        return float(self.frame["value"].max())

    def _text(self, row: Any) -> str:
        """Return the text around a firing, with runs of firings in brackets."""
        pieces = cut(_pieces(row), BEFORE, AFTER)
        floor = self._threshold * self._maximum
        text = ""
        for fires, run in groupby(pieces, lambda piece: piece.activation > floor):
            joined = readable("".join(piece.text for piece in run))
            text += f"[{joined}]" if fires else joined
        return text

    def _paragraph(self, row: Any) -> str:
        """Return one text as HTML; the token of the firing is underlined."""
        language = escape(row.language)
        spans = shaded(_pieces(row), self._maximum)
        return (
            f'<p style="margin: 0.4em 0"><small>{row.rank}. {language}, '
            f"{row.value:.4g}</small><br>"
            f'<span dir="auto" lang="{language}" style="white-space: pre-wrap; '
            f'overflow-wrap: anywhere">{spans}</span></p>'
        )


def _pieces(row: Any) -> list[Piece]:
    return join_tokens(row.tokens, row.activations, row.position)


def read_examples(store: Store, cell: Cell, feature: int, n: int) -> Examples:
    """Read the strongest firings of a feature, at most `n` of twenty.

    Raises Unfinished, and AddressError for a cell or feature that does not exist.
    """
    stored = store.stored_codes(cell)
    if not 0 <= feature < len(stored.feature):
        msg = f"{store.path}: no feature {feature} in cell {cell}; "
        raise AddressError(msg + f"features are 0 to {len(stored.feature) - 1}")
    address = {**cell._asdict(), "size": quoted(cell.size)}
    query = QUERY.format(**address, feature=int(feature), n=int(n))
    with closing(connect(store, cells=[cell], query=query)) as con:
        frame = frame_of(con, query)
    texts = [_tokens(row) for row in frame.itertuples()]
    width = store.study.corpus.context - 1
    frame["tokens"] = texts
    frame["activations"] = [
        feature_activations(stored, feature, document * width, len(tokens))
        for document, tokens in zip(frame["document"], texts, strict=True)
    ]
    frame = frame.drop(columns=["before", "after", "context"])
    threshold = store.study.features.firing_threshold
    return Examples(f"feature {feature} of {cell}", frame, threshold)


def _tokens(row: Any) -> list[str]:
    """Return the text that each token of a document adds to it.

    A character that is split over tokens belongs to the first of them.
    """
    before, after = "".join(row.before), "".join(row.after)
    token = row.context[len(before) : len(row.context) - len(after)]
    return [*row.before, token, *row.after]
