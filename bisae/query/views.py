"""The .sql files as views: their headers, their dependencies and their build order.

Reads sql/ and, for the checks, validations/. A file is one bare SELECT; its stem is the
view's name. There are no templates and no paths: files name each other, and the
dependencies come from DuckDB's parser.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from bisae.assets import asset_dir
from bisae.errors import SqlError
from bisae.files import read
from bisae.query.failure import NESTED
from bisae.query.header import parse_header
from bisae.store import registry


class View(NamedTuple):
    """One .sql file."""

    name: str
    folder: str
    header: Mapping[str, str]
    """The fields of its header, by name."""
    select: str
    reads: frozenset[str]
    """Tables and views that it names, from the parser."""
    path: Path

    @property
    def title(self) -> str:
        """The question it answers; for a check, what holds if it has no rows."""
        return self.header.get("Title") or self.header.get("Check", "")

    @property
    def grain(self) -> str:
        """The key of one row."""
        return self.header.get("Grain", "")

    @property
    def is_small(self) -> bool:
        """True if it grows with the grid alone, not with text or autoencoders."""
        return not LARGE & set(re.findall(r"\w+", self.grain.partition(";")[0]))

    @property
    def is_materialized(self) -> bool:
        """True if it is computed once, as a table, since several views read it."""
        return "Kept" in self.header


LARGE = frozenset(
    {
        *("feature", "feature_a", "feature_b", "token", "token_row", "token_id"),
        *("position", "document", "pair", "cluster", "concept", "replicate"),
    }
)
"""Columns of a grain of which there are many in a cell or in the text."""
CODE_CHECKS = "codes"
"""The folder of validations/ whose checks read the codes of one cell."""


def read_views(*folders: str) -> dict[str, View]:
    """Read the views of some folders of sql/, by default of all. Raises SqlError."""
    return dict(_views(folders))


def store_views() -> dict[str, View]:
    """Read the views over a store's tables, those of checks included."""
    views = read_views("text", "grid", "lineage", "paper", "questions")
    return views | read_check_views()


def read_check_views(*, of_codes: bool = False) -> dict[str, View]:
    """Read the views of a store's checks, or of the checks of a cell's codes."""
    return dict(_check_views(of_codes))


@cache  # a server needs them for every page
def _views(folders: tuple[str, ...]) -> dict[str, View]:
    paths = asset_dir("sql").glob("*/*.sql")
    return _by_name(p for p in paths if not folders or p.parent.name in folders)


@cache
def _check_views(of_codes: bool) -> dict[str, View]:  # noqa: FBT001
    paths = asset_dir("validations").rglob("*.sql")
    return _by_name(p for p in paths if (p.parent.name == CODE_CHECKS) == of_codes)


def _by_name(paths: Iterable[Path]) -> dict[str, View]:
    """Read files whose stems are all different. Raises SqlError."""
    by_name: dict[str, Path] = {}
    for path in sorted(paths):
        if path.stem in by_name:
            msg = f"{path} and {by_name[path.stem]} would both create {path.stem!r}"
            raise SqlError(msg)
        by_name[path.stem] = path
    return {name: read_view(path) for name, path in by_name.items()}


def read_view(path: Path) -> View:
    """Read one file and its header. Raises SqlError."""
    select = read(path).decode()
    try:
        header, reads = parse_header(select), tables_of(select)
    except SqlError as error:
        msg = f"{path}: {error}"
        raise SqlError(msg) from error
    return View(path.stem, path.parent.name, header, select, reads, path)


def build_order(views: Mapping[str, View]) -> list[str]:
    """Order view names so that each follows everything it reads.

    The order is the same in every process, since provenance is a digest of SQL in this
    order.
    """
    return list(
        _sorted_names(tuple((name, view.reads) for name, view in views.items()))
    )


@lru_cache(maxsize=256)  # the same views are sorted for every table
def _sorted_names(reads: tuple[tuple[str, frozenset[str]], ...]) -> tuple[str, ...]:
    names = {name for name, _ in reads}
    graph = {name: sorted(reads_by & names) for name, reads_by in reads}
    return tuple(TopologicalSorter(graph).static_order())


def reads_of(views: Mapping[str, View], query: str) -> set[str]:
    """Return all tables and views that a query depends on. Raises SqlError."""
    names = set(tables_of(query))
    for name in tables_of(query) & views.keys():
        for view in closure(views, name):
            names |= {view.name, *view.reads}
    return names


def read_often(query: str) -> list[str]:
    """List the small tables and views that a query and its views read more than once.

    Tables come first, then views in build order; nothing if the query does not parse.
    """
    tables = registry()
    derived = {name: view for name, view in store_views().items() if name not in tables}
    try:
        needed = reads_of(derived, query)
    except SqlError:
        return []
    own = {name: derived[name] for name in needed & derived.keys()}
    counts = Counter(name for view in own.values() for name in view.reads)
    counts.update(tables_of(query))
    headers = read_views() | derived
    often = {
        name
        for name, n in counts.items()
        if n > 1 and name in headers and headers[name].is_small
    }
    in_order = [name for name in build_order(own) if name in often]
    return [*sorted(often - own.keys()), *in_order]


def closure(views: Mapping[str, View], name: str) -> list[View]:
    """Return a view and every view that it depends on, in build order."""
    needed = {name}
    for view_name in reversed(build_order(views)):
        if view_name in needed:
            needed |= views[view_name].reads & views.keys()
    return [views[view_name] for view_name in build_order(views) if view_name in needed]


@lru_cache(maxsize=1024)  # the same files are parsed again and again
def tables_of(select: str) -> frozenset[str]:
    """Return the tables and views that a query names. Raises SqlError."""
    con = duckdb.cursor()  # threads may share no connection
    row = con.execute("select json_serialize_sql(?::varchar)", [select]).fetchone()
    try:
        tree = json.loads(row[0]) if row else {"error": True}
    except RecursionError as error:
        raise SqlError(NESTED) from error
    if tree["error"]:
        msg = str(tree.get("error_message", "cannot be parsed"))
        if "position" in tree:  # in bytes
            line = select.encode().count(b"\n", 0, int(tree["position"])) + 1
            msg += f" (line {line})"
        raise SqlError(msg)
    nodes = list(_nodes(tree))
    ctes = {cte["key"] for node in nodes for cte in node.get("map", ()) if "key" in cte}
    names = {node["table_name"] for node in nodes if node.get("table_name")}
    return frozenset(names - ctes)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    unvisited = [tree]  # a tree may be deeper than Python's own stack
    while unvisited:
        node = unvisited.pop()
        if isinstance(node, dict):
            yield node
            unvisited += node.values()
        elif isinstance(node, list):
            unvisited += node
