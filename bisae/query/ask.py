"""Answers from a database: rows, Parquet, and what there is to ask about."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq

from bisae.assets import asset_dir
from bisae.errors import SqlError
from bisae.formats import Rows
from bisae.query.database import Connection, explain
from bisae.query.views import read_views

if TYPE_CHECKING:
    import pandas as pd


def rows_of(con: Connection, query: str) -> Rows:
    """Run a query. Raises SqlError: one line, with the query's line it is about."""
    try:
        result = con.execute(query)
        names = [column[0] for column in result.description or ()]
        return Rows(names, result.fetchall() if names else [])
    except duckdb.Error as error:
        raise SqlError(explain(error)) from error


def frame_of(con: Connection, query: str) -> "pd.DataFrame":
    """Run a query; its rows as a pandas frame. Raises SqlError as `rows_of`."""
    try:
        return con.execute(query).df()
    except duckdb.Error as error:
        raise SqlError(explain(error)) from error


def write_parquet(con: Connection, query: str, file: Path) -> None:
    """Write a result as Parquet, through Arrow: a fence lets DuckDB write nothing."""
    try:
        reader = con.sql(query.rstrip().rstrip(";")).to_arrow_reader()
        with pq.ParquetWriter(file, reader.schema) as writer:
            for batch in reader:
                writer.write_batch(batch)
    except duckdb.Error as error:
        raise SqlError(explain(error)) from error


def describe(con: Connection) -> Rows:
    """Every table and view: name, title, grain, columns."""
    headers = {name: (view.title, view.grain) for name, view in read_views().items()}
    told = tomllib.loads((asset_dir("sql") / "tables.toml").read_text("utf-8"))
    headers |= {name: (one["title"], one["grain"]) for name, one in told.items()}
    columns = con.execute(
        "select table_name, string_agg(column_name, ', ' order by ordinal_position) "
        "from information_schema.columns where table_schema = 'main' "
        "group by table_name order by table_name"
    ).fetchall()
    values = [(name, *headers[name], listed) for name, listed in columns]
    return Rows(["name", "title", "grain", "columns"], values)


def words(con: Connection) -> list[str]:
    """What the shell completes: names of tables and columns."""
    found = con.execute(
        "select table_name from information_schema.columns where table_schema = 'main' "
        "union select column_name from information_schema.columns order by 1"
    ).fetchall()
    return [word for (word,) in found]
