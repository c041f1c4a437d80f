"""The SQL that a table is computed from: views, and the macros that they call.

Reads sql/macros.sql, the formulas that several views share.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache

import duckdb

from bisae.assets import asset_dir
from bisae.files import read
from bisae.query.views import View

COMMENT = re.compile(r"(?m)^\s*--.*\n?")
CALL = re.compile(r"(\w+)\(")
NAME = re.compile(r"create macro (\w+)\(")


@cache
def macros() -> dict[str, str]:
    """Return the statement that creates each macro; one calls only those before it."""
    text = _without_comments(read(asset_dir("sql") / "macros.sql").decode())
    statements = [parsed.query.strip() for parsed in duckdb.extract_statements(text)]
    return {NAME.findall(statement)[0]: statement for statement in statements}


def create_macros(con: duckdb.DuckDBPyConnection) -> None:
    """Create the macros in a database, or in the schema that it uses."""
    for statement in macros().values():
        con.execute(statement)


def source_of(views: Iterable[View]) -> str:
    """Return the SQL of views and of the macros that they call, without comments.

    A table is computed again when this changes, not when a comment does.
    """
    text = "\n".join(_without_comments(view.select) for view in views)
    called = set(CALL.findall(text))
    for name, statement in reversed(macros().items()):
        if name in called:
            text = f"{statement}\n{text}"
            called.update(CALL.findall(statement))
    return text


@lru_cache(maxsize=1024)  # the same views are read for every table
def _without_comments(sql: str) -> str:
    return COMMENT.sub("", sql)
