"""Templates of paths and hub names, whose fields such as `{step}` are filled in."""

import re
from collections.abc import Mapping

FIELD = re.compile(r"(?<!\$)\{([^{}]*)\}")
"""A field of a template; `${HOME}` is an environment variable instead."""


def fields_of(template: str) -> set[str]:
    """Return the names of a template's fields, without formats as in `{step:06d}`."""
    return {field.partition(":")[0] for field in FIELD.findall(template)}


def fill_in(template: str, values: Mapping[str, int | str]) -> str:
    """Fill in a template; unknown fields stay. Raises ValueError for a wrong format."""

    def value(field: re.Match[str]) -> str:
        name, _, form = field[1].partition(":")
        return format(values[name], form) if name in values else field[0]

    return FIELD.sub(value, template)
