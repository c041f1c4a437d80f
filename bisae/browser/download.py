"""The rows of a block as JSON, CSV or Parquet, for programs and spreadsheets."""

import io
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bisae.browser.page import Block, Page
from bisae.errors import SqlError, one_line
from bisae.formats import Rows, json_safe, render

KINDS = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of texts that a spreadsheet would run."""


def download(page: Page, name: str, kind: str) -> bytes:
    """Return a block of a page. Raises AddressError for one that it does not have."""
    block = page.block(name)
    if kind == "json":
        return render(block.rows, "json").encode()
    if kind == "csv":
        return render(_without_formulas(block.rows), "csv").encode()
    return _parquet(block)


def _without_formulas(rows: Rows) -> Rows:
    """Put an apostrophe before texts that a spreadsheet would take for formulas."""
    values = [tuple(map(_without_formula, row)) for row in rows.values]
    return Rows([_without_formula(name) for name in rows.names], values)


def _without_formula(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return value


def _parquet(block: Block) -> bytes:
    names, rows = block.rows
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    stream = io.BytesIO()
    try:
        arrays = [pa.array([*column]) for column in columns]
    except (pa.ArrowException, TypeError, ValueError):  # of several types
        arrays = [
            pa.array([_as_text(v) for v in column])
            for column in zip(*rows, strict=True)
        ]
    try:
        pq.write_table(pa.Table.from_arrays(arrays, names=names), stream)
    except (pa.ArrowException, ValueError) as error:
        msg = f"Parquet cannot hold this answer: {one_line(error)}"
        raise SqlError(msg) from error
    return stream.getvalue()


def _as_text(value: Any) -> str | None:
    return None if value is None else str(json_safe(value))
