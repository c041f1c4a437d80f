"""The views that a report shows, as rows and as files.

Reads views of sql/; writes CSV, Markdown and LaTeX below `<store>/reports/tables`.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bisae.errors import SqlError
from bisae.files import AnyPath
from bisae.formats import Rows, render
from bisae.formats.markup import latex, markdown
from bisae.formats.table import readable
from bisae.query import Connection, View, compute_once, read_views, rows_of
from bisae.report.files import write
from bisae.report.printed import PrintedTable, printed_table, shown_columns
from bisae.store import Store

FIRST = (
    "overview",
    "trends",
    "trend_languages",
    "coherence_trends",
    "finding_settings",
    "token_links",
    "lexicon_translations",
    "translation_verdicts",
    "convergence_changes",
    "retrieval",
    "retrieval_overall",
    "pair_overlap",
    "origins",
    "turnover",
    "class_changes",
    "class_examples",
    "design_effects",
    "cells",
)
COMPUTED_ONCE = (
    "cells",
    "twin_segments",
    "trend_sums",
    "trend_intervals",
    "trends",
    "class_counts",
    "coherence_trends",
    "concept_shares",
    "lexicon_translations",
    "retrieval",
    "retrieval_overall",
    "measured_shares",
    "turns",
    "contrasts",
    "figure_examples",
)
"""Views that many tables read, in build order."""
DIGEST = 16
"""Hexadecimal digits of the digests in a comment."""
LONGEST_PRINTED = 1000
"""Rows of the longest table that is written as Markdown and LaTeX."""


class Table(NamedTuple):
    """A view and its rows."""

    view: View
    rows: Rows
    repeats: bool = False
    """True if figures show all its rows too."""

    @property
    def paper(self) -> str:
        """Its name in the paper, from the header; may be empty."""
        return self.view.header.get("Paper", "")

    @property
    def is_printed(self) -> bool:
        """True if it is short enough to be read as Markdown and LaTeX."""
        return len(self.rows.values) <= LONGEST_PRINTED

    def printed(
        self, *, whole: bool = False, n_rows: int | None = None
    ) -> PrintedTable:
        """Set the first rows or all, with the main columns or all. Raises SqlError."""
        shown = [] if whole else shown_columns(self.view.name)
        best = self.view.header.get("Best", "")
        try:
            return printed_table(self.rows, best, shown, n_rows)
        except SqlError as error:
            msg = f"{self.view.path}: {error}"
            raise SqlError(msg) from error


def read_tables(
    con: Connection, figures: Iterable[str]
) -> tuple[dict[str, Table], dict[str, str]]:
    """Read the tables of a report; return them and why each other one is left out.

    They are those in FIRST, those that `figures` name, and those of the paper. Views
    that several of them read become tables of the connection.
    """
    compute_once(con, COMPUTED_ONCE)
    views = read_views("cell", "grid", "lineage", "paper")
    figures = list(figures)
    paper = [name for name, view in views.items() if view.folder == "paper"]
    numbered = [name for name in paper if "Paper" in views[name].header]
    existing = existing_names(con)
    tables, left_out = {}, {}
    for name in dict.fromkeys((*FIRST, *figures, *numbered)):
        if name not in views:
            left_out[name] = "there is no view of this name"
        elif name not in existing:
            needs = ", ".join(sorted(views[name].reads - existing))
            left_out[name] = f"this study has no {needs}"
        elif (rows := rows_of(con, _query(views[name], con))).values:
            repeats = views[name].reads <= set(figures)
            tables[name] = Table(views[name], rows, repeats)
        else:
            left_out[name] = "it has no rows"
    return tables, left_out


def write_tables(tables: Mapping[str, Table], folder: AnyPath, source: str) -> None:
    """Write every table as CSV with all digits, and as Markdown and LaTeX to be read.

    One that is too long to be read is CSV alone. `source` is the store that they come
    from, in a comment of the LaTeX.
    """
    for name, table in tables.items():
        csv = render(table.rows, "csv")
        write(folder / f"{name}.csv", csv)
        if not table.is_printed:
            continue
        printed = table.printed()
        digest = hashlib.sha256(csv.encode()).hexdigest()[:DIGEST]
        comment = f"% {name} of {source}; SHA-256 of {name}.csv {digest}\n"
        write(folder / f"{name}.md", markdown(*printed))
        write(folder / f"{name}.tex", comment + latex(*printed))


def describe_source(store: Store) -> str:
    """Return the study and the text of a store on one line."""
    digest = store.corpus_attributes()["fingerprint"][:DIGEST]
    return f"study {readable(store.study.name)}, corpus {digest}"


def existing_names(con: Connection) -> set[str]:
    """Return the names of the tables and views that this store has."""
    rows = rows_of(con, "select table_name from information_schema.tables")
    return {name for (name,) in rows.values}


def _query(view: View, con: Connection) -> str:
    """Return the query for all rows, in the view's order or by size and the rest.

    Sizes are ordered by their number of parameters.
    """
    query = f"from {view.name}"
    if across := _pivot_columns(view):
        return _pivot_query(view, *across)
    if re.search(r"^order by", view.select, re.MULTILINE):
        return query
    if "size" not in rows_of(con, f"{query} limit 0").names:
        return f"{query} order by all"
    by_size = "select max(n_params) from cells where cells.size"
    return f"{query} order by ({by_size} = {view.name}.size), columns(*)"


def _pivot_query(view: View, column: str, measures: list[str]) -> str:
    """Return the query that pivots a view: a column for each value of `column`."""
    keys = ", ".join(key for key in view.grain.split(", ") if key != column)
    is_named = len(measures) > 1
    firsts = ", ".join(
        f"first({measure})" + f" as {measure}" * is_named for measure in measures
    )
    return (
        f"from (pivot (select {keys}, {column}, {', '.join(measures)} from {view.name})"
        f" on {column} using {firsts} group by {keys}) order by {keys}"
    )


def _pivot_columns(view: View) -> tuple[str, list[str]] | None:
    """Return the column that the header pivots on and its measures, or None."""
    column, _, measures = view.header.get("Across", "").partition(" of ")
    return (column, measures.split(", ")) if column else None
