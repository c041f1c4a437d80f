"""The templates of reports/: their values are escaped and formatted for reading.

The only door to jinja2.
"""

import jinja2

from bisae.assets import asset_dir
from bisae.report.numbers import (
    as_precise,
    hours,
    join_intervals,
    readable,
    select_columns,
)


def template(name: str) -> jinja2.Template:
    """Return a template that raises an error for a variable without a value."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(asset_dir("reports")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "cell": readable,
        "as_precise": as_precise,
        "hours": hours,
        "join_intervals": join_intervals,
        "select_columns": select_columns,
    }
    return environment.get_template(name)
