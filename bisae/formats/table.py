"""Rows as a table for people: aligned as they look on a screen, cut to fit one."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from wcwidth import wcswidth

NUMBER = int | float | Decimal
GAP = "  "
NARROW = 24
"""Columns of text give way to others as far as this."""


class Column(NamedTuple):
    """One column as text, its name first."""

    texts: list[str]
    right: bool

    @property
    def width(self) -> int:
        """How wide it looks."""
        return max(map(wide, self.texts))


def table(
    names: Sequence[str], values: Sequence[Sequence[Any]], width: int | None = None
) -> tuple[str, int]:
    """A table, and how many columns it shows: all, or what fits a width."""
    columns = [
        _column(name, [row[i] for row in values]) for i, name in enumerate(names)
    ]
    widths = [column.width for column in columns]
    if width is not None:
        widths = _fitted(columns, widths, width)
    rules = ["-" * width for width in widths]
    shown = [
        _aligned(column, width) for column, width in zip(columns, widths, strict=False)
    ]
    head, *lines = zip(*shown, strict=True)
    return "".join(
        GAP.join(line).rstrip() + "\n" for line in (head, rules, *lines)
    ), len(widths)


def readable(value: Any) -> str:
    """A value as one line: four digits, nothing for null, what is unseen escaped."""
    if value is None:
        return ""
    if isinstance(value, float | Decimal):
        return f"{float(f'{value:.4g}'):g}"  # CSV and JSON keep all digits
    text = str(value)
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def wide(text: str) -> int:
    """How many places a text takes on a screen."""
    return len(text) if text.isascii() else max(wcswidth(text), 0)


def cut(text: str, width: int) -> str:
    """A text, with its end left out if it is wider."""
    if wide(text) <= width:
        return text
    kept = ""
    for char in text:  # what one takes hangs on those beside it
        if wide(f"{kept}{char}…") > width:
            break
        kept += char
    return kept + "…"


def _column(name: str, values: list[Any]) -> Column:
    texts = [readable(value) for value in values]
    known = [value for value in values if value is not None]
    right = bool(known) and all(
        isinstance(one, NUMBER) and not isinstance(one, bool) for one in known
    )
    return Column([readable(name), *(_pointed(texts) if right else texts)], right)


def _pointed(texts: list[str]) -> list[str]:
    """Numbers, their decimal points below each other."""
    tails = [len(text) - text.find(".") if "." in text else 0 for text in texts]
    most = max(tails)
    return [text + " " * (most - n) for text, n in zip(texts, tails, strict=True)]


def _fitted(columns: list[Column], widths: list[int], room: int) -> list[int]:
    """Widths of as many columns as fit: long texts give way, then columns do."""
    least = [
        width if column.right else min(width, NARROW)
        for column, width in zip(columns, widths, strict=True)
    ]
    shown = len(columns)
    while shown > 1 and sum(least[:shown]) + len(GAP) * (shown - 1) > room:
        shown -= 1
    found, room = widths[:shown], room - len(GAP) * (shown - 1)
    while sum(found) > room and found != least[:shown]:
        spare = [width - low for width, low in zip(found, least, strict=False)]
        widest = max((i for i in range(shown) if spare[i]), key=found.__getitem__)
        found[widest] -= 1
    return [min(width, room) for width in found]


def _aligned(column: Column, width: int) -> list[str]:
    texts = [cut(text, width) for text in column.texts]
    if column.right:
        return [" " * (width - wide(text)) + text for text in texts]
    return [text + " " * (width - wide(text)) for text in texts]
