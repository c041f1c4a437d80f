"""Figures in print: PDF with its fonts, and widths and type of a paper."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bisae.formats import Rows
from bisae.report.figures import Drawing, draw
from bisae.report.fit import ONE_COLUMN, TWO_COLUMNS, resize_panels, svg_width

PANEL: dict[str, Any] = {
    "width": 230,
    "height": 115,
    "mark": "line",
    "encoding": {
        "x": {"field": "step", "type": "quantitative", "title": "日本"},
        "y": {"field": "loss", "type": "quantitative"},
        "color": {"field": "size", "type": "nominal"},
    },
}


def drawn(folder: Path, n_panels: int, *, clip: bool = False) -> Drawing:
    """A figure of a line in each panel, for as many sizes as panels."""
    file = folder / "lines.vl.json"
    panel = PANEL | {"mark": {"type": "line", "clip": clip}}
    facet = {"facet": {"field": "size"}, "columns": 3, "spec": panel}
    file.write_text(json.dumps({"data": {"name": "rows"}} | facet))
    values = [(n, step, step**2) for n in range(n_panels) for step in range(3)]
    return draw(file, Rows(["size", "step", "loss"], values))


@pytest.mark.parametrize(
    ("n_panels", "width"),
    [(1, ONE_COLUMN), (2, TWO_COLUMNS), (3, TWO_COLUMNS), (5, TWO_COLUMNS)],
)
def test_a_figure_is_as_wide_as_its_columns(
    n_panels: int, width: int, tmp_path: Path
) -> None:
    drawing = drawn(tmp_path, n_panels)
    assert width - 3 <= svg_width(drawing.paper_svg) <= width
    box = re.search(rb"/MediaBox ?\[0 0 ([\d.]+)", drawing.paper_pdf)
    assert box
    assert float(box[1]) == svg_width(drawing.paper_svg)  # a pixel is a point


def test_text_that_sticks_out_of_narrow_panels_does_not_widen_the_figure(
    tmp_path: Path,
) -> None:
    channels = {"text": {"field": "words"}, "y": {"field": "words", "axis": None}}
    text = {"mark": "text", "encoding": channels}
    figure = {"width": 560, "height": {"step": 15}, **text}
    file = tmp_path / "words.vl.json"
    file.write_text(json.dumps({"data": {"name": "rows"}} | figure))
    drawing = draw(file, Rows(["words"], [("where features fire " * 3,)]))
    assert TWO_COLUMNS - 3 <= svg_width(drawing.paper_svg) <= TWO_COLUMNS


def test_ids_do_not_depend_on_the_figures_before(tmp_path: Path) -> None:
    """So two reports of the same store are equal to the byte; Vega counts on."""
    for n_panels in (1, 2):
        svg = drawn(tmp_path, n_panels, clip=True).svg
        numbers = {int(number) for number in re.findall(r' id="clip(\d+)"', svg)}
        assert numbers == set(range(len(numbers)))
        assert numbers


def test_type_for_a_paper_is_set_in_8_points_of_a_serif(tmp_path: Path) -> None:
    svg = drawn(tmp_path, 2).paper_svg
    assert set(re.findall(r'font-size="([^"]+)"', svg)) == {"8px"}
    assert set(re.findall(r'font-family="([^",]+)', svg)) == {"STIXGeneral"}


def test_panels_keep_their_proportions() -> None:
    figure = {"vconcat": [{"spec": PANEL}, {"width": 10, "mark": "bar"}]}
    resized = resize_panels(figure, 50)
    spec = resized["vconcat"][0]["spec"]
    assert (spec["width"], spec["height"]) == (50, 25)
    assert resized["vconcat"][1] == figure["vconcat"][1]
    assert PANEL["width"] == 230


def test_a_pdf_has_its_fonts_and_its_text(tmp_path: Path) -> None:
    """Without a registered font the text would be left out, without an error."""
    drawing = drawn(tmp_path, 1)
    for pdf, font in (
        (drawing.pdf, b"LiberationSans"),
        (drawing.paper_pdf, b"STIXGeneral"),
    ):
        fonts = set(re.findall(rb"/BaseFont ?/\w+\+(\w+)", pdf))
        assert fonts == {font, b"IPAexGothic"}
        assert pdf.count(b"/Type /FontDescriptor") == pdf.count(b"/FontFile") > 1
        for character in "日本size":
            assert f"> <{ord(character):04X}>".encode() in pdf, character
