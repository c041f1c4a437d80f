"""The page of checks: every one with the reason for it, and its result.

Reads reports/validation.html.jinja, which holds all words and looks; gives HTML.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from bisae.report.template import template

Results = Sequence[Mapping[str, Any]]
"""The result of each check, as rows: file, table, check, description, why, guards,
status, observed, expected, where, rows.
"""


def counts(results: Results) -> Mapping[str, int]:
    """How many checks passed, failed and could not run."""
    counter = Counter(result["status"] for result in results)
    return {status: counter[status] for status in ("pass", "fail", "error")}


def render_checks(study: str, results: Results) -> str:
    """Fill the template, one section for each table."""
    tables = [list(some) for _, some in groupby(results, lambda one: one["table"])]
    return template("validation.html.jinja").render(
        study=study, tables=tables, counts=counts(results)
    )
