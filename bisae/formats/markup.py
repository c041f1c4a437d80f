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
POWER = re.compile(r"(-?[\d.]+)e([+-])0*(\d+)")
MARKDOWN = re.compile(r"[|<*]")


class MarkupCell(NamedTuple):
    """A value as text, its interval, and whether the value is bold."""

    value: str
    interval: str = ""
    is_bold: bool = False


Lines = Sequence[Sequence[MarkupCell]]


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

    Columns of numbers are aligned to the right; long heads have two lines.
    """
    columns = "".join("r" if right else "l" for right in is_number)
    head = " & ".join(map(_latex_head, heads, columns))
    body = [
        " & ".join(
            _latex_number(cell) if right else escape_latex(cell.value)
            for cell, right in zip(line, is_number, strict=True)
        )
        for line in lines
    ]
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{head} \\\\\n\\midrule\n"
        + "".join(f"{line} \\\\\n" for line in body)
        + "\\bottomrule\n\\end{tabular}\n"
    )


def _latex_head(head: str, alignment: str) -> str:
    """Return a head, broken between the words that make its two lines most equal."""
    words = head.replace(" %", "\N{NO-BREAK SPACE}%").split(" ")
    halves = [(" ".join(words[:n]), " ".join(words[n:])) for n in range(1, len(words))]
    if len(head) <= ONE_LINE or not halves:
        return escape_latex(head)
    lines = min(halves, key=lambda half: max(map(len, half)))
    stack = r"\\".join(map(escape_latex, lines))
    return rf"\begin{{tabular}}[b]{{@{{}}{alignment}@{{}}}}{stack}\end{{tabular}}"


def escape_latex(text: str) -> str:
    """Escape the characters that LaTeX gives a meaning."""
    escaped = "".join(LATEX.get(char, char) for char in text)
    return re.sub("-(?=-)", "-{}", escaped)  # hyphens in a row would become a dash


def _latex_number(cell: MarkupCell) -> str:
    value = _minus_signs(cell.value)
    value = rf"\textbf{{{value}}}" if cell.is_bold else value
    return f"{value} {_minus_signs(cell.interval)}".strip()


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
