"""The fence around users' queries: they read the store's tables and nothing else."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.errors import OutOfMemory, SqlError
from bisae.query import InProcess, Runner, connect, questions, rows_of
from bisae.query.fence import open_local
from bisae.store import Store


def test_threads_read_a_shared_file_each_at_its_own_place(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)))
    file = open_local(str(path))
    went = threading.Barrier(2)
    actual: dict[int, bytes] = {}

    def read(place: int) -> None:
        file.seek(place)
        went.wait()  # both have gone where they read before either reads
        actual[place] = file.read(3) + file.read(2)
        assert file.tell() == place + 5

    threads = [threading.Thread(target=read, args=(place,)) for place in (10, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert actual == {place: bytes(range(place, place + 5)) for place in (10, 200)}
    assert file.seek(-2, os.SEEK_END) == 254
    assert file.read() == bytes([254, 255])
    file.close()
    assert file.closed


def test_fenced_queries_of_several_threads_read_what_is_there(tiny: Store) -> None:
    query = "select sum(value) from firings join tokens using (token_row)"
    with closing(connect(tiny)) as con:
        expected = rows_of(con, query).values[0][0]
    for _ in range(5):
        with closing(connect(tiny, fenced=True)) as con:
            for _ in range(5):
                assert rows_of(con, query).values[0][0] == pytest.approx(expected)


def paths(store: Store, folder: Path) -> list[str]:
    """All that is in a store and a folder, but for leases: other workers take some."""
    actual = [*Path(str(store.path)).rglob("*"), *folder.rglob("*")]
    return sorted(str(path) for path in actual if "leases" not in path.parts)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is outside the store, for a query to read."""
    outside = tmp_path_factory.mktemp("outside")
    (outside / ".tmp").mkdir()  # where DuckDB spills, unless it is told otherwise
    (outside / "file.csv").write_text("a\n1\n")
    pq.write_table(pa.table({"a": [1]}), outside / "file.parquet")
    (outside / "schema.sql").write_text("create table secret as select 1")
    return outside


@pytest.fixture(scope="module")
def before(tiny: Store, folder: Path) -> list[str]:
    """All that is there before any attempt."""
    return paths(tiny, folder)


@pytest.fixture(scope="module")
def runner(tiny: Store, folder: Path) -> Iterator[Runner]:
    """What answers the queries of `bisae sql`, run in the folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        with closing(InProcess(connect(tiny, fenced=True))) as opened:
            yield opened


def ask(runner: Runner, query: str) -> None:
    for question in questions(query):
        list(runner.answer(question, {}).values)


@pytest.mark.parametrize(
    "attempt",
    [
        "copy features to '{out}'",
        "with x as (copy features to '{out}') select 1",
        "explain analyze copy features to '{out}'",
        "from query('with x as (copy features to ''{out}'') select 1')",
        "prepare p as copy features to '{out}'",
        "copy features to 'bisae://{out}'",
        "copy features to 'bisae://{tables}/features/out.parquet'",
        "copy features to '{tables}/features/out.parquet'",
        "copy features to '{tables}' (format parquet, partition_by (size), overwrite)",
        "copy (select 1) to '.tmp/out.csv'",
        "attach '{out}'",
        "attach '.tmp/out.duckdb'",
        "export database '{out}'",
        "import database '{here}'",
        "create table t as from '{here}/file.csv'",
        "create macro m() as table from '{here}/file.csv'",
        "create persistent secret s (type http, extra_http_headers map{{'a': 'b'}})",
        "from '{here}/file.csv'",
        "from '{here}/file.parquet'",
        "from read_csv('/etc/passwd')",
        "from read_json('{here}/file.csv')",
        "from read_blob('{here}/*')",
        "from read_text('bisae:///etc/passwd')",
        "from read_text('bisae://{tables}/../study.toml')",
        "from read_text('file://{here}/file.csv')",
        "from glob('/tmp/*')",
        "from glob('bisae:///etc/*')",
        "from glob('bisae://{tables}/../*')",
        "from glob('bisae://{tables}/../../../../../../../etc/*')",
        "from sniff_csv('{here}/file.csv')",
        "from parquet_metadata('{here}/file.parquet')",
        "from parquet_schema('{here}/file.parquet')",
        "from parquet_kv_metadata('bisae://{here}/file.parquet')",
        "from query_table('{here}/file.csv')",
        "from json_execute_serialized_sql(json_serialize_sql('from ''file.csv'''))",
        "from a_frame",
        "install httpfs",
        "load httpfs",
        "load '{here}/file.csv'",
        "update extensions",
        "select getenv('HOME')",
        "set threads = 1",
        "set temp_directory = '{here}'",
        "set enable_external_access = true",
        "set lock_configuration = false",
        "reset memory_limit",
        "pragma threads = 1",
        "pragma memory_limit = '9GB'",
        "pragma profiling_output = '{out}'",
        "insert into cells from cells",
    ],
)
def test_a_query_cannot_leave_the_fence(
    tiny: Store, folder: Path, before: list[str], runner: Runner, attempt: str
) -> None:
    names = {"out": folder / "out", "here": folder, "tables": tiny.tables}
    with pytest.raises(SqlError) as raised:
        ask(runner, attempt.format(**names))
    assert "\n" not in str(raised.value)
    assert paths(tiny, folder) == before


def test_an_attempt_is_an_error_of_one_line(
    tiny: Store, folder: Path, before: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    message = CliRunner().invoke(main, ["sql", str(tiny.path), "attach 'out'"])
    assert message.exit_code == SqlError.exit_code
    assert message.stdout == ""
    assert message.stderr.startswith("Error: ")
    assert message.stderr.count("\n") == 1
    assert paths(tiny, folder) == before


def test_a_query_sees_no_variable_of_python(tiny: Store) -> None:
    a_frame = pa.table({"a": [1]})
    with closing(connect(tiny, fenced=True)) as con, pytest.raises(SqlError):
        rows_of(con, "from a_frame")
    with closing(connect(tiny)) as con:
        assert rows_of(con, "select count(*) from cells").values
    assert a_frame


@pytest.mark.parametrize(
    "query",
    [
        "select count(*) from read_parquet('bisae://{tables}/cells/**/*.parquet')",
        "create temp table t as from cells; select count(*) from t",
        "create macro twice(x) as 2 * x; select twice(21)",
        "attach ':memory:' as m; create table m.t as select 1 as a; from m.t",
        "set variable a = 42; select getvariable('a')",
    ],
)
def test_inside_the_fence_there_is_room(tiny: Store, query: str) -> None:
    text = query.format(tables=tiny.tables)
    message = CliRunner().invoke(main, ["sql", str(tiny.path), text])
    assert (message.exit_code, message.stderr) == (0, "")


@pytest.mark.parametrize(
    "query",
    [
        "select list(a.range) from range(10000) a, range(10000) b",
        "select * from (select range a, hash(range) b from range(50000000)) order by b",
    ],
)
def test_a_query_has_so_much_memory(
    tiny: Store, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    # The package has a function of the module's name.
    monkeypatch.setattr(sys.modules["bisae.query.database"], "MEMORY", "64MiB")
    message = CliRunner().invoke(main, ["sql", str(tiny.path), query])
    assert message.exit_code == OutOfMemory.exit_code
    assert message.stdout == ""
    assert "/64.0 MiB used); read fewer rows or columns, aggregate in" in message.stderr
    assert message.stderr.count("\n") == 1
