"""Draw the Vega-Lite files of reports/ with the rows of the views they are named after.

A figure reads its rows as the data set `rows`; theme.json has what all figures share.
The only door to vl-convert.
"""

import importlib.util
import json
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

import vl_convert

from bisae.assets import asset_dir
from bisae.errors import AssetMissing, CheckError
from bisae.formats import Rows, json_safe

ENDING = ".vl.json"
FONTS = "matplotlib_fontja"
"""The installed package whose font has Japanese glyphs; read, never imported."""
PNG_SCALE = 2.0


class Drawing(NamedTuple):
    """A drawn figure."""

    caption: str
    svg: str
    png: bytes


def figure_files() -> dict[str, Path]:
    """Return the figures of reports/ by the name of their view."""
    files = sorted(asset_dir("reports").glob(f"*{ENDING}"))
    return {file.name.removesuffix(ENDING): file for file in files}


def draw(file: Path, rows: Rows) -> Drawing:
    """Draw a figure with rows. Raises CheckError, naming the file."""
    _register_fonts()
    spec = _read(file)
    spec["datasets"] = {"rows": _records(rows)}
    theme = _read(asset_dir("reports") / "theme.json")
    try:
        svg = _renumber(vl_convert.vegalite_to_svg(spec, config=theme))
        svg = _describe(svg, str(spec.get("description", "")))
        png = vl_convert.svg_to_png(svg, scale=PNG_SCALE)
    except ValueError as error:
        # The rest is a JavaScript traceback.
        reason = " ".join(str(error).splitlines()[:2])
        msg = f"{file} cannot be drawn: {reason}"
        raise CheckError(msg) from error
    return Drawing(str(spec.get("description", "")), svg, png)


def _read(file: Path) -> dict[str, Any]:
    try:
        spec = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{file} cannot be read: {error}"
        raise CheckError(msg) from error
    if not isinstance(spec, dict):
        msg = f"{file} is not a figure: expected one JSON object"
        raise CheckError(msg)
    return spec


def _records(rows: Rows) -> list[dict[str, Any]]:
    return [json_safe(dict(zip(rows.names, row, strict=True))) for row in rows.values]


def _describe(svg: str, description: str) -> str:
    """Give the whole drawing a description, as its axes and marks have one."""
    label = escape(description, {'"': "&quot;"})
    return svg.replace("<svg", f'<svg role="graphics-document" aria-label="{label}"', 1)


def _renumber(svg: str) -> str:
    """Number clips and gradients from 0, since Vega continues from the last figure."""
    number: defaultdict[str, int] = defaultdict(lambda: len(number))

    def rename(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2]}{number[match[2] + match[3]]}"

    return re.sub(r'( id="|url\(#)(clip|gradient_)(\d+)', rename, svg)


@cache
def _register_fonts() -> None:
    package = importlib.util.find_spec(FONTS)
    for folder in (package and package.submodule_search_locations) or ():
        vl_convert.register_font_directory(str(Path(folder) / "fonts"))
        return
    msg = f"no font with Japanese glyphs: install {FONTS.replace('_', '-')}"
    raise AssetMissing(msg)
