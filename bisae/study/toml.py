"""Read untrusted TOML in time bounded by its length, or refuse it in one line."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from bisae.errors import StudyError

MOST_BYTES = 2**20
"""Maximum size of a study file."""
MOST_PARTS = 16
"""Maximum parts of a dotted key, as parsing takes quadratic time in them."""
STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'|#[^\n]*",
    re.DOTALL,
)
DOTTED = re.compile(rf"(?<![\w-])[\w-]++(?:\s*+\.\s*+[\w-]++){{{MOST_PARTS}}}")


def read_toml(text: str, name: str) -> dict[str, Any]:
    """Read the text of a study file. Raises StudyError, which names the file."""
    if DOTTED.search(STRING.sub("s", text)):
        msg = f"{name}: a key has more than {MOST_PARTS} parts"
        raise StudyError(msg)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        msg = f"{name}: {error}"
        raise StudyError(msg) from error
    for key, value in string_values(content):
        if "\0" in key + value:
            msg = f"{name}: {key or 'a key'}: a string contains a NUL character"
            raise StudyError(msg.replace("\0", "?"))
    return content


def string_values(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text below a value, with its key as in `corpus.text.files`."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from string_values(inner, f"{key}.{name}" if key else name)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from string_values(inner, key)
