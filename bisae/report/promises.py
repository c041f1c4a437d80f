"""The page of promises: every one with why it is made, and what became of it.

Reads reports/validation.html.jinja, which holds all words and looks; gives HTML.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from bisae.report.template import template

Outcomes = Sequence[Mapping[str, Any]]
"""What became of each promise, as rows: file, view, promise, why, guards, status,
observed, expected, where, rows.
"""


def counts(outcomes: Outcomes) -> Mapping[str, int]:
    """How many promises are kept, broken and could not be checked."""
    found = Counter(one["status"] for one in outcomes)
    return {status: found[status] for status in ("pass", "fail", "error")}


def render_promises(study: str, outcomes: Outcomes) -> str:
    """Fill the template, one section for each file of promises."""
    suites = [list(some) for _, some in groupby(outcomes, lambda one: one["file"])]
    return template("validation.html.jinja").render(
        study=study, suites=suites, counts=counts(outcomes)
    )
