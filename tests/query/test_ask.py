"""`bisae sql`: what is asked, how it is answered, and what is said beside it."""

import json
import os
import re
import signal
import threading
import time
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.errors import SqlError, Stopped, TimedOut
from bisae.query import Watch, connect, questions
from bisae.store import Store
from support.terminal import ENDLESS


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


def test_sql_answers_as_a_table(tiny: Store) -> None:
    result = run("sql", tiny.path, "select count(*) as n from cells")
    assert result.stdout == f" n\n--\n{len(tiny.study.cells):2}\n"
    assert result.stderr == ""


def test_sql_answers_in_every_format(tiny: Store, tmp_path: Path) -> None:
    ask = ("sql", tiny.path, "select 'a' as x, 0.1234567 as y")
    assert run(*ask, "--format", "csv").stdout == "x,y\na,0.1234567\n"
    assert json.loads(run(*ask, "--format", "json").stdout) == [
        {"x": "a", "y": 0.1234567}
    ]
    assert "| a   | 0.1235 |" in run(*ask, "--format", "markdown").stdout
    file = tmp_path / "rows.parquet"
    assert run(*ask, "--format", "parquet", "--output", file).exit_code == 0
    again = run("sql", tiny.path, "--unsafe", f"from '{file}'", "--format", "csv")
    assert again.stdout == "x,y\na,0.1234567\n"


def test_sql_reads_a_file_or_standard_input(tiny: Store, tmp_path: Path) -> None:
    (tmp_path / "q.sql").write_text("select 1 as one;")
    request = run("sql", tiny.path, "-f", tmp_path / "q.sql", "--format", "csv")
    piped = CliRunner().invoke(
        main, ["sql", str(tiny.path), "--format", "csv"], input="select 1 as one"
    )
    assert request.stdout == piped.stdout == "one\n1\n"


def test_sql_writes_where_it_is_told(tiny: Store, tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    message = run(
        "sql", tiny.path, "select 1 as one", "--format", "csv", "--output", file
    )
    assert message.stdout == ""
    assert file.read_text() == "one\n1\n"


def test_sql_adds_the_codes_of_a_cell(tiny: Store) -> None:
    cell = tiny.study.cells[0]
    where = f"size = '{cell.size}' and step = {cell.step} and layer = {cell.layer}"
    result = f"(select sum(n_active) from features where {where})"
    ask = f"select count(*) = {result} as same from codes"
    answer = run("sql", tiny.path, ask, "--codes", cell, "--format", "csv")
    assert answer.stdout == "same\nTrue\n"


def test_parameters_are_numbers_or_text(tiny: Store) -> None:
    query = "select typeof($a) as a, typeof($b) as b, typeof($c) as c, $c as d"
    arguments = ("--param", "a=7", "--param", "b=-1.5e3", "--param", "c=3.7B")
    result = run("sql", tiny.path, query, *arguments, "--format", "csv")
    assert result.stdout == "a,b,c,d\nINTEGER,DOUBLE,VARCHAR,3.7B\n"


def test_parameters_reach_every_format(tiny: Store, tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    ask = ("sql", tiny.path, "select count(*) as n from cells where size = $size")
    arguments = ("--param", "size=S", "--format", "parquet", "--output", file)
    assert run(*ask, *arguments).exit_code == 0
    assert pq.read_table(file).to_pydict() == {"n": [6]}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--param", "siz=S"), "--param siz: the query has no $siz; nearest: $size"),
        ((), "the query's $size has no value: give --param size=VALUE"),
        (("--param", "size"), "--param size: give NAME=VALUE"),
    ],
)
def test_a_parameter_that_is_not_right(
    tiny: Store, given: tuple[str, ...], said: str
) -> None:
    result = run("sql", tiny.path, "from cells where size = $size", *given)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {said}\n"


def test_each_of_several_queries_is_answered(tiny: Store) -> None:
    query = "create temp table t as select 1 as a;\nfrom t; -- one\nselect 2 as b;"
    result = run("sql", tiny.path, query)
    assert result.stdout == "a\n-\n1\nb\n-\n2\n"
    result = run("sql", tiny.path, query, "--format", "csv")
    assert result.exit_code == 2
    assert "2 queries have 2 answers: run one at a time" in result.stderr


def test_a_pivot_and_a_plan_are_answered(tiny: Store) -> None:
    pivot = "pivot cells on size using count(*) group by layer order by layer"
    result = run("sql", tiny.path, pivot, "--format", "csv")
    assert result.stdout == "layer,M,S\n0,3,0\n1,3,3\n2,0,3\n3,3,0\n"
    assert len(run("sql", tiny.path, "explain from cells").stdout.splitlines()) > 3


def test_no_rows_are_said(tiny: Store) -> None:
    result = run("sql", tiny.path, "select 1 as a, 2 as b where false")
    assert result.stdout == "a  b\n-  -\n"
    assert result.stderr == "no rows\n"


def test_long_answers_pass_through(tiny: Store) -> None:
    """Piped, an answer is whole; it is fetched in several parts."""
    query = "select range as a, 'x' as b from range(30001)"
    expected = [f"{i},x" for i in range(30001)]
    result = run("sql", tiny.path, query, "--format", "csv")
    assert result.stdout.splitlines() == ["a,b", *expected]
    table = run("sql", tiny.path, query).stdout.splitlines()
    assert [",".join(line.split()) for line in table[2:]] == expected
    actual = json.loads(run("sql", tiny.path, query, "--format", "json").stdout)
    assert actual == [{"a": i, "b": "x"} for i in range(30001)]


def test_what_fails_midway_leaves_the_old_output(tiny: Store, tmp_path: Path) -> None:
    query = "select if(range = 200000, error('too far'), range) as a from range(300000)"
    for style in ("csv", "parquet"):
        file = tmp_path / style
        file.write_text("old")
        message = run("sql", tiny.path, query, "--format", style, "--output", file)
        assert message.exit_code == 2
        assert message.stderr.startswith("Error: Invalid Input Error: ")
        assert message.stderr.count("\n") == 1
        assert file.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["csv", "parquet"]


def test_an_output_that_cannot_be_written(tiny: Store, tmp_path: Path) -> None:
    message = run(
        "sql", tiny.path, "select 1", "--output", tmp_path / "no" / "rows.csv"
    )
    assert message.exit_code == 2
    assert message.stderr.startswith(
        f"Error: cannot write {tmp_path}/no/rows.csv: No such"
    )
    assert message.stderr.count("\n") == 1


def test_a_query_may_take_so_long(tiny: Store) -> None:
    result = run("sql", tiny.path, ENDLESS, "--timeout", 0.3)
    assert result.exit_code == TimedOut.exit_code == 1
    said = "Error: the query was ended after 0.3 s: raise the time limit (--timeout), "
    assert result.stdout == ""
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1


def test_the_time_limit_is_for_reading_rows_too(tiny: Store) -> None:
    query = "select range from range(1000000000)"
    result = run("sql", tiny.path, query, "--timeout", 1.5, "--format", "csv")
    assert result.exit_code == 1
    assert result.stdout.startswith("range\n0\n1\n")
    assert "ended after 1.5 s: raise the time limit (--timeout)" in result.stderr


def test_the_time_limit_is_for_parquet_too(tiny: Store, tmp_path: Path) -> None:
    query = "select range, hash(range) as h from range(100000000000)"
    arguments = ("--format", "parquet", "--output", tmp_path / "rows.parquet")
    result = run("sql", tiny.path, query, "--timeout", 0.5, *arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the query was ended after 0.5 s: raise ")
    assert not list(tmp_path.iterdir())


def test_a_long_query_says_how_long_it_took(
    tiny: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bisae.cli.output.LONG", 60.0)
    assert run("sql", tiny.path, "select 1").stderr == ""
    monkeypatch.setattr("bisae.cli.output.LONG", 0.0)
    result = run("sql", tiny.path, "select 1")
    assert re.fullmatch(r"\d[\d.e-]* s\n", result.stderr)


def test_an_interrupt_ends_with_its_status(tiny: Store) -> None:
    """The signal comes once the query's own handler is there to catch it."""
    before = signal.getsignal(signal.SIGINT)

    def interrupt() -> None:
        while signal.getsignal(signal.SIGINT) is before:
            time.sleep(0.001)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    result = run("sql", tiny.path, ENDLESS)
    assert result.exit_code == Stopped.exit_code == 130
    assert result.stderr in {
        "Error: the query was stopped\n",
        "Error: `bisae sql` was stopped by SIGINT; nothing was changed\n",
    }
    assert signal.getsignal(signal.SIGINT) == before


def test_after_a_stopped_query_the_connection_answers(tiny: Store) -> None:
    with closing(connect(tiny)) as con:
        threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
        with pytest.raises(Stopped):
            Watch(con).run(lambda: con.execute(ENDLESS).fetchall())
        assert con.execute("select 42").fetchall() == [(42,)]


def test_lines_of_later_statements_are_those_of_the_text(tiny: Store) -> None:
    query = "\n-- which?\nselect 1;\n\n-- this\nselect\n langage from features"
    result = run("sql", tiny.path, query)
    assert result.exit_code == 2
    assert 'nearest: "language"' in result.stderr
    assert "(line 7: langage from features)" in result.stderr


@pytest.mark.parametrize("text", ["", "  \n", "-- nothing\n", ";"])
def test_an_empty_query(tiny: Store, text: str) -> None:
    with pytest.raises(SqlError, match="there is no query in it"):
        questions(text)
    message = CliRunner().invoke(main, ["sql", str(tiny.path)], input=text)
    assert message.exit_code == 2
    assert message.stderr == "Error: there is no query in it\n"
