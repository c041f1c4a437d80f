"""A query that is wrong, or a store that is: one clear line and its status."""

import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.errors import BisaeError, SqlError
from bisae.query import connect, create_views, read_view, rows_of
from bisae.store import open_store
from bisae.study import Study


def ask(store: Path, *query: str) -> tuple[int, str]:
    message = CliRunner().invoke(main, ["sql", str(store), *query])
    assert message.stdout == ""
    return message.exit_code, message.stderr


def test_sql_over_an_unfinished_cell(copied_study: Study) -> None:
    codes = Path(copied_study.store) / "bisae.zarr/cells/S/40/1/codes/zarr.json"
    attributes = json.loads(codes.read_text())
    del attributes["attributes"]["complete"]
    codes.write_text(json.dumps(attributes))
    status, line = ask(Path(copied_study.store), "from codes", "--codes", "S/40/1")
    assert status == 1
    assert "codes of cell S/40/1 is not finished" in line


def test_sql_over_a_missing_cell(copied_study: Study) -> None:
    status, line = ask(Path(copied_study.store), "from codes", "--codes", "S/41/1")
    assert status == 2
    assert "no cell S/41/1" in line
    status, line = ask(Path(copied_study.store), "from codes", "--codes", "S/x/1")
    assert status == 2
    assert "step 'x' is not a number" in line


def test_sql_says_how_many_cells_are_missing(copied_study: Study) -> None:
    shutil.rmtree(Path(copied_study.store) / "tables/features/size=S/step=40")
    result = CliRunner().invoke(main, ["sql", copied_study.store, "select 1 as one"])
    assert result.exit_code == 0
    assert result.stderr == "2 cells are not finished: rows are missing\n"


def test_sql_before_anything_is_finished(copied_study: Study) -> None:
    shutil.rmtree(Path(copied_study.store) / "tables")
    status, line = ask(Path(copied_study.store), "from features")
    assert status == 1
    assert "no cell is finished yet" in line


def test_a_sql_error_names_its_line(copied_study: Study) -> None:
    status, line = ask(Path(copied_study.store), "select\n  langage\nfrom features")
    assert status == 2
    assert "(line 2: langage)" in line
    assert '"language"' in line
    status, line = ask(Path(copied_study.store), "select * from featurs")
    assert status == 2
    assert '"features"' in line


def test_no_store(tmp_path: Path) -> None:
    status, line = ask(tmp_path / "nowhere", "select 1")
    assert status == 1
    assert "no store at" in line


def test_sql_over_damaged_codes(copied_study: Study) -> None:
    chunk = Path(copied_study.store) / "bisae.zarr/cells/S/40/1/codes/value/c/0/0"
    whole = bytearray(chunk.read_bytes())
    whole[50] ^= 1
    chunk.write_bytes(bytes(whole))
    query = "select count(*) from codes"
    status, line = ask(Path(copied_study.store), query, "--codes", "S/40/1")
    assert status == 2
    assert "cells/S/40/1/codes/value, chunk c/0/0 (rows 0 to " in line
    assert "`bisae rm` and build again" in line


def firings(copied_study: Study) -> Path:
    return (
        Path(copied_study.store) / "tables/firings/size=S/step=40/layer=1/rows.parquet"
    )


def scrambled(whole: bytes) -> bytes:
    half = len(whole) // 2
    return whole[:4] + bytes(half) + whole[4 + half :]


@pytest.mark.parametrize(
    ("spoil", "where"),
    [
        (lambda whole: whole[:-20], "{}"),
        (lambda whole: b"", "{}"),
        (lambda whole: b"x", "{}"),
        (scrambled, "a table's file"),  # all that DuckDB's reader says of it
    ],
)
def test_sql_over_a_damaged_table(
    copied_study: Study, spoil: Callable[[bytes], bytes], where: str
) -> None:
    file = firings(copied_study)
    file.write_bytes(spoil(file.read_bytes()))
    query = "select feature, max(value), sum(token_row) from firings group by 1"
    status, line = ask(Path(copied_study.store), query)
    assert status == 1
    assert line.startswith(f"Error: {where.format(file)} cannot be read: ")
    assert "; `bisae verify` lists what is damaged; remove it, and `bisae ex" in line
    assert line.count("\n") == 1


def test_sql_over_a_table_that_is_gone(copied_study: Study) -> None:
    """After it was listed: another process removes a cell while a query runs."""
    with closing(connect(open_store(copied_study.store), fenced=True)) as con:
        firings(copied_study).unlink()
        with pytest.raises(BisaeError, match=r"layer=1/rows\.parquet") as raised:
            rows_of(con, "select sum(value) from firings")
    assert "\n" not in str(raised.value)


def test_a_view_that_fails_names_its_file_and_line(
    copied_study: Study, tmp_path: Path
) -> None:
    file = tmp_path / "lost.sql"
    file.write_text("-- Title: x\n-- Grain: y\nselect\n    langage\nfrom features\n")
    views = {"lost": read_view(file)}
    with (
        closing(connect(open_store(copied_study.store))) as con,
        pytest.raises(SqlError) as raised,
    ):
        create_views(con, views, {"features"})
    assert str(raised.value).startswith(f"{file}: Binder Error: ")
    assert str(raised.value).endswith("(line 4: langage)")


def test_a_syntax_error_names_its_line(copied_study: Study, tmp_path: Path) -> None:
    file = tmp_path / "query.sql"
    file.write_text("-- Which?\nselect language\nfrm features as f\ngroup by 1\n")
    status, line = ask(Path(copied_study.store), "-f", str(file))
    assert status == 2
    assert 'syntax error at or near "' in line
    assert "(line 3: frm features as f)" in line


@pytest.mark.parametrize("name", ["nowhere.sql", "."])
def test_a_query_file_that_cannot_be_read(
    copied_study: Study, tmp_path: Path, name: str
) -> None:
    status, line = ask(Path(copied_study.store), "-f", str(tmp_path / name))
    assert status == 2
    assert line.startswith(f"Error: cannot read the query in {tmp_path / name}: ")
    assert line.count("\n") == 1


def test_ways_of_asking_that_exclude_each_other(
    copied_study: Study, tmp_path: Path
) -> None:
    for more, said in {
        ("select 1", "-f", "x.sql"): "give a query or --file, not both",
        ("select 1", "--format", "parquet"): "--format parquet needs --output FILE",
    }.items():
        assert ask(Path(copied_study.store), *more) == (2, f"Error: {said}\n")
