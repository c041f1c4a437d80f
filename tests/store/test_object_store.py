"""Every command takes an object store's URL: on a real S3 server."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import duckdb
import fsspec
import numpy as np
import pytest
from click.testing import CliRunner, Result

import bisae
from bisae.cli import main
from bisae.errors import SqlError
from bisae.files import below
from bisae.grid import Selection
from bisae.pipeline.build import build
from bisae.query import QueryProcess, questions
from bisae.store import Store
from bisae.study import dump_study, load_study
from support.servers import s3_server

ALL = Selection()


def small(tiny: Store, where: str, tmp_path: Path) -> Path:
    """A study file of two cells, whose store is elsewhere."""
    changed_model = {"steps": (0, 40), "layers": (1,)}
    model = tiny.study.models[0].model_copy(update=changed_model)
    changed = {
        "store": where,
        "work_dir": str(tmp_path / "work"),
        "models": (model,),
        "intervention": None,  # it is of the other size
        "pretrain": None,
    }
    path = tmp_path / "study.toml"
    path.write_text(dump_study(tiny.study.model_copy(update=changed)))
    return path


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def built(
    tiny: Store, object_store: None, tmp_path_factory: pytest.TempPathFactory
) -> Store:
    """A study built in an object store: trained in one run, finished in another."""
    name = f"b-{uuid4().hex}"
    fsspec.filesystem("s3").mkdir(name)
    where = f"s3://{name}/some/prefix"
    study = load_study(small(tiny, where, tmp_path_factory.mktemp("remote")))
    build(study, ALL, ("train",))
    return build(study, ALL)


def test_it_holds_what_a_folder_would(built: Store, tiny: Store) -> None:
    assert str(built.path).startswith("s3://")
    for cell in built.cells:
        position, there = built.weights(cell), tiny.weights(cell)
        assert all(np.array_equal(position[name], there[name]) for name in there)
        for item, second in zip(built.codes(cell), tiny.codes(cell), strict=True):
            assert np.array_equal(item.index, second.index)
            assert np.array_equal(item.value, second.value)
    for split in ("train", "eval"):
        mine, its = built.documents(split), tiny.documents(split)
        for block, same in zip(mine, its, strict=True):
            assert np.array_equal(block.token_id, same.token_id)


def test_a_finished_build_is_left_alone(
    built: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bisae.pipeline.checkpoint.open_model", None)
    monkeypatch.setattr("bisae.query.tables.write_with_checksum", None)
    build(built.study, ALL)


def test_sql_answers_as_over_a_folder(built: Store, tiny: Store) -> None:
    # Semantic clusters hang on the last size's embeddings, which this study has not.
    query = "select feature, n_active, n_firings, language, p_shared, mean_span from "
    query += "features where size = 'S' and step = 40 and layer = 1 order by all"
    result = bisae.open(str(built.path)).sql(query)
    second = bisae.open(str(tiny.path)).sql(query)
    assert len(result) > 20
    assert result.equals(second)


def test_codes_are_streamed_from_it(built: Store) -> None:
    cell = built.cells[-2]
    n = sum(int((block.value > 0).sum()) for block in built.codes(cell))
    query = "select count(*) as n from codes"
    result = run("sql", built.path, query, "--codes", cell, "--format", "csv")
    assert result.stdout == f"n\n{n}\n"


@pytest.mark.parametrize(
    "command", ["status", "views", "validate", "verify", "report", "sql"]
)
def test_commands(built: Store, command: str) -> None:
    more = ["from overview"] if command == "sql" else []
    result = run(command, built.path, *more)
    assert result.exit_code == 0, result.output
    if command == "report":
        assert result.stdout == f"{built.path}/reports/index.html\n"
        assert (built.path / "reports" / "index.html").read_text().startswith("<!")
    if command == "verify":
        assert "nothing is wrong; 7 parts" in result.stderr


def test_a_catalog_names_its_urls(built: Store, tmp_path: Path) -> None:
    file = tmp_path / "far.duckdb"
    message = run("catalog", built.path, "--output", file)
    assert (message.exit_code, message.stdout) == (0, f"{file}\n")
    with duckdb.connect(file, read_only=True) as con:
        con.register_filesystem(fsspec.filesystem("s3"))  # what clients have httpfs for
        assert con.execute("select count(*) from cells").fetchall() == [(2,)]
        sql = "select sql from duckdb_views() where view_name = 'cells'"
        assert f"'{built.path}/tables/cells/size=S/" in str(con.execute(sql).fetchall())


@pytest.fixture(scope="module")
def process(built: Store) -> Iterator[QueryProcess]:
    """The process that answers the queries of `bisae sql`."""
    with bisae.open(str(built.path)).query_process() as running:
        yield running


def ask(process: QueryProcess, query: str) -> None:
    for question in questions(query):
        process.frame(question, {})


@pytest.mark.parametrize(
    "query",
    [
        "copy (select 1) to '{}/out.parquet'",
        "copy features to 's3://{}/out.parquet'",
        "explain analyze copy features to 'bisae://{}/tables/out.parquet'",
        "export database 'bisae://{}/tables/out'",
        "from glob('bisae://{}/*')",
        "from parquet_metadata('{}/tables/tokens/rows.parquet')",
        "copy (select 1) to 'bisae://{}/out.parquet'",
        "with x as (copy (select 1) to '{}/out.csv') select 1",
        "from read_parquet('{}/tables/tokens/rows.parquet')",
        "from read_text('{}/study.toml')",
        "from read_text('bisae://{}/study.toml')",
        "from glob('{}/**')",
        "attach '{}/x.duckdb'",
    ],
)
def test_a_query_cannot_leave_the_tables(
    built: Store, process: QueryProcess, query: str
) -> None:
    where = str(built.path)
    if "://" in query:
        where = where.removeprefix("s3://")
    with pytest.raises(SqlError):
        ask(process, query.format(where))
    assert not [file for file in below(built.path) if "out" in file.name]


def test_the_command_says_so_on_one_line(built: Store) -> None:
    result = run("sql", built.path, f"copy (select 1) to '{built.path}/out.parquet'")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.count("\n") == 1
    assert not [file for file in below(built.path) if "out" in file.name]


def test_a_flipped_bit_is_named(built: Store) -> None:
    chunk = built.folder(built.cells[0]) / "codes" / "value" / "c" / "0" / "0"
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:60] + bytes([whole[60] ^ 8]) + whole[61:])
    result = run("verify", built.path)
    chunk.write_bytes(whole)
    assert result.exit_code == 1
    assert "codes/value, chunk c/0/0 (rows 0 to" in result.stdout


def test_a_lost_chunk_is_named(built: Store) -> None:
    chunk = built.folder(built.cells[0]) / "sae" / "W_enc" / "c" / "0" / "0"
    whole = chunk.read_bytes()
    chunk.unlink()
    with pytest.raises(OSError, match=r"W_enc, chunk c/0/0 .* cannot be read: it is m"):
        built.weights(built.cells[0])
    chunk.write_bytes(whole)


def test_no_store_there(built: Store, bucket: str) -> None:
    result = run("status", bucket)
    assert result.exit_code == 1
    assert result.stderr == f"Error: no store at {bucket} (it has no study.toml)\n"


def test_no_bucket_there(object_store: None, tiny: Store, tmp_path: Path) -> None:
    where = "s3://nowhere/at/all"
    result = run("build", small(tiny, where, tmp_path))
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert where in result.stderr
    assert result.stderr.count("\n") == 1


def test_no_server_there(
    tiny: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a process of its own: clients are kept by their settings."""
    environment = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_MAX_ATTEMPTS": "1",
        "PATH": "/usr/bin",
    }
    command = [sys.executable, "-m", "bisae", "status", "s3://b/p"]
    message = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert message.returncode == 1
    assert message.stderr.startswith("Error: cannot reach s3://b/p: ")
    assert message.stderr.endswith("endpoint and credentials in the environment\n")
    assert message.stderr.count("\n") == 1


LOST = """
import os, sys
import numpy as np
from bisae.errors import StoreError
from bisae.store import create_store
from bisae.study import load_study
from pathlib import Path

store = create_store(load_study(Path(sys.argv[1])))
os.kill(int(sys.argv[2]), 9)
try:
    with store.write_corpus() as writer:
        writer.append("eval", np.ones((2, 31)), np.zeros(2))
        writer.finish({})
except StoreError as error:
    print(error)
"""


def test_a_server_that_goes_away(tiny: Store, tmp_path: Path) -> None:
    with s3_server() as (process, result):
        environment = {"PATH": "/usr/bin", "AWS_MAX_ATTEMPTS": "1", **result}
        make = "import fsspec; fsspec.filesystem('s3').mkdir('bucket')"
        python = [sys.executable, "-c"]
        subprocess.run([*python, make], check=True, env=environment)
        path = small(tiny, "s3://bucket/p", tmp_path)
        command = [*python, LOST, str(path), str(process.pid)]
        ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    said = (
        r"cannot write the (corpus|lease on study) to s3://bucket/p: .*; check that it"
    )
    said += r" can be reached and run again; what is finished is kept\n"
    assert re.fullmatch(said, ran.stdout), ran.stderr
