"""The page of a cell: its numbers next to their nulls, and the list of its features.

Reads `features`, `feature_vocabulary`, `feature_bins` and `cells` of the cell.
"""

from typing import Any, NamedTuple

from bisae.browser.filters import OPERATORS, PAGE_ROWS, Selection, read_selection
from bisae.browser.library import Library
from bisae.browser.page import Block, Page, address_is, ask
from bisae.browser.trends import POPULATIONS
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.query import Connection, rows_of
from bisae.report.numbers import join_intervals, readable

NULLS = {
    "mixed_share": "mixed_share_null",
    "mixed_share_exclusive": "",
    "monosemanticity": "monosemanticity_null",
    "single_token_share": "",
    "token_entropy": "",
    "semantic_entropy": "",
    "mean_span": "",
    "n_features": "",
    "firings_per_feature": "",
}
"""The trends of a cell's page, and the null of each."""
COLUMNS = (
    *("language", "language_exclusive", "n_firings", "n_documents", "n_tokens"),
    *("token_entropy", "monosemanticity", "monosemanticity_null", "mean_span"),
    "supported",
)
"""The columns of the list; the others are one click away."""
HIDDEN = ("size", "step", "layer")
TOKENS_SHOWN = 6


class Number(NamedTuple):
    """A trend of a cell in each population, and its null."""

    name: str
    values: list[Any]
    null: Any


def cell_page(library: Library, cell: Cell, query: Any, *, whole: bool) -> Page:
    """Show a cell; `whole` lists all features that pass the filters, not one page."""
    with library.open([cell], "features", "feature_vocabulary", "feature_bins") as con:
        types = _types(con)
        selection = read_selection(query, types)
        where = selection.where(address_is(cell), types)
        ((n_features,),) = rows_of(con, f"select count(*) from features where {where}")[
            1
        ]
        features = ask(con, _features_query(selection, where, whole=whole))
        tokens = {} if whole else tokens_of_features(con, cell, features.rows)
        histogram = ask(con, _histogram_query(cell, selection, where))
    numbers = _numbers(library, cell)
    return Page(
        "cell",
        f"Cell {cell}",
        {
            "features": features,
            "histogram": histogram,
            "trends": _cell_trends(library, cell),
        },
        {
            "cell": cell,
            "numbers": numbers,
            "populations": POPULATIONS,
            "selection": selection,
            "columns": _columns(query, types),
            "more": "&columns=all" if query.get("columns") == "all" else "",
            "all_columns": [name for name in types if name not in HIDDEN],
            "histogram_columns": [n for n in types if types[n] in ("DOUBLE", "BIGINT")],
            "operators": OPERATORS,
            "features": features.rows.records(),
            "tokens": tokens,
            "n_features": n_features,
            "page_rows": PAGE_ROWS,
            "histogram": _bars(histogram),
            "around": around(library, cell),
            "classes": (*library.store.languages, "mixed"),
        },
    )


def _features_query(selection: Selection, where: str, *, whole: bool) -> str:
    query = f"select * from features where {where} {selection.order}"
    return query if whole else f"{query} limit {PAGE_ROWS} offset {selection.first}"


def around(library: Library, cell: Cell) -> dict[str, Cell | None]:
    """Return the neighbouring cells of the grid, finished or not."""
    cells = library.store.cells
    steps = sorted({c.step for c in cells if c.size == cell.size})
    layers = sorted({c.layer for c in cells if c[:2] == cell[:2]})
    return {
        "previous step": _at(cell, step=_next(steps[::-1], cell.step)),
        "next step": _at(cell, step=_next(steps, cell.step)),
        "layer below": _at(cell, layer=_next(layers[::-1], cell.layer)),
        "layer above": _at(cell, layer=_next(layers, cell.layer)),
    }


def _next(values: list[int], value: int) -> int | None:
    return next(iter(values[values.index(value) + 1 :]), None)


def _at(cell: Cell, **changed: Any) -> Cell | None:
    return None if None in changed.values() else cell._replace(**changed)


def _types(con: Connection) -> dict[str, str]:
    """Return the type of each column of `features`."""
    relation = con.sql("from features limit 0")
    types = map(str, relation.types)
    return dict(zip(relation.columns, types, strict=True))


def _columns(query: Any, types: dict[str, str]) -> list[str]:
    hidden = {*HIDDEN, "feature"}
    if query.get("columns") == "all":
        return [name for name in types if name not in hidden]
    return [name for name in COLUMNS if name in types]


def tokens_of_features(
    con: Connection, cell: Cell, listed: Rows
) -> dict[int, list[str]]:
    """Return the most frequent tokens of the features that a page lists."""
    column = listed.names.index("feature")
    numbers = ", ".join(str(row[column]) for row in listed.values) or "null"
    rows = rows_of(
        con,
        "select feature, list(token order by n_firings desc, token_id) "
        f"from feature_vocabulary where {address_is(cell)} and feature in ({numbers}) "
        "group by feature",
    )
    return {feature: tokens[:TOKENS_SHOWN] for feature, tokens in rows.values}


def _histogram_query(cell: Cell, selection: Selection, where: str) -> str:
    return (
        "select bin, bin_low, bin_high, count(*) as n_features from feature_bins "
        f"where {address_is(cell)} and name = '{selection.histogram}' "
        f"and feature in (select feature from features where {where}) "
        "group by all order by bin"
    )


def _bars(histogram: Block) -> list[dict[str, Any]]:
    """Return the bins between the first and the last, empty ones too."""
    by_bin = {row["bin"]: row for row in histogram.rows.records()}
    empty = {"n_features": 0, "words": "none"}
    for row in by_bin.values():
        row["words"] = f"{readable(row['bin_low'])} to {readable(row['bin_high'])}"
    if not by_bin:
        return []
    return [by_bin.get(bin_, empty) for bin_ in range(min(by_bin), max(by_bin) + 1)]


def _cell_trends(library: Library, cell: Cell) -> Block:
    by_population = library.trends.of_cell(cell)
    rows = [row for rows in by_population.values() for row in rows.values]
    query = f"from trends where {address_is(cell)} order by population"
    return Block(Rows(library.trends.names, rows), query)


def _numbers(library: Library, cell: Cell) -> list[Number]:
    trends = library.trends.of_cell(cell)
    joined = {
        population: join_intervals(rows).records()[0]
        for population, rows in trends.items()
    }
    return [
        Number(
            name,
            [joined[population][name] for population in POPULATIONS],
            joined["alive"][null] if null else None,
        )
        for name, null in NULLS.items()
    ]
