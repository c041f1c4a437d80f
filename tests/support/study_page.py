"""Read the tables of the page that docs/study.py writes, and compare their numbers."""

import importlib.util
import math
import re
from types import ModuleType
from typing import Any

import pandas as pd

from support import ROOT

NUMBER = r"-?[\d,]+(?:\.\d+)?(?:e[+-]\d+)?"


def generator() -> ModuleType:
    """Return the module docs/study.py, which is no part of a package."""
    spec = importlib.util.spec_from_file_location("study", ROOT / "docs" / "study.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def tables(page: str, section: str) -> list[list[list[str]]]:
    """The tables of a section: rows of cells, without their heads."""
    text = page.split(f"\n## {section}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    split = [
        [line.strip("|\n").split(" | ") for line in b.splitlines()] for b in blocks
    ]
    return [[[cell.strip() for cell in line] for line in rows[2:]] for rows in split]


def assert_printed(printed: list[list[str]], frame: pd.DataFrame) -> None:
    """Compare a table with a frame, whose columns of an interval share one cell."""
    assert len(printed) == len(frame) > 0
    for cells, row in zip(printed, frame.to_dict("records"), strict=True):
        values = [v for cell in cells for v in numbers_or_text(cell)]
        expected = [v for v in row.values() if not is_null(v) and v != ""]
        assert len([v for v in values if v]) == len(expected), (cells, row)
        for text, value in zip([v for v in values if v], expected, strict=True):
            assert agrees(text, value), (cells, row)


def numbers_or_text(cell: str) -> list[str]:
    """The value and both ends of its interval, or the only value."""
    match = re.fullmatch(rf"({NUMBER}) \[({NUMBER}), ({NUMBER})\]", cell)
    return list(match.groups()) if match else [cell.replace("\\", "")]


def is_null(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def agrees(text: str, value: Any) -> bool:
    """A number is printed to half a unit of its last digit, or four digits."""
    if isinstance(value, str):
        return text == value
    if text.startswith("<"):
        return bool(value < float(text[1:]))
    number = text.replace(",", "")
    digits, _, exponent = number.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(digits.partition(".")[2]))
    four = 5e-4 * abs(value)
    return bool(abs(float(number) - value) <= max(unit / 2, four) * (1 + 1e-9))
