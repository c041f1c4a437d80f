"""Fit a figure to the columns of a paper: panels change in size, text does not."""

import re
from collections.abc import Callable
from math import ceil
from typing import Any

ONE_COLUMN = 218
TWO_COLUMNS = 453
"""Widths of a page as ACL's, 7.7 and 16 cm, in PostScript points (1/72 inch)."""
MEASURED = 400
"""Width of panels at which a figure is measured: wider than its axes and legend."""
TRIES = 8
"""Drawings until a figure fits; the first does, unless text sticks out of panels."""

Spec = dict[str, Any]


def fit(spec: Spec, draw: Callable[[Spec], str]) -> str:
    """Return the SVG of a figure as wide as one column of a paper, or as two.

    `draw` returns the SVG of a specification. Only its panels change in width.
    """
    measured = svg_width(draw(resize_panels(spec, MEASURED)))
    n_abreast = max(1, int(measured // MEASURED))
    is_wide = n_abreast * _panel_width(spec) > TWO_COLUMNS
    column = TWO_COLUMNS if is_wide else ONE_COLUMN
    width = MEASURED - ceil((measured - column) / n_abreast)
    for _ in range(TRIES):
        svg = draw(resize_panels(spec, max(1, width)))
        excess = svg_width(svg) - column
        if -n_abreast < excess <= 0:
            break
        width -= ceil(excess / n_abreast)
    return svg


def resize_panels(node: Any, width: float) -> Any:
    """Return a specification whose panels have a width and keep their proportions."""
    if isinstance(node, list):
        return [resize_panels(child, width) for child in node]
    if not isinstance(node, dict):
        return node
    resized = {name: resize_panels(child, width) for name, child in node.items()}
    if _is_panel(node):
        resized["width"] = width
        if isinstance(node["height"], int):  # not the height of a line
            resized["height"] = width * node["height"] / node["width"]
    return resized


def svg_width(svg: str) -> float:
    """Return the width that an SVG gives itself."""
    match = re.search(r'<svg[^>]* width="([0-9.]+)"', svg)
    return float(match[1]) if match else 0.0


def _panel_width(node: Any) -> int:
    """Return the width of the widest panel."""
    children = node.values() if isinstance(node, dict) else node
    widths = [
        _panel_width(child) for child in children if isinstance(child, dict | list)
    ]
    own = [node["width"]] if _is_panel(node) else []
    return max(own + widths, default=0)


def _is_panel(node: Any) -> bool:
    is_sized = isinstance(node, dict) and isinstance(node.get("width"), int)
    return is_sized and "height" in node
