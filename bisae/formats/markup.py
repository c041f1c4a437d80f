"""Format a table for a document: Markdown, or LaTeX with booktabs."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from bisae.formats.table import display_width

LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}"},
    **{"^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}"},
    **{"|": r"\textbar{}", "`": r"\textasciigrave{}"},
    "\N{NO-BREAK SPACE}": "~",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$",
    **{"[": "{[}", "]": "{]}", "*": "{*}"},  # after a line break these are its options
}
ONE_LINE = 10
"""The longest head on one line, in characters."""
PAGE = 454
"""Width in points of both columns of a page, as ACL's."""
EM_PER_CHARACTER = 0.5
"""The width of a digit; those of letters, spaces and brackets are less on average."""
POWER = re.compile(r"(-?[\d.]+)e([+-])0*(\d+)")
MARKDOWN = re.compile(r"[|<*]")


class MarkupCell(NamedTuple):
    """A value as text, its interval, and whether the value is bold."""

    value: str
    interval: str = ""
    is_bold: bool = False


Lines = Sequence[Sequence[MarkupCell]]


class Type(NamedTuple):
    """A size of type in LaTeX: its command, points, and half the gap of columns."""

    command: str
    points: int
    gap: int


TYPES = [
    Type("", 11, 6),
    *(Type(r"\small", 10, 6), Type(r"\footnotesize", 9, 4), Type(r"\scriptsize", 8, 3)),
]
"""Sizes of type in a document of 11 points; in one of 10 they are smaller."""


def markdown(heads: Sequence[str], lines: Lines, is_number: Sequence[bool]) -> str:
    """Return a table in Markdown; columns of numbers are aligned to the right."""
    texts = [[_escape_markdown(head) for head in heads]]
    texts += [[_markdown_cell(cell) for cell in line] for line in lines]
    widths = [
        max(3, *map(display_width, column)) for column in zip(*texts, strict=True)
    ]
    rule = [
        "-" * (width + 1) + (":" if right else "-")
        for width, right in zip(widths, is_number, strict=True)
    ]
    padded = [_padded(line, widths, is_number) for line in texts]
    written = [f"| {' | '.join(line)} |\n" for line in padded]
    return "".join([written[0], f"|{'|'.join(rule)}|\n", *written[1:]])


def latex(heads: Sequence[str], lines: Lines, is_number: Sequence[bool]) -> str:
    r"""Return a tabular environment with the rules of booktabs, for `\input`.

    Columns of numbers are aligned to the right; long heads have two lines. A table that
    is wider than a page is set in the largest type in which it fits; if none is small
    enough, in the smallest, with each interval below its value.
    """
    columns = "".join("r" if right else "l" for right in is_number)
    head = " & ".join(map(_latex_head, heads, columns))
    type_size = _fitting_type(_character_widths(heads, lines))
    body = [
        " & ".join(
            _latex_number(cell, is_stacked=type_size is None)
            if right
            else escape_latex(cell.value)
            for cell, right in zip(line, is_number, strict=True)
        )
        for line in lines
    ]
    environment = (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head} \\\\\n\\midrule\n"
        + "".join(f"{line} \\\\\n" for line in body)
        + "\\bottomrule\n\\end{tabular}\n"
    )
    return _in_type(environment, type_size or TYPES[-1])


def _fitting_type(widths: Sequence[int]) -> Type | None:
    """Return the largest type in which columns of some characters fit a page."""
    n_ems = EM_PER_CHARACTER * sum(widths)
    fitting = (
        size
        for size in TYPES
        if n_ems * size.points + 2 * size.gap * len(widths) <= PAGE
    )
    return next(fitting, None)


def _character_widths(heads: Sequence[str], lines: Lines) -> list[int]:
    """Return the width of each column in characters."""
    columns = zip(*lines, strict=True)
    return [
        max(
            *(display_width(line) for line in _head_lines(head)),
            *(
                display_width(f"{cell.value} {cell.interval}".strip())
                for cell in column
            ),
        )
        for head, column in zip(heads, columns, strict=True)
    ]


def _in_type(environment: str, size: Type) -> str:
    """Set an environment in a size of type, within braces unless it is the text's."""
    if not size.command:
        return environment
    gap = rf"\setlength{{\tabcolsep}}{{{size.gap}pt}}"
    return f"{{{size.command}{gap}%\n{environment}}}\n"


def _head_lines(head: str) -> list[str]:
    """Break a long head between the words that make its two lines most equal."""
    words = head.replace(" %", "\N{NO-BREAK SPACE}%").split(" ")
    halves = [[" ".join(words[:n]), " ".join(words[n:])] for n in range(1, len(words))]
    if len(head) <= ONE_LINE or not halves:
        return [head]
    return min(halves, key=lambda half: max(map(len, half)))


def _latex_head(head: str, alignment: str) -> str:
    lines = [escape_latex(line) for line in _head_lines(head)]
    return _stacked(lines, alignment, "b") if len(lines) > 1 else lines[0]


def _stacked(lines: Sequence[str], alignment: str, position: str) -> str:
    """Return lines below each other in a cell."""
    stack = r"\\".join(lines)
    columns = f"@{{}}{alignment}@{{}}"
    return rf"\begin{{tabular}}[{position}]{{{columns}}}{stack}\end{{tabular}}"


def escape_latex(text: str) -> str:
    """Escape the characters that LaTeX gives a meaning."""
    escaped = "".join(LATEX.get(char, char) for char in text)
    return re.sub("-(?=-)", "-{}", escaped)  # hyphens in a row would become a dash


def _latex_number(cell: MarkupCell, *, is_stacked: bool) -> str:
    value = _minus_signs(cell.value)
    value = rf"\textbf{{{value}}}" if cell.is_bold else value
    interval = _minus_signs(cell.interval)
    if is_stacked and interval:
        return _stacked([value, interval.replace("[", "{[}", 1)], "r", "t")
    return f"{value} {interval}".strip()


def _minus_signs(number: str) -> str:
    """Write minus signs and powers of ten as mathematics."""
    if power := POWER.fullmatch(number):
        sign = power[2].replace("+", "")
        return rf"${power[1]} \times 10^{{{sign}{power[3]}}}$"
    return number.replace("-", "$-$")


def _markdown_cell(cell: MarkupCell) -> str:
    value = _escape_markdown(cell.value)
    value = f"**{value}**" if cell.is_bold else value
    return f"{value} {cell.interval}".strip()


def _escape_markdown(text: str) -> str:
    return MARKDOWN.sub(r"\\\g<0>", text)


def _padded(
    line: list[str], widths: Sequence[int], is_number: Sequence[bool]
) -> list[str]:
    padded = []
    for text, width, right in zip(line, widths, is_number, strict=True):
        gap = " " * (width - display_width(text))
        padded.append(gap + text if right else text + gap)
    return padded
