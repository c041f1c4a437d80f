"""The definitions that pages link to: those of docs/definitions.md.

Reads its first table and the list below it; the rest of that file is for reading whole.
"""

import re
from functools import cache
from typing import NamedTuple

from markupsafe import Markup

from bisae.assets import asset_dir
from bisae.report.template import code_spans

ROW = re.compile(r"^\| (.+?) \| (.+) \|$", re.MULTILINE)
ITEM = re.compile(r"^- (.+?(?:\n  .+)*)$", re.MULTILINE)
NAMES = re.compile(r"(?:`\w+`(?:, | and )?)+")


class Definition(NamedTuple):
    """A term and what it means."""

    ids: list[str]
    """Its anchors: the columns that it defines."""
    term: Markup
    text: Markup


@cache
def definitions() -> list[Definition]:
    """Return all definitions, in the order of the file."""
    page = (asset_dir("docs") / "definitions.md").read_text("utf-8")
    page = page.partition("## What coherence means")[0]
    table, _, items = page.partition("\n## ")
    result = [
        _row(*row) for row in ROW.findall(table)[1:] if not row[0].startswith("-")
    ]
    for item in ITEM.findall(items):
        text = " ".join(item.split())
        if names := NAMES.match(text):
            ids = re.findall(r"`(\w+)`", names[0])
            result.append(Definition(ids, Markup(", ").join(ids), _inline(text)))
    return result


@cache
def anchor(column: str) -> str:
    """Return the anchor of the definition of a column; "" if there is none."""
    for definition in definitions():
        if column in definition.ids:
            return definition.ids[0]
    for definition in definitions():
        if f"<code>{column}</code>" in definition.text:
            return definition.ids[0]
    return ""


def _row(term: str, text: str) -> Definition:
    parts = re.sub(r"\(\d\)", "", term).split(",")
    ids = [re.sub(r"\W+", "_", part.strip()) for part in parts]
    return Definition(ids, _inline(term), _inline(text))


def _inline(text: str) -> Markup:
    """Return the text with its code and emphasis as HTML, and links as their words."""
    text = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text.replace("&lt;", "<"))
    return Markup(re.sub(r"\*([^*\s][^*]*)\*", r"<em>\1</em>", code_spans(text)))
