"""Format rows as a table for reading, aligned and cut to fit the screen."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from wcwidth import wcswidth

NUMBER = int | float | Decimal
GAP = "  "
NARROW = 24
"""Minimum width to which text columns shrink to make room for others."""


class Column(NamedTuple):
    """One column as text, its name first."""

    texts: list[str]
    right: bool

    @property
    def width(self) -> int:
        """The width on a screen."""
        return max(map(display_width, self.texts))


def table(
    names: Sequence[str], values: Sequence[Sequence[Any]], width: int | None = None
) -> tuple[str, int]:
    """Return a table and its number of columns: all, or as many as fit in `width`."""
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
    """Format a value on one line: four digits, "" for null, control codes escaped."""
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


def has_numbers(values: Sequence[Any]) -> bool:
    """Return whether a column has numbers, and nothing but numbers and nulls."""
    present = [value for value in values if value is not None]
    return bool(present) and all(
        isinstance(value, NUMBER) and not isinstance(value, bool) for value in present
    )


def display_width(text: str) -> int:
    """Return how many columns of a screen a text takes."""
    return len(text) if text.isascii() else max(wcswidth(text), 0)


def cut(text: str, width: int) -> str:
    """Shorten a text that is wider than `width`."""
    if display_width(text) <= width:
        return text
    shown = ""
    for char in text:  # the width of a character depends on its neighbours
        if display_width(f"{shown}{char}…") > width:
            break
        shown += char
    return shown + "…"


def _column(name: str, values: list[Any]) -> Column:
    texts = [readable(value) for value in values]
    right = has_numbers(values)
    return Column(
        [readable(name), *(_align_decimal_points(texts) if right else texts)], right
    )


def _align_decimal_points(texts: list[str]) -> list[str]:
    """Align numbers at their decimal points."""
    tails = [len(text) - text.find(".") if "." in text else 0 for text in texts]
    most = max(tails)
    return [text + " " * (most - n) for text, n in zip(texts, tails, strict=True)]


def _fitted(columns: list[Column], widths: list[int], room: int) -> list[int]:
    """Return the widths of as many columns as fit, after shrinking long texts."""
    least = [
        width if column.right else min(width, NARROW)
        for column, width in zip(columns, widths, strict=True)
    ]
    shown = len(columns)
    while shown > 1 and sum(least[:shown]) + len(GAP) * (shown - 1) > room:
        shown -= 1
    fitted, room = widths[:shown], room - len(GAP) * (shown - 1)
    while sum(fitted) > room and fitted != least[:shown]:
        spare = [width - low for width, low in zip(fitted, least, strict=False)]
        widest = max((i for i in range(shown) if spare[i]), key=fitted.__getitem__)
        fitted[widest] -= 1
    return [min(width, room) for width in fitted]


def _aligned(column: Column, width: int) -> list[str]:
    texts = [cut(text, width) for text in column.texts]
    if column.right:
        return [" " * (width - display_width(text)) + text for text in texts]
    return [text + " " * (width - display_width(text)) for text in texts]
