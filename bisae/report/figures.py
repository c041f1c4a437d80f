"""Draw the Vega-Lite files of reports/ with the rows of the views they are named after.

A figure reads its rows as the data set `rows`. theme.json has what all figures share,
theme-paper.json what they share in print, where a pixel is a point. The only door to
vl-convert.
"""

import importlib.util
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args
from xml.sax.saxutils import escape

import vl_convert

from bisae.assets import asset_dir
from bisae.errors import AssetMissing, CheckError
from bisae.formats import Rows, json_safe
from bisae.report.fit import fit
from bisae.study import ControlKind

ENDING = ".vl.json"
FONTS = {"matplotlib_fontja": "fonts", "matplotlib": "mpl-data/fonts/ttf"}
"""Folders of installed packages, never imported: a Japanese font; STIX for print."""
PNG_SCALE = 2.0


class Drawing(NamedTuple):
    """A drawn figure, for a screen and for a paper."""

    caption: str
    svg: str
    png: bytes
    pdf: bytes
    paper_svg: str
    paper_pdf: bytes


def figure_files() -> dict[str, Path]:
    """Return the figures of reports/ by the name of their view."""
    files = sorted(asset_dir("reports").glob(f"*{ENDING}"))
    return {file.name.removesuffix(ENDING): file for file in files}


def draw(file: Path, rows: Rows) -> Drawing:
    """Draw a figure with rows. Raises CheckError, naming the file."""
    spec = _with_rows(file, rows)
    with _explain_errors(file):
        svg = _screen_svg(spec)
        paper = fit(spec, lambda resized: _svg(resized, "theme-paper.json"))
        return Drawing(
            caption=_caption(spec),
            svg=svg,
            png=vl_convert.svg_to_png(svg, scale=PNG_SCALE),
            pdf=vl_convert.svg_to_pdf(svg),
            paper_svg=paper,
            paper_pdf=vl_convert.svg_to_pdf(paper),
        )


def draw_svg(file: Path, rows: Rows) -> str:
    """Draw a figure for a screen alone. Raises CheckError, naming the file."""
    spec = _with_rows(file, rows)
    with _explain_errors(file):
        return _screen_svg(spec)


def draw_chart_svg(chart: Mapping[str, Any], rows: Rows) -> str:
    """Draw rows by a mark and an encoding of Vega-Lite. Raises CheckError."""
    _register_fonts()
    size = {"width": 640, "height": 320}
    spec = {**size, **chart, "data": {"values": _records(rows)}}
    with _explain_errors("the chart"):
        return _svg(spec, "theme.json")


@contextmanager
def _explain_errors(what: object) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        # The rest is a JavaScript traceback.
        reason = " ".join(str(error).splitlines()[:2])
        msg = f"{what} cannot be drawn: {reason}"
        raise CheckError(msg) from error


def _svg(spec: dict[str, Any], theme: str) -> str:
    config = _read(asset_dir("reports") / theme)
    return _renumber(vl_convert.vegalite_to_svg(spec, config=config))


def specification(file: Path, rows: Rows) -> dict[str, Any]:
    """Return a figure as Vega-Lite with its rows and the theme. Raises CheckError.

    vl-convert, which also writes the files of Altair charts, then has the fonts.
    """
    spec = _with_rows(file, rows)
    theme = _read(asset_dir("reports") / "theme.json")
    return spec | {"config": theme | spec.get("config", {})}


def _with_rows(file: Path, rows: Rows) -> dict[str, Any]:
    """Return a figure as Vega-Lite with its rows, once the fonts are registered."""
    _register_fonts()
    spec = _read(file)
    if not _has_controls(rows):
        spec = _without_controls(spec)
    spec["datasets"] = {"rows": _records(rows)}
    return spec


def _has_controls(rows: Rows) -> bool:
    """Say if a column that is named after a kind of control has a value."""
    kinds = tuple(kind.replace(" ", "_") for kind in get_args(ControlKind))
    numbers = [n for n, name in enumerate(rows.names) if name.endswith(kinds)]
    return any(row[number] is not None for row in rows.values for number in numbers)


def _without_controls(spec: Any) -> Any:
    """Leave out the marks of controls: a legend without entries cannot be drawn."""
    if isinstance(spec, list):
        return [_without_controls(item) for item in spec if not _shows_controls(item)]
    if isinstance(spec, dict):
        return {name: _without_controls(value) for name, value in spec.items()}
    return spec


def _shows_controls(layer: Any) -> bool:
    encoding = layer.get("encoding", {}) if isinstance(layer, dict) else {}
    return bool(encoding.get("shape", {}).get("field") == "control")


def _screen_svg(spec: dict[str, Any]) -> str:
    return _describe(_svg(spec, "theme.json"), _caption(spec))


def _caption(spec: dict[str, Any]) -> str:
    return str(spec.get("description", ""))


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
    return [json_safe(record) for record in rows.records()]


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
    """Register fonts: without its font, the text of a PDF is left out silently."""
    for name, folder in FONTS.items():
        package = importlib.util.find_spec(name)
        for path in (package and package.submodule_search_locations) or ():
            vl_convert.register_font_directory(str(Path(path) / folder))
            break
        else:
            msg = f"the fonts of figures are missing: install {name.replace('_', '-')}"
            raise AssetMissing(msg)
