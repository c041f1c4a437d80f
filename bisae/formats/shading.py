"""Shade the tokens of a text by activation, as HTML: one colour scale everywhere."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

COLOR = "255, 140, 0"
OPAQUE = 0.65
"""Opacity of the maximum; text on it is readable on light and on dark pages."""


class Piece(NamedTuple):
    """A part of a text that is shaded as one."""

    text: str
    activation: float
    is_strongest: bool
    """True if it has the token of the firing."""


def join_tokens(
    tokens: Sequence[str], activations: Sequence[float], position: int
) -> list[Piece]:
    """Return the tokens of a text; those that split a character are one piece.

    `tokens` are the texts that each token adds, "" for the rest of a split character;
    `position` is that of the firing.
    """
    pieces: list[Piece] = []
    for number, token in enumerate(tokens):
        piece = Piece(token, activations[number], number == position)
        if token or not pieces:
            pieces.append(piece)
        else:
            text, strongest, is_strongest = pieces.pop()
            is_strongest = is_strongest or piece.is_strongest
            pieces.append(Piece(text, max(strongest, piece.activation), is_strongest))
    return pieces


def cut(pieces: Sequence[Piece], before: int, after: int) -> list[Piece]:
    """Return the pieces around the firing; an ellipsis stands for those left out."""
    strongest = [piece.is_strongest for piece in pieces].index(True)
    first, end = max(0, strongest - before), strongest + after + 1
    ellipsis = Piece("…", 0, is_strongest=False)
    return [
        *[ellipsis] * (first > 0),
        *pieces[first:end],
        *[ellipsis] * (end < len(pieces)),
    ]


def shaded(pieces: Iterable[Piece], maximum: float) -> str:
    """Return pieces as HTML, shaded from 0 to `maximum`, without space around any.

    So letters that join, and scripts without spaces, look as in the text.
    """
    return "".join(_span(piece, maximum) for piece in pieces)


def _span(piece: Piece, maximum: float) -> str:
    if not piece.activation > 0:
        return escape(piece.text)
    share = piece.activation / maximum
    line = "; border-bottom: 2px solid" if piece.is_strongest else ""
    return (
        f'<span title="{piece.activation:.4g}, {share:.0%} of the maximum" '
        f'style="background: rgba({COLOR}, {OPAQUE * share:.2f}){line}">'
        f"{escape(piece.text)}</span>"
    )
