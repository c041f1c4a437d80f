"""One Parquet file of a table: what it is made from, and writing it."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from bisae.query.database import Connection, quoted
from bisae.query.views import View, closure

Made = Mapping[str, Any]
"""What a table is made from; equal means that the rows would be equal."""


def made_by(views: Mapping[str, View], name: str, settings: Made) -> dict[str, Any]:
    """A view's SQL with all it hangs on, and the settings that they name."""
    text = "\n".join(view.select for view in closure(views, name))
    used = {key: settings[key] for key in settings if re.search(rf"\b{key}\b", text)}
    return used | {"sql": digest(text)}


def digest(text: str) -> str:
    """The sha256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def footer(file: Path) -> str:
    """What a file says it was made from; empty where it says nothing."""
    metadata = pq.read_metadata(file).metadata or {}
    return bytes(metadata.get(b"bisae", b"")).decode()


def is_current(file: Path, made: Made) -> bool:
    """Whether a file is there and was made from the same."""
    return file.exists() and footer(file) == _footer(made)


def write_table(con: Connection, select: str, file: Path, made: Made) -> None:
    """Write a query's rows, sorted by all columns: there whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_suffix(".partial")
    con.execute(
        f"copy ({select}) to {quoted(str(partial))} (format parquet, "
        f"compression zstd, kv_metadata {{bisae: {quoted(_footer(made))}}})"
    )
    partial.replace(file)


def _footer(made: Made) -> str:
    return json.dumps(made, sort_keys=True)
