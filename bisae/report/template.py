"""The templates of reports/: their values are escaped and formatted for reading.

The only door to jinja2.
"""

import re
from functools import cache

import jinja2
from markupsafe import Markup, escape

from bisae.assets import asset_dir
from bisae.progress import duration
from bisae.report.numbers import as_precise, join_intervals, minus, readable
from bisae.report.printed import column_head


def template(name: str) -> jinja2.Template:
    """Return a template that raises an error for a variable without a value."""
    return _environment().get_template(name)


def code_spans(text: str) -> Markup:
    """Return the text as HTML, with what stands between backquotes as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


@cache  # which keeps the compiled templates
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset_dir("reports")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "cell": readable,
        "head": column_head,
        "as_precise": as_precise,
        "duration": duration,
        "join_intervals": join_intervals,
        "minus": minus,
        "code_spans": code_spans,
    }
    return environment
