"""Every .sql file keeps the conventions in sql/README.md."""

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bisae.assets import asset_dir
from bisae.cli import main
from bisae.errors import SqlError
from bisae.query import (
    Connection,
    InProcess,
    build_order,
    closure,
    connect,
    create_views,
    database,
    questions,
    read_check_views,
    read_often,
    read_view,
    read_views,
    rows_of,
)
from bisae.query.views import tables_of
from bisae.store import Store, registry
from bisae.study import Study

FILES = sorted(
    file for name in ("sql", "validations") for file in asset_dir(name).glob("*/*.sql")
)
by_stem = pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
LONGEST = 75
# Tables that the tiny store has not: views that hang on them have tests of their own.
ABSENT = {
    "feature_matches",
    "matched_features",
    "interventions",
    "intervention_contrasts",
    "intervention_intervals",
    "intervention_losses",
    "replicates",
    "translation_scores",
    "translations",
}
VIEWS = read_views("text", "grid", "lineage", "paper", "questions") | read_check_views()
ANSWERED = sorted(
    name
    for name, view in VIEWS.items()
    if view.folder != "text"
    if not any(one.reads & ABSENT for one in closure(VIEWS, name))
)


@by_stem
def test_header_says_title_grain_and_reads(path: Path) -> None:
    """A check says what holds, where others have a title; see test_check_files.py."""
    header = read_view(path).header
    assert ("Title" in header) != ("Check" in header)
    assert header.keys() >= {"Grain", "Reads"}


@by_stem
def test_header_names_what_is_read(path: Path) -> None:
    view = read_view(path)
    labelled = set(re.findall(r"\w+", view.header["Reads"])) - {"nothing"}
    assert labelled == view.reads


@by_stem
def test_is_one_bare_select(path: Path) -> None:
    (statement,) = duckdb.extract_statements(path.read_text())
    assert statement.type == duckdb.StatementType.SELECT


@by_stem
def test_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST


@by_stem
def test_names_no_path_and_no_variable(path: Path) -> None:
    assert not re.search(
        r"read_parquet|read_csv|getvariable|\.parquet", path.read_text()
    )


def test_every_table_has_a_title() -> None:
    views = read_views()
    for name, table in registry().items():
        header = views[name].title if name in views else ""
        assert bool(table.title) != bool(header), name
        assert bool(table.title) == bool(table.grain), name


def test_tables_come_after_those_that_they_need() -> None:
    names = list(registry())
    for name, table in registry().items():
        assert {*table.needs} <= {*names[: names.index(name)]}, name
        assert table.level in {"study", "cell", "stream"}
        assert table.command in main.commands
        assert table.section in {"", *Study.model_fields}


def test_order_puts_views_after_what_they_read() -> None:
    order = build_order(read_views())
    assert order.index("trend_sums") < order.index("trend_counts")
    assert order.index("trend_intervals") < order.index("trends")


def test_order_is_the_same_in_every_process() -> None:
    """Else a second run would export every table again."""
    code = "from bisae.query import *; print(build_order(read_views('cell', 'text')))"
    orders = {
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(orders) == 1


def test_closure_is_a_view_and_all_it_hangs_on() -> None:
    names = [view.name for view in closure(read_views("cell"), "maxima")]
    assert names == ["document_eighths", "eighth_maxima", "maxima"]
    names = [v.name for v in closure(read_views("text", "cell"), "document_counts")]
    assert names[-1] == "document_counts"
    assert {"document_rules", "first_documents"} <= set(names)
    assert "features" not in names


def test_a_view_that_cannot_be_parsed_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.sql").write_text("-- Title: x\nselect from where")
    with pytest.raises(SqlError, match=r"broken\.sql"):
        read_view(tmp_path / "broken.sql")


def test_a_view_that_does_not_bind_is_named(tmp_path: Path) -> None:
    (tmp_path / "lost.sql").write_text("select nothing_like_it from settings")
    con = database()
    con.execute("create table settings as select 1 as one")
    views = {"lost": read_view(tmp_path / "lost.sql")}
    with pytest.raises(SqlError, match=r"lost\.sql: .*nothing_like_it"):
        create_views(con, views, {"settings"})


def test_a_view_without_its_table_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "later.sql").write_text("select 1 as one from interventions")
    views = {"later": read_view(tmp_path / "later.sql")}
    assert create_views(database(), views, {"settings"}) == {"settings"}


def test_every_view_answers(con: Connection) -> None:
    """Those that are not asked for all their rows below."""
    answered = {name for (name,) in _there(con)} & {*read_views(), *read_check_views()}
    assert answered >= set(ANSWERED)
    for name in answered - (set(ANSWERED) - read_check_views().keys()):
        assert con.execute(f"select count(*) from {name}").fetchone(), name


def test_same_store_same_rows(tiny: Store) -> None:
    answers = []
    for threads in (1, 2):
        con = connect(tiny)
        con.execute(f"set threads = {threads}")
        answers.append(con.execute("from trends order by all").fetchall())
    assert answers[0] == answers[1]


@pytest.mark.parametrize("name", ANSWERED)
def test_for_one_query_only_what_it_needs_is_there(
    tiny: Store, con: Connection, name: str
) -> None:
    """Views of checks have no rows here, and are only bound."""
    query = f"select * from {name} order by all"
    answer = _columns if name in read_check_views() else rows_of
    with closing(connect(tiny, query=query)) as few:
        assert answer(few, query) == answer(con, query)
        assert len(_there(few)) < len(_there(con))


def test_what_a_query_reads_often_is_computed_once(tiny: Store) -> None:
    """If it is small: none of these has a row for each feature or token."""
    computed = "select table_name from duckdb_tables() where temporary order by all"
    for query, names in {
        "from findings": {"cells", "contrast_tests", "contrasts", "grid_cells"},
        "from trends a join trends b using (size, step, layer)": {"trend_counts"},
        "from features a join features b using (feature)": set(),
        "from cells": set(),
        "show tables": set(),
    }.items():
        with closing(connect(tiny, query=query)) as few:
            assert {name for (name,) in few.execute(computed).fetchall()} >= names
            assert names or not few.execute(computed).fetchall()
    views = {view.name: view for view in closure(VIEWS, "findings")}
    assert "features" in {name for view in views.values() for name in view.reads}
    often = read_often("from findings")
    assert "features" not in often
    order = [name for name in build_order(views) if name in often]
    assert [name for name in often if name in views] == order


def test_so_is_what_a_query_of_a_shell_reads_often(tiny: Store) -> None:
    computed = "select table_name from duckdb_tables() where temporary"
    with closing(InProcess(connect(tiny, fenced=True))) as runner:

        def answer(text: str) -> list[tuple[Any, ...]]:
            (question,) = questions(text)
            return list(runner.answer(question, {}).values)

        assert answer(computed) == []
        rows = answer("from findings order by all")
        assert ("contrast_tests",) in answer(computed)
        assert answer("from findings order by all") == rows
        with closing(connect(tiny)) as con:
            assert rows_of(con, "from findings order by all").values == rows


@pytest.mark.parametrize("query", ["show tables", "from nowhere", "from pg_settings"])
def test_for_what_cannot_be_told_all_is_there(
    tiny: Store, con: Connection, query: str
) -> None:
    with closing(connect(tiny, query=query)) as second:
        assert _there(con) == _there(second)


def _columns(con: Connection, query: str) -> list[tuple[str, ...]]:
    """The names and types of the columns of a query."""
    actual: list[tuple[str, ...]] = con.execute(f"describe {query}").fetchall()
    return actual


def _there(con: Connection) -> list[tuple[str]]:
    names = "select view_name from duckdb_views() where not internal order by all"
    actual: list[tuple[str]] = con.execute(names).fetchall()
    return actual


def test_threads_read_queries_at_once() -> None:
    """Each its own: a connection that they shared would mix their answers."""
    names = [f"table_{number}" for number in range(400)]
    queries = [f"with x as (from {name}) select * from x" for name in names]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tables_of, queries)) == [{name} for name in names]
