"""The templates of reports/: their values are escaped and formatted for reading.

The only door to jinja2.
"""

from typing import Any

import jinja2

from bisae.assets import asset_dir


def template(name: str) -> jinja2.Template:
    """Return a template that raises an error for a variable without a value."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset_dir("reports")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["cell"] = _cell
    return environment.get_template(name)


def _cell(value: Any) -> str:
    """Format a value for a reader; the CSV has every digit."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _number(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _number(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4f}" if abs(value) >= 0.001 or value == 0 else f"{value:.2g}"
