"""The language, as far as a test can judge it: names, docstrings and phrases.

Names are counted over the package, the tests, the benchmarks and docs/generate.py.
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import ROOT

FILES = sorted(
    path
    for folder in ("bisae", "tests", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
PRODUCT = [path for path in FILES if path.parts[len(ROOT.parts)] != "tests"]
PROSE = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "sql/**/*", "validations/**/*", "store/*.md")
    for path in ROOT.glob(pattern)
    if path.suffix in {".md", ".sql", ".json"} and path.name != "LOG.md"
)
VAGUE = {
    *("found", "told", "one", "held", "made", "named", "given", "known", "left", "own"),
    *("other", "here", "place", "part", "asked", "wanted", "kept", "thing", "things"),
    "something",
}
"""Names that do not say what they hold."""
MOST_VAGUE = 0.01
"""Of all names that are assigned."""
RIDDLE = re.compile(r"(What|Which|Whether|Who|Whose|How|Where|When|Why)\b[^?]*$", re.S)
PHRASES = ("hang on", "hangs on", "hanging on", "at hand", "be had", "stands in two")


def assigned(path: Path) -> Iterator[str]:
    """Every name that a file assigns: variables, parameters, loop and with targets."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg


def docstrings(path: Path) -> Iterator[str]:
    """Every docstring of a file."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(
            node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        ):
            yield ast.get_docstring(node) or ""


def test_names_say_what_they_hold() -> None:
    names = Counter(name for path in FILES for name in assigned(path))
    vague = {name: n for name, n in names.items() if name in VAGUE}
    assert sum(vague.values()) < MOST_VAGUE * names.total(), vague


@pytest.mark.parametrize("path", PRODUCT, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_docstring_begins_with_a_sentence(path: Path) -> None:
    """One that begins with a question word and asks nothing is a riddle."""
    for text in docstrings(path):
        first = text.partition("\n\n")[0]
        assert not RIDDLE.match(first), first


@pytest.mark.parametrize("path", PROSE, ids=lambda path: str(path.relative_to(ROOT)))
def test_prose_has_no_phrase_that_sounds_translated(path: Path) -> None:
    text = " ".join(path.read_text("utf-8").split())
    assert not [phrase for phrase in PHRASES if re.search(rf"\b{phrase}\b", text)]
