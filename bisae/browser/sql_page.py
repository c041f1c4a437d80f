"""The SQL page: a query in the address, parameters as fields, an answer within limits.

Each query runs behind the fence, in a process of its own that is ended at a limit.
"""

import re
from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar
from typing import Any, NamedTuple

import pyarrow as pa

from bisae.browser.library import Library
from bisae.browser.page import Block, Page
from bisae.errors import AddressError, BisaeError, SqlError
from bisae.formats import Rows
from bisae.grid import Cell, parse_cell
from bisae.query import QueryProcess, Question, questions, read_views
from bisae.report.figures import draw_chart_svg

SECONDS = 20.0
MEMORY = "1GiB"
ROWS_SHOWN = 500
ROWS_DRAWN = 5_000
ROWS_SAVED = 200_000
BYTES = 32 * 2**20
"""The most bytes of an answer that are shown, drawn or saved."""
MARKS = ("bar", "line", "point")
RUNNING: ContextVar[list[QueryProcess]] = ContextVar("RUNNING")
"""The queries of a request, so that they end when nobody waits for the answer."""
EXAMPLES = {
    "Trends of the middle layers": "from overview",
    "Classes of features": "select size, step, layer, language, count(*) as n\n"
    "from features\ngroup by all\norder by all",
    "Features of a token": "select size, step, layer, feature, n_firings\n"
    "from feature_vocabulary\nwhere token = $token\norder by n_firings desc\nlimit 50",
    "Every table and view": "select table_name, comment\nfrom duckdb_views()\n"
    "where not internal\norder by all",
}


class QueryForm(NamedTuple):
    """The form as an address fills it in."""

    text: str
    codes: Cell | None
    values: dict[str, str]
    """The fields of parameters, by name."""
    question: Question | None
    is_run: bool
    """True if the address has the token of this server."""


def read_form(library: Library, query: Any) -> QueryForm:
    """Read an address. Raises AddressError for a cell, SqlError for a query."""
    text = query.get("q", "").replace("\r\n", "\n")
    codes = parse_cell(query["codes"]) if query.get("codes") else None
    question = None
    if text.strip():
        statements = questions(text)
        if len(statements) > 1:
            msg = f"{len(statements)} statements: write one"
            raise SqlError(msg)
        question = statements[0]
    names = sorted(question.parameters) if question else []
    values = {name: query.get(f"p_{name}", "") for name in names}
    return QueryForm(text, codes, values, question, query.get("token") == library.token)


def sql_page(library: Library, query: Any, *, whole: bool) -> Page:
    """Show a query, and its answer if the address has the token.

    `whole` keeps more rows, for a file. An error of the query is shown on the page.
    """
    try:
        form, problem = read_form(library, query), None
    except BisaeError as error:
        if whole:
            raise
        form = QueryForm(query.get("q", ""), None, {}, None, is_run=False)
        problem = error
    answer, cut = Rows([], []), ""
    if form.question and form.is_run:
        try:
            answer, cut = run(library, form, ROWS_SAVED if whole else ROWS_SHOWN)
        except BisaeError as error:
            if whole:
                raise
            problem = error
    elif whole:
        msg = "this address does not run its query: open it as a page, and press Run"
        raise AddressError(msg)
    return Page(
        "sql",
        "SQL",
        {"answer": Block(answer, form.text, form.codes)} if answer.names else {},
        {
            "form": form,
            "problem": problem,
            "cut": cut,
            "examples": EXAMPLES,
            "answer": answer,
            "marks": MARKS,
            "chart": {
                name: query.get(name, "") for name in ("mark", "x", "y", "color")
            },
            "limits": {"seconds": SECONDS, "memory": MEMORY, "rows": ROWS_SHOWN},
            "relations": sorted(read_views("grid", "paper", "questions")),
        },
    )


def run(library: Library, form: QueryForm, most: int) -> tuple[Rows, str]:
    """Run a query within its limits; return its rows, and what is left out of them.

    Raises SqlError, TimedOut, OutOfMemory and Crashed.
    """
    assert form.question
    process = QueryProcess(
        str(library.store.path),
        form.codes,
        query=form.text,
        timeout=SECONDS,
        memory=MEMORY,
    )
    RUNNING.get([]).append(process)
    values = {name: parameter(value) for name, value in form.values.items()}
    with closing(process):
        answer = process.batches(form.question, values)
        return _first_rows(answer.schema, answer.batches, most)


def parameter(text: str) -> int | float | str:
    """Return a field's value: a number if it looks like one."""
    if re.fullmatch(r"[+-]?\d{1,18}", text):
        return int(text)
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text):
        return float(text)
    return text


def _first_rows(
    schema: pa.Schema, batches: Iterator[pa.RecordBatch], most: int
) -> tuple[Rows, str]:
    """Keep the first rows and bytes of an answer, and say what was left out."""
    rows, n_bytes, cut = list[tuple[Any, ...]](), 0, ""
    for batch in batches:
        room = int(batch.num_rows * (BYTES - n_bytes) / max(batch.nbytes, 1))
        piece = batch.slice(0, min(most - len(rows), room))
        rows += zip(*(column.to_pylist() for column in piece.columns), strict=True)
        n_bytes += piece.nbytes
        if piece.num_rows < batch.num_rows:
            reason = f"more than {BYTES // 2**20} MiB" if room < most else "more rows"
            cut = f"the first {len(rows):,} rows: the answer has {reason}"
            break
    return Rows(schema.names, rows), cut


def sql_figure(library: Library, query: Any) -> str:
    """Draw the answer of a query as SVG. Raises SqlError for a column it does not have.

    A page shows it as an image, so it runs the query again.
    """
    form = read_form(library, query)
    if not (form.question and form.is_run):
        msg = "this address does not run its query"
        raise AddressError(msg)
    rows, _ = run(library, form, ROWS_DRAWN)
    mark = query.get("mark", "point")
    if mark not in MARKS:
        msg = f"no mark {mark[:40]!r}: there are {', '.join(MARKS)}"
        raise SqlError(msg)
    channels = {name: query.get(name, "") for name in ("x", "y", "color")}
    for name, column in channels.items():
        if column and column not in rows.names:
            msg = f"{name}: the answer has no column {column[:40]!r}"
            raise SqlError(msg)
    encoding = {
        channel: {"field": _field(column), "type": _kind(rows, column), "title": column}
        for channel, column in channels.items()
        if column
    }
    return draw_chart_svg({"mark": mark, "encoding": encoding}, rows)


def _field(column: str) -> str:
    """Return a column as a field of Vega-Lite, in which dots and brackets are paths."""
    return re.sub(r"([.\[\]\\'\"])", r"\\\1", column)


def _kind(rows: Rows, column: str) -> str:
    values = [row[rows.names.index(column)] for row in rows.values]
    present = [value for value in values if value is not None]
    is_number = all(isinstance(v, int | float) for v in present)
    return "quantitative" if present and is_number else "nominal"
