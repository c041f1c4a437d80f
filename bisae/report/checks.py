"""The page of checks: every check with its reason and its result.

Reads reports/validation.html.jinja, which holds all text and styles; returns HTML.
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
    """Count the checks that passed, failed and could not run."""
    counter = Counter(result["status"] for result in results)
    return {status: counter[status] for status in ("pass", "fail", "error")}


def render_checks(study: str, results: Results) -> str:
    """Fill the template, one section for each table."""
    tables = [
        list(rows) for _, rows in groupby(results, lambda result: result["table"])
    ]
    return template("validation.html.jinja").render(
        study=study, tables=tables, counts=counts(results)
    )
