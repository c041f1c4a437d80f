"""The views that a report shows, as rows and as files.

Reads views of sql/; writes CSV, Markdown and LaTeX below `<store>/reports/tables`.
"""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bisae.files import AnyPath
from bisae.formats import Rows, render
from bisae.query import Connection, View, read_views, rows_of
from bisae.report.files import write

FIRST = (
    "overview",
    "trends",
    "trend_languages",
    "lexicon_translations",
    "translation_verdicts",
    "cells",
)
FORMATS = {"csv": "csv", "md": "markdown", "tex": "latex"}
"""A file's ending, and the style of `bisae.formats` it is written in."""


class Table(NamedTuple):
    """A view and its rows."""

    view: View
    rows: Rows
    repeats: bool = False
    """Whether all its rows stand in figures too."""

    @property
    def paper(self) -> str:
        """What it is in the paper, from the header; may be empty."""
        return self.view.header.get("Paper", "")


def read_tables(
    con: Connection, figures: Iterable[str]
) -> tuple[dict[str, Table], dict[str, str]]:
    """The tables of a report, by name, and why each of the others is left out.

    They are those in FIRST, those that `figures` name, and what the paper has.
    """
    views = read_views("cell", "grid", "paper")
    figures = list(figures)
    paper = [name for name, view in views.items() if view.folder == "paper"]
    numbered = [name for name in paper if "Paper" in views[name].header]
    there = _names(con)
    tables, left_out = {}, {}
    for name in dict.fromkeys((*FIRST, *figures, *numbered)):
        if name not in views:
            left_out[name] = "there is no view of this name"
        elif name not in there:
            needs = ", ".join(sorted(views[name].reads - there))
            left_out[name] = f"this study has no {needs}"
        elif (rows := rows_of(con, _query(views[name], con))).values:
            repeats = views[name].reads <= set(figures)
            tables[name] = Table(views[name], rows, repeats)
        else:
            left_out[name] = "it has no rows"
    return tables, left_out


def write_tables(tables: Mapping[str, Table], folder: AnyPath) -> None:
    """Write every table in every format."""
    for name, table in tables.items():
        for ending, style in FORMATS.items():
            write(folder / f"{name}.{ending}", render(table.rows, style))


def _names(con: Connection) -> set[str]:
    found = rows_of(con, "select table_name from information_schema.tables")
    return {name for (name,) in found.values}


def _query(view: View, con: Connection) -> str:
    """All rows in an order: the view's own, or by size, as a number, and the rest."""
    query = f"from {view.name}"
    if across := _across(view):
        return _laid_across(view, *across)
    if re.search(r"^order by", view.select, re.MULTILINE):
        return query
    if "size" not in rows_of(con, f"{query} limit 0").names:
        return f"{query} order by all"
    by_size = "select max(n_params) from cells where cells.size"
    return f"{query} order by ({by_size} = {view.name}.size), columns(*)"


def _laid_across(view: View, column: str, measures: list[str]) -> str:
    """The view with a column for each value of one that is part of its grain."""
    keys = ", ".join(key for key in view.grain.split(", ") if key != column)
    named = len(measures) > 1
    firsts = ", ".join(f"first({one})" + f" as {one}" * named for one in measures)
    return (
        f"from (pivot (select {keys}, {column}, {', '.join(measures)} from {view.name})"
        f" on {column} using {firsts} group by {keys}) order by {keys}"
    )


def _across(view: View) -> tuple[str, list[str]] | None:
    """Which column's values the header lays across, and what stands below them."""
    column, _, measures = view.header.get("Across", "").partition(" of ")
    return (column, measures.split(", ")) if column else None
