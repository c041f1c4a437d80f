"""Pages of the report, computed when asked for: findings, checks, figures.

Reads the views of the whole grid. They take seconds, so they run in the background.
"""

from typing import Any

from bisae.browser.background import PATIENCE, Waiting
from bisae.browser.library import Library
from bisae.browser.page import Block, Page
from bisae.checks import as_records, as_rows, validate
from bisae.errors import AddressError
from bisae.formats import Rows
from bisae.query import connect, read_views, rows_of
from bisae.report.checks import counts
from bisae.report.claims import read_claims
from bisae.report.figures import draw_svg, figure_files
from bisae.report.tables import Table, existing_names

FINDINGS = (
    *("overview", "findings", "finding_settings", "alignment_findings"),
    *("coherence_findings", "steering_findings"),
)
AGAIN = 2
"""Seconds between two looks at what is being computed."""
NO_DATA = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="420" height="40">'
    '<text x="8" y="25" font-family="sans-serif" font-size="14" fill="#666">'
    "This study has no data for this figure.</text></svg>"
)
FIGURE_PATIENCE = 120.0
"""Seconds that an image waits, which cannot ask again."""


def findings_page(library: Library, _query: Any) -> Page:
    """Show the paper's claims, and every test."""
    result = _compute(library, "findings", lambda: _read_findings(library))
    if isinstance(result, Waiting):
        return _waiting("Findings", result)
    tables, negligible = result
    shown = {name: table for name, table in tables.items() if name.endswith("findings")}
    return Page(
        "findings",
        "Findings",
        {name: Block(table.rows, _all_rows(name)) for name, table in shown.items()},
        {"claims": read_claims(tables), "tables": shown, "negligible": negligible},
    )


def checks_page(library: Library, _query: Any) -> Page:
    """Show the result of every check."""
    result = _compute(library, "checks", lambda: validate(library.store))
    if isinstance(result, Waiting):
        return _waiting("Checks", result)
    results = [
        record | {"table_rows": _table(record["rows"])} for record in as_records(result)
    ]
    return Page(
        "checks",
        "Checks",
        {"checks": Block(as_rows(result), "")},
        {"results": results, "counts": counts(results)},
    )


def _table(rows: list[dict[str, Any]]) -> Rows:
    """Return the rows that violate a check as a table."""
    names = [*rows[0]] if rows else []
    return Rows(names, [tuple(row.values()) for row in rows])


def figure(library: Library, name: str) -> str | Waiting:
    """Return a figure of the report as SVG. Raises AddressError."""
    if name not in figure_files():
        msg = f"no figure {name[:40]!r}: there are {', '.join(figure_files())}"
        raise AddressError(msg)
    svg: str | Waiting = _compute(
        library, f"figure {name}", lambda: _draw(library, name), FIGURE_PATIENCE
    )
    return svg


def figure_names() -> dict[str, str]:
    """Return the title of each figure by its name."""
    views = read_views()
    return {name: views[name].title for name in figure_files()}


def _compute(
    library: Library, name: str, compute: Any, patience: float = PATIENCE
) -> Any:
    """Return what is computed from all finished cells, or Waiting."""
    version = frozenset(library.trends.refresh().items())
    return library.background.result(name, version, compute, patience)


def _waiting(title: str, waiting: Waiting) -> Page:
    return Page("waiting", title, {}, {"seconds": waiting.seconds}, refresh=AGAIN)


def _read_findings(library: Library) -> tuple[dict[str, Table], float]:
    views = read_views("grid", "paper")
    query = f"from settings, {', '.join(FINDINGS)}"
    con = connect(library.store, query=query)
    existing = existing_names(con)
    tables = {
        name: Table(views[name], rows_of(con, _all_rows(name)))
        for name in FINDINGS
        if name in existing
    }
    ((negligible,),) = rows_of(con, "select negligible from settings").values
    con.close()
    return tables, negligible


def _all_rows(name: str) -> str:
    """Return the query for a view's rows, in its own order if it has one."""
    return "from overview" if name == "overview" else f"from {name} order by all"


def _draw(library: Library, name: str) -> str:
    con = connect(library.store, query=f"from {name}")
    rows = (
        rows_of(con, f"from {name} order by all")
        if name in existing_names(con)
        else Rows([], [])
    )
    con.close()
    if not rows.values:
        return NO_DATA
    return draw_svg(figure_files()[name], rows)
