"""A catalog: any DuckDB client opens the study, and gets our rows."""

import csv
import io
import math
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.files import listing
from bisae.query import connect, describe, read_check_views, rows_of
from bisae.query.database import contents
from bisae.store import Store

CLIENT = Path(sys.executable).with_name("duckdb")
"""DuckDB's own command line, from the package duckdb-cli: version 1."""


def catalog(store: Store, *more: object) -> Result:
    return CliRunner().invoke(main, ["catalog", str(store.path), *map(str, more)])


def client(file: Path, query: str) -> list[list[str]]:
    """The rows that DuckDB's command line gives."""
    command = [
        str(CLIENT),
        "-readonly",
        "-csv",
        "-noheader",
        "-nullvalue",
        "",
        str(file),
    ]
    message = subprocess.run([*command, "-c", query], check=True, capture_output=True)
    return list(csv.reader(io.StringIO(message.stdout.decode(), newline="")))


def client_answers(
    file: Path, queries: Mapping[str, str]
) -> dict[str, list[list[str]]]:
    """The rows of several queries by their names, from one run of the client."""
    marked = [f"select 'answer of {name}'; {query};" for name, query in queries.items()]
    answers: dict[str, list[list[str]]] = {}
    for row in client(file, "".join(marked)):
        if len(row) == 1 and row[0].startswith("answer of "):
            rows = answers.setdefault(row[0].removeprefix("answer of "), [])
        else:
            rows.append(row)
    return answers


@pytest.fixture(scope="module")
def made(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("catalog") / "tiny.duckdb"
    message = catalog(tiny, "--output", file)
    assert (message.exit_code, message.stdout, message.stderr) == (0, f"{file}\n", "")
    assert [path.name for path in file.parent.iterdir()] == ["tiny.duckdb"]
    return file


def test_the_client_is_of_an_older_version() -> None:
    message = subprocess.run([CLIENT, "--version"], capture_output=True, text=True)
    assert message.stdout.startswith("v1.")


def test_every_table_and_view_is_in_it(tiny: Store, made: Path) -> None:
    with closing(connect(tiny)) as con:
        expected = [
            [name, f"{title}; one row per {grain}"]
            for name, title, grain, _ in describe(con).values
        ]
    query = "select view_name, comment from duckdb_views() where not internal"
    assert sorted(client(made, query)) == expected


@pytest.mark.parametrize(
    "kind", ["tables and views", pytest.param("checks", marks=pytest.mark.slow)]
)
def test_every_view_answers_the_client_as_it_does_us(
    tiny: Store, made: Path, kind: str
) -> None:
    """Those of checks, which have no rows here, take as long as all others."""
    checks = read_check_views()
    with closing(connect(tiny)) as con:
        queries = {
            name: f"select columns(*)::varchar from {name} order by all"
            for name, *_ in describe(con).values
            if (name in checks) == (kind == "checks")
        }
        for name, theirs in client_answers(made, queries).items():
            ours = rows_of(con, queries.pop(name)).values
            assert len(ours) == len(theirs), name
            for item, second in zip(ours, theirs, strict=True):
                assert all(map(is_same, item, second)), (name, item, second)
        assert not queries


def is_same(ours: str | None, theirs: str) -> bool:
    """Versions of DuckDB differ in the last bit of a decimal's double."""
    if ours == theirs or (ours is None and not theirs):
        return True
    return math.isclose(float(ours or "nan"), float(theirs), rel_tol=1e-12)


def test_attached_under_another_name_it_answers(tiny: Store, made: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"attach '{made}' as mine (read_only)")
        theirs = con.execute("from mine.trends order by all").fetchall()
    with closing(connect(tiny)) as con:
        assert theirs == con.execute("from trends order by all").fetchall()


def test_it_reads_the_files_of_one_cell_for_one_cell(made: Path) -> None:
    plan = client(
        made,
        "explain analyze select max(value) from firings "
        "where size = 'S' and step = 40 and layer = 2",
    )
    assert "Scanning Files: 1/15" in str(plan)


def test_it_is_named_like_the_store_and_made_again(
    tiny: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path(f"{tiny.path.name}.duckdb")
    for _ in range(2):
        assert catalog(tiny).stdout == f"{file}\n"
        assert client(file, "select count(*) from cells") == [["15"]]
    assert list(Path().iterdir()) == [file]


@pytest.mark.parametrize(
    "change", ["create table mine as select 1", "create view mine as select 1"]
)
def test_what_a_user_added_is_not_lost(
    tiny: Store, made: Path, tmp_path: Path, change: str
) -> None:
    file = tmp_path / "tiny.duckdb"
    shutil.copy(made, file)
    subprocess.run([CLIENT, file, "-c", change], check=True)
    before = file.read_bytes()
    message = catalog(tiny, "--output", file)
    said = f"{file} has relations that bisae did not create: mine; move it away, "
    assert message.stderr == f"Error: {said}or give another --output\n"
    assert (message.exit_code, file.read_bytes()) == (2, before)


def test_what_is_no_catalog_is_left_alone(tiny: Store, tmp_path: Path) -> None:
    text, second = tmp_path / "notes.txt", tmp_path / "other.duckdb"
    text.write_text("mine")
    with duckdb.connect(second) as con:
        con.execute("create table mine as select 1 as a")
    for file in (text, second):
        before = file.read_bytes()
        message = catalog(tiny, "--output", file)
        assert message.exit_code == 2
        assert message.stderr.startswith(f"Error: {file} exists and is not a catalog")
        assert message.stderr.count("\n") == 1
        assert file.read_bytes() == before


def test_a_place_that_cannot_be_written(tiny: Store, tmp_path: Path) -> None:
    message = catalog(tiny, "--output", tmp_path / "no" / "x.duckdb")
    assert message.exit_code == 2
    assert message.stderr.startswith(
        f"Error: cannot write {tmp_path}/no/x.duckdb: No such"
    )


def test_codes_are_in_no_catalog(tiny: Store) -> None:
    """They are no file that a client could read."""
    places, views = contents(tiny, listing(tiny.tables))
    assert "codes" not in places
    assert not any(view.reads == {"codes"} for view in views.values())
