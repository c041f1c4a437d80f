"""Rows as dictionaries: what is answered, what is planted, how both compare."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest

from bisae.query import (
    Connection,
    closure,
    connect,
    create_views,
    database,
    read_views,
)
from bisae.store import Store

Row = dict[str, Any]

NO_CONTROL: Row = {"control": None, "control_of": None}


def near(value: object) -> object:
    """Equal to nine digits, where it is a number."""
    is_number = isinstance(value, float)
    return pytest.approx(value, rel=1e-9, abs=1e-12) if is_number else value


def rows_of(con: Connection, sql: str, values: Sequence[object] = ()) -> list[Row]:
    """A query's rows, in its order."""
    actual = con.execute(sql, list(values))
    names = [column[0] for column in actual.description]
    return [dict(zip(names, row, strict=True)) for row in actual.fetchall()]


def stored(store: Store, sql: str) -> list[Row]:
    """The rows of a query of a store, with only the views that it reads."""
    with closing(connect(store, query=sql)) as con:
        return rows_of(con, sql)


def by_key(rows: Sequence[Row], key: Sequence[str]) -> dict[tuple[Any, ...], Row]:
    """Rows by their key, which is no other row's."""
    actual = {tuple(row[name] for name in key): row for row in rows}
    assert len(actual) == len(rows), f"{key} is not unique"
    return actual


def assert_same(real: Sequence[Row], wanted: Sequence[Row], *key: str) -> None:
    """Same rows; every column that is wanted is there, and the same."""
    actual, expected = by_key(real, key), by_key(wanted, key)
    assert expected, "nothing is compared"
    assert actual.keys() == expected.keys()
    missing = next(iter(expected.values())).keys() - next(iter(actual.values())).keys()
    assert not missing, f"there is no column {sorted(missing)}"
    wrong = [
        f"{at} {name}: {actual[at][name]!r}, not {value!r}"
        for at, row in expected.items()
        for name, value in row.items()
        if actual[at][name] != near(value)
    ]
    assert not wrong, "\n".join([f"{len(wrong)} values differ", *wrong[:10]])


def planted(tables: Mapping[str, Sequence[Row]], *names: str) -> Connection:
    """A database with these tables, and the views of these names.

    Cells are no controls unless they say so.
    """
    con, views = database(), read_views("grid", "paper", "questions")
    for name, rows in tables.items():
        default = NO_CONTROL if name == "cells" else {}
        con.register("planted", pa.Table.from_pylist([default | row for row in rows]))
        con.execute(f"create table {name} as from planted")
        con.unregister("planted")
    needed = {view.name: view for name in names for view in closure(views, name)}
    assert create_views(con, needed, tables) >= set(names)
    return con
