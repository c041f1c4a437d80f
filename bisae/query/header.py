"""The header of a .sql file: the fields in its first comments.

A field is `-- Name: text` and may continue in indented lines below it. The header ends
at the first line that is neither; later comments are prose.
"""

import re

from bisae.errors import SqlError

FIELD = re.compile(r"--\s*(\w+):(?:\s+(.*)|\s*)")
CONTINUED = re.compile(r"--\s{3,}(.*)")


def parse_header(text: str) -> dict[str, str]:
    """Return the fields of a header, by name. Raises SqlError, naming the line."""
    fields: dict[str, str] = {}
    name = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if name and (continued := CONTINUED.fullmatch(line)):
            fields[name] = f"{fields[name]} {continued[1].strip()}".strip()
        elif field := FIELD.fullmatch(line):
            name = field[1]
            if name in fields:
                msg = f"its header has two fields {name!r} (line {number})"
                raise SqlError(msg)
            fields[name] = (field[2] or "").strip()
        else:
            break
    if empty := [name for name, value in fields.items() if not value]:
        msg = f"its header says nothing after {empty[0] + ':'!r}"
        raise SqlError(msg)
    return fields
