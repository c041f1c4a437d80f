"""Queries in a process of their own: they end in time, in bounds, and answer alike."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

import bisae
from bisae.cli import main
from bisae.errors import (
    BisaeError,
    Crashed,
    OutOfMemory,
    SqlError,
    Stopped,
    StoreError,
    TimedOut,
    Unfinished,
)
from bisae.query import Connection, InProcess, QueryProcess, Runner, questions
from bisae.query.frames import (
    Frame,
    Kind,
    describe_error,
    encode_rows,
    restore_error,
)
from bisae.query.limits import EXCEEDED, SLACK, parse_bytes
from bisae.store import Store
from support.terminal import ENDLESS, terminal

SECONDS = 1.0
MEMORY = 300 * 2**20
ANY = "select 1"
"""A query that reads nothing, so that a process has nothing to prepare."""


@pytest.fixture(scope="module")
def limited(tiny: Store) -> Iterator[QueryProcess]:
    """A process with small limits."""
    store = bisae.open(str(tiny.path))
    with store.query_process(query=ANY, timeout=SECONDS, memory="300MiB") as process:
        yield process


def rows(runner: Runner, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
    """The rows of a query that is the last of a text."""
    answers = [
        list(runner.answer(question, parameters).values)
        for question in questions(query)
    ]
    return answers[-1]


def children() -> set[int]:
    """The processes that this one has started and not reaped."""
    files = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {int(pid) for file in files for pid in file.read_text().split()}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def status_of(pid: int) -> dict[str, int]:
    """The memory of a process, in bytes; empty if it is gone."""
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {k: int(v) * 1024 for k, v in re.findall(r"(\w+):\s+(\d+) kB", text)}


class Peak(threading.Thread):
    """The highest memory of a process, until it ends or `stop`."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.n_bytes = 0
        self._pid = pid
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(0.005):
            self.n_bytes = max(self.n_bytes, status_of(self._pid).get("VmHWM", 0))

    def stop(self) -> int:
        self._stopped.set()
        self.join()
        return self.n_bytes


# -- limits ---------------------------------------------------------------------------

GREEDY = {
    "lpad": "select length(lpad('a', 2000000000, 'b'))",
    "printf": "select length(printf('%2000000000d', 1))",
    "format": "select length(format('{:2000000000d}', 1))",
    "translate": "select length(translate(repeat('a', 1000000000), 'a', '日'))",
    "translate, small": "select length(translate(repeat('a', 90000000), 'a', '日'))",
    "list_sort": "select length(list_sort(range(400000000)))",
    "damerau_levenshtein": "select damerau_levenshtein("
    "repeat('ab', 30000), repeat('cd', 30000))",
    "damerau_levenshtein, small": "select sum(damerau_levenshtein("
    "repeat('ab', 1500 + range::int), repeat('cd', 1500))) from range(100000)",
    "list": "select list(a.range) from range(10000) a, range(10000) b",
    "sort": "select * from (select range a, hash(range) b from range(50000000)) "
    "order by b",
    "endless": ENDLESS,
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("query", GREEDY.values(), ids=GREEDY)
def test_every_query_ends_within_its_limits(limited: QueryProcess, query: str) -> None:
    assert rows(limited, ANY) == [(1,)]
    assert limited.pid
    idle, peak = status_of(limited.pid)["VmHWM"], Peak(limited.pid)
    peak.start()
    start = time.monotonic()
    with pytest.raises((TimedOut, OutOfMemory)) as raised:
        rows(limited, query)
    assert time.monotonic() - start < SECONDS + 2
    assert peak.stop() < idle + MEMORY + SLACK
    said = str(raised.value)
    if raised.type is TimedOut:
        assert said.startswith("the query was ended after 1 s: raise the time limit")
    else:
        assert said.startswith("the query needed more than 300MiB: raise the memory li")
    assert "\n" not in said


def test_a_query_within_its_limits_is_answered(limited: QueryProcess) -> None:
    query = "select count(distinct range) from range(1000000)"
    assert rows(limited, query) == [(1_000_000,)]


def test_the_commands_limits(tiny: Store) -> None:
    ask = ["sql", str(tiny.path), "--memory", "300MiB", GREEDY["printf"]]
    result = CliRunner().invoke(main, ask)
    assert result.exit_code == OutOfMemory.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == (
        "Error: the query needed more than 300MiB: raise the memory limit (--memory), "
        "or read fewer rows or columns, aggregate in steps, or join smaller tables\n"
    )


def test_the_apis_limits(tiny: Store) -> None:
    store = bisae.open(str(tiny.path))
    query = "select size, count(*) as n from cells group by 1 order by 1"
    assert store.sql(query, timeout=60).equals(store.sql(query))
    with pytest.raises(TimedOut):
        store.sql(ENDLESS, timeout=0.3)
    with pytest.raises(OutOfMemory):
        store.sql("select * from range(100000000)", memory="300MiB")


@pytest.mark.parametrize(
    ("size", "n_bytes"),
    [("500MiB", 500 * 2**20), ("2GB", 2 * 10**9), ("1.5 KiB", 1536)],
)
def test_sizes(size: str, n_bytes: int) -> None:
    assert parse_bytes(size) == n_bytes


@pytest.mark.parametrize("size", ["", "2", "GiB", "0MiB", "-1GiB", "2gib", "2XB", "iB"])
def test_what_is_no_size(tiny: Store, size: str) -> None:
    result = CliRunner().invoke(main, ["sql", str(tiny.path), ANY, "--memory", size])
    assert result.exit_code == SqlError.exit_code
    assert result.stderr == (
        f"Error: memory {size!r} is not a size: give one such as 500MiB or 2GiB\n"
    )


@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan")])
def test_a_time_limit_is_above_zero(tiny: Store, seconds: float) -> None:
    with pytest.raises(SqlError, match="give one above 0"):
        QueryProcess(str(tiny.path), timeout=seconds)


def test_where_the_system_enforces_no_limit_a_process_ends_itself() -> None:
    """Through a shell, since a program starts with the peak of who started it."""
    code = "from bisae.query.limits import watch_peak; import time; watch_peak(2**25);"
    code += "kept = bytearray(b'x') * 2**27; time.sleep(60)"
    command = f'"{sys.executable}" -c "{code}"; exit $?'
    assert subprocess.run(["sh", "-c", command]).returncode == EXCEEDED


def test_its_process_starts_without_pandas() -> None:
    code = "import bisae.query.worker, sys; print('pandas' in sys.modules)"
    command = [sys.executable, "-c", code]
    assert subprocess.run(command, capture_output=True).stdout == b"False\n"


# -- depth ----------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [(), ("--timeout", "60")])
def test_subqueries_in_each_other(tiny: Store, limits: tuple[str, ...]) -> None:
    def ask(depth: int) -> tuple[int, str, str]:
        query = "select * from (" * depth + "select 42 as a" + ")" * depth
        words = ["sql", str(tiny.path), query, "--format", "csv", *limits]
        result = CliRunner().invoke(main, words)
        return result.exit_code, result.stdout, result.stderr

    assert ask(400)[:2] == (0, "a\n42\n")
    said = "Error: the query is nested too deeply: create temporary tables of its inner"
    assert ask(5_000) == (SqlError.exit_code, "", f"{said} queries first\n")


# -- equal answers --------------------------------------------------------------------


def columns_of_all_types() -> dict[str, str]:
    """A query for each of DuckDB's types, with their extremes and nulls."""
    columns = duckdb.execute("from test_all_types() limit 0").description or ()
    return {name: f'select "{name}" from test_all_types()' for name, *_ in columns}


OTHERS = {
    "null": "select null",
    "japanese": 'select \'日本語 \x01\' as "列 ""1"""',
    "nan": "select 'nan'::double a, '-inf'::float b, -0.0::double c",
    "nested": "select [{'a': [1.50::decimal(18, 3), null]}] a, map {1: ['é']} b",
    "enums": "select {'e': ['x'::enum('x', 'y''z')]} as a, (1, ('b', null)) as b",
    "hugeints": "select [1::hugeint, null] a, -170141183460469231731687303715884105728",
    "json": "select '{\"a\": 1}'::json a, ['1'::json] b",
    "duplicates": "select 1 as a, 2 as a, 3 as A",
    "no rows": "select 1 as a, [2] as b, 'x'::enum('x') as c where false",
    "long": "select range a, range % 7 = 0 b, repeat('x', (range % 50)::int) c "
    "from range(25000)",
    "view": "select 'a' as b, * from settings",
}
QUERIES = columns_of_all_types() | OTHERS


def shown(work: Any) -> str:
    """A result, or its error, as text that tells types and NaN apart."""
    try:
        return repr(work())
    except BisaeError as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture(scope="module")
def opened(tiny: Store) -> Iterator[tuple[Connection, QueryProcess]]:
    """One store opened here and in a process, without limits that matter."""
    store = bisae.open(str(tiny.path))
    query = OTHERS["view"]
    with (
        closing(store.connect(query=query)) as con,
        store.query_process(query=query) as process,
    ):
        yield con, process


@pytest.fixture
def both(
    opened: tuple[Connection, QueryProcess],
) -> Iterator[tuple[InProcess, QueryProcess]]:
    """Two ways to ask it; the connection is new, since a failed fetch spoils it."""
    con, process = opened
    with closing(InProcess(con.cursor())) as inside:
        yield inside, process


@pytest.mark.parametrize("name", QUERIES)
def test_rows_are_those_of_this_process(
    both: tuple[InProcess, QueryProcess], name: str
) -> None:
    (question,) = questions(QUERIES[name])

    def ask(runner: Runner) -> Any:
        names, values = runner.answer(question, {})
        return names, list(values)

    position, there = both
    assert shown(lambda: ask(there)) == shown(lambda: ask(position))


@pytest.mark.parametrize("name", QUERIES)
def test_batches_are_those_of_this_process(
    both: tuple[InProcess, QueryProcess], name: str
) -> None:
    (question,) = questions(QUERIES[name])

    def ask(runner: Runner) -> Any:
        schema, batches = runner.batches(question, {})
        table = pa.Table.from_batches(batches, schema).combine_chunks()
        return schema, table.num_rows, table.to_string(preview_cols=1000)

    position, there = both
    assert shown(lambda: ask(there)) == shown(lambda: ask(position))


@pytest.mark.parametrize("name", QUERIES)
def test_frames_are_those_of_this_process(
    both: tuple[InProcess, QueryProcess], tiny: Store, name: str
) -> None:
    (question,) = questions(QUERIES[name])
    store = bisae.open(str(tiny.path))
    try:
        position = store.sql(QUERIES[name])
    except SqlError as error:  # pandas has no such type, or no such value
        with pytest.raises(SqlError, match=re.escape(str(error))):
            both[1].frame(question, {})
    else:
        pd.testing.assert_frame_equal(both[1].frame(question, {}), position)


def test_parameters_and_what_was_created(both: tuple[InProcess, QueryProcess]) -> None:
    text = "create temp table t as select $a as a, $b as b; select *, $c as c from t"
    for runner in both:
        assert rows(runner, text, a=2**40, b="日本", c=0.5) == [(2**40, "日本", 0.5)]
        assert rows(runner, "select count(*) from t") == [(1,)]


def test_errors_are_those_of_this_process(
    both: tuple[InProcess, QueryProcess],
) -> None:
    for query in (
        "select\n langage from settings",
        "selec 1; select 1",
        "select 1;\nselect error('日本')",
        "from read_text('/etc/passwd')",
        "copy (select 1) to '/tmp/out.csv'",
        "set memory_limit = '9GB'",
        "from getenv('HOME')",
        "select $nothing",
    ):
        position, there = (shown(partial(rows, item, query)) for item in both)
        assert there == position
        assert there.startswith("SqlError: ")


def test_what_an_error_carries_arrives(copy: Store) -> None:
    file = Path(str(copy.tables)) / "settings" / "rows.parquet"
    file.write_bytes(b"x")
    with (
        bisae.open(str(copy.path)).query_process() as process,
        pytest.raises(BisaeError) as raised,
    ):
        rows(process, "from settings")
    assert str(file) in str(raised.value)
    error = Unfinished("not yet")
    error.add_note("at S/40/1")
    again = restore_error(describe_error(error))
    assert (type(again), str(again)) == (Unfinished, "not yet")
    assert again.__notes__ == ["at S/40/1"]


def test_codes_reach_a_process(tiny: Store) -> None:
    query = "select count(*), sum(value::double) from codes"
    store = bisae.open(str(tiny.path))
    with (
        store.query_process("S/40/1", query=query) as process,
        closing(InProcess(store.connect("S/40/1", query=query))) as inside,
    ):
        ((n, total),) = rows(process, query)
        assert rows(inside, query) == [(n, pytest.approx(total))]


def test_rows_travel_in_pieces_of_bounded_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bisae.query.frames.LARGEST", 1000)
    batch = pa.record_batch({"a": ["x" * (i % 100) for i in range(999)]})
    pieces = [Frame(Kind.ROWS, piece).rows for piece in encode_rows(batch)]
    assert max(piece.nbytes for piece in pieces) <= 1000
    assert pa.concat_tables(pieces).to_pydict() == batch.to_pydict()
    with pytest.raises(SqlError, match=r"a row of the answer has .* MiB, more than"):
        list(encode_rows(pa.record_batch({"a": ["x" * 2000]})))


# -- how it ends ----------------------------------------------------------------------


def wait_until_gone(pid: int) -> None:
    end = time.monotonic() + 60
    while status_of(pid):  # of a zombie nothing but its state is left
        assert time.monotonic() < end, f"process {pid} is still there"
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_hundred_queries_leave_nothing(tiny: Store) -> None:
    before = children(), descriptors()
    with QueryProcess(str(tiny.path), query=ANY, timeout=0.5) as process:
        assert rows(process, ANY) == [(1,)]
        during = children(), descriptors()
        for number in range(100):
            assert rows(process, "select $n", n=number) == [(number,)]
        with pytest.raises(SqlError):
            rows(process, "from nowhere")
        assert (children(), descriptors()) == during
        with pytest.raises(TimedOut):
            rows(process, ENDLESS)
        assert children() == before[0]
        next(process.answer(questions("from range(1000000)")[0], {}).values)
    assert (children(), descriptors()) == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_process_ends_with_its_parent(tiny: Store) -> None:
    code = f"""
import bisae, threading
from bisae.query import QueryProcess, questions
process = QueryProcess({str(tiny.path)!r}, query="select 1")
process.answer(questions("set variable a = 1")[0], {{}})
print(process.pid, flush=True)
process.answer(questions("create table t as {ENDLESS}")[0], {{}})
"""
    command = [sys.executable, "-c", code]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    with parent:
        pid = int(parent.stdout.readline())
        assert status_of(pid)
        parent.kill()
    wait_until_gone(pid)


def test_an_answer_that_nobody_reads_to_its_end(tiny: Store) -> None:
    (question,) = questions("from range(10000000)")
    with QueryProcess(str(tiny.path), query=ANY) as process:
        first = process.answer(question, {}).values
        assert next(first) == (0,)
        second = process.answer(question, {}).values
        assert next(second) == (0,)
        with pytest.raises(Stopped, match=r"^another query began before all rows"):
            list(first)
        assert next(second) == (1,)


def test_a_store_that_cannot_be_opened(tmp_path: Path) -> None:
    with QueryProcess(str(tmp_path)) as process:
        for _ in range(2):
            with pytest.raises(StoreError, match=r"^no store at "):
                rows(process, ANY)


def test_another_thread_stops_a_query(tiny: Store) -> None:
    with QueryProcess(str(tiny.path), query=ANY) as process:
        timer = threading.Timer(0.2, process.stop)
        assert rows(process, ANY) == [(1,)]
        timer.start()
        with pytest.raises(Stopped, match=r"^the query was stopped$"):
            rows(process, ENDLESS)
        process.stop()  # before it starts
        with pytest.raises(Stopped):
            rows(process, ENDLESS)
        assert rows(process, ANY) == [(1,)]


def test_queries_run_side_by_side(tiny: Store) -> None:
    answers: dict[int, list[tuple[Any, ...]]] = {}

    def ask(number: int) -> None:
        with QueryProcess(str(tiny.path), query=ANY) as process:
            answers[number] = rows(process, "select $n", n=number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {number: [(number,)] for number in range(3)}


def test_a_crash_is_one_line_and_the_next_query_is_answered(tiny: Store) -> None:
    with QueryProcess(str(tiny.path), query=ANY) as process:
        assert rows(process, ANY) == [(1,)]
        assert process.pid
        threading.Timer(0.2, os.kill, [process.pid, signal.SIGSEGV]).start()
        with pytest.raises(Crashed) as raised:
            rows(process, ENDLESS)
        assert str(raised.value) == (
            "the query's process died (SIGSEGV): if it needs much memory raise the "
            "memory limit (--memory), and let `bisae verify` look for damaged tables"
        )
        assert rows(process, ANY) == [(1,)]


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_ctrl_c_ends_the_command_and_its_process(tiny: Store) -> None:
    with terminal("sql", tiny.path, ENDLESS, "--timeout", 600) as command:
        command.read_to("/100")  # the progress bar
        (pid,) = command.children()
        command.type("\x03")
        status, seen = command.end()
    assert status == Stopped.exit_code == 130
    line = "Error: `bisae sql` was stopped by SIGINT; nothing was changed\n"
    assert seen.endswith(line)
    assert "Traceback" not in seen
    wait_until_gone(pid)


def test_a_shell_with_limits_keeps_what_was_created(
    tiny: Store, tmp_path: Path
) -> None:
    with terminal("sql", tiny.path, "--timeout", 2, home=tmp_path) as shell:
        for typed, answer in {
            "create temp table t as select 42 as a": " s\n",
            "from t": "a\n--\n42\n",
            ENDLESS: "Error: the query was ended after 2 s: raise the time limit ",
            "select 43 as b": "b\n--\n43\n",
        }.items():
            shell.read_to("bisae>")
            shell.type(f"{typed};\r")
            shell.read_to(answer)
        shell.read_to("bisae>")
        shell.type("\x04")
        assert shell.end()[0] == 0
