"""`bisae validate` and its suites; faults are planted in test_promises.py."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from bisae.assets import asset_dir
from bisae.cli import main
from bisae.errors import CheckError
from bisae.query import Connection, connect, read_views
from bisae.store import Store, open_store
from bisae.validate import (
    Outcome,
    as_rows,
    check,
    failures,
    read_suite,
    validate,
)

SUITES = [read_suite(file) for file in sorted(asset_dir("validations").glob("*.json"))]
PROMISES = [promise for suite in SUITES for promise in suite.promises]
CELL = {"size": "M", "step": 5, "layer": 1}


@pytest.fixture(scope="module")
def con(tiny: Store) -> Iterator[Connection]:
    """The tables and views of the tiny store."""
    connection = connect(tiny)
    yield connection
    connection.close()


# -- the command ------------------------------------------------------------------


def test_the_command_names_the_rows_of_a_damaged_file(
    tiny: Store, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(str(tiny.place), store)
    (file,) = (store / "tables/features/size=M/step=5/layer=1").glob("*.parquet")
    (one,) = duckdb.execute(f"select min(feature) from '{file}'").fetchone() or (None,)
    columns = (
        f"* replace (if(feature = {one}, 99.5, mean_span_active) as mean_span_active)"
    )
    duckdb.execute(
        f"create or replace temp table damaged as select {columns} from '{file}'"
    )
    duckdb.execute(f"copy damaged to '{file}' (format parquet)")
    told = CliRunner().invoke(main, ["validate", str(store), "--format", "json"])
    outcomes = json.loads(told.stdout)
    broken = [one for one in outcomes if one["status"] == "fail"]
    assert [one["promise"] for one in broken] == [
        "Spans of activations lie between one token and a window"
    ]
    assert json.loads(broken[0]["rows"]) == CELL | {
        "feature": one,
        "mean_span_active": 99.5,
    }
    assert broken[0]["why"]
    assert told.stderr == f"Error: 1 of {len(outcomes)} promises are broken\n"
    assert told.exit_code == 1


def test_nothing_is_written(
    tiny: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = files(Path(str(tiny.place)))
    validate(open_store(tiny.place))
    assert files(Path(str(tiny.place))) == before
    assert files(tmp_path) == {}


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_what_is_kept_prints_short() -> None:
    one = Outcome(Path("f"), "v", "p", "why", "pass", "0", "no rows", 0, [])
    two = one._replace(status="fail", observed="1", n_bad=1, rows=[{"size": "大"}])
    assert as_rows([one, two]).values == [
        ("v", "p", "pass", "0", "no rows", 0, None, None),
        ("v", "p", "fail", "1", "no rows", 1, "why", '{"size": "大"}'),
    ]


# -- suites -----------------------------------------------------------------------


def test_suites_keep_their_conventions() -> None:
    assert len({one.name for one in PROMISES}) == len(PROMISES)
    for suite in SUITES:
        assert suite.file.stem == suite.view
        for promise in suite.promises:
            assert promise.why.endswith("."), promise.name
            assert promise.guards, promise.name


def test_every_check_is_used_once() -> None:
    """By a suite, or as a part of other checks."""
    text = "".join(suite.file.read_text() for suite in SUITES)
    used = re.findall(r'"from (\w+) order by all"', text)
    checks = read_views("checks")
    parts = {name for view in checks.values() for name in view.reads}
    assert len(used) == len(set(used))
    assert set(used) | parts >= checks.keys()
    assert not set(used) & parts


ONE_PROMISE = {
    "description": "it",
    "type": "unexpected_rows_expectation",
    "kwargs": {"unexpected_rows_query": "from cells where mse < 0"},
    "meta": {"why": "Because.", "guards": "a rule"},
}
GOOD = {"name": "cells", "meta": {"key": ["size"]}, "expectations": [ONE_PROMISE]}
BAD_FILES = [
    ('{\n "name": "cells",\n "meta" {}}', "line 3"),
    ("[]", "must be integers"),
    (json.dumps(GOOD | {"meta": {}}), "'key' is missing"),
    (json.dumps(GOOD).replace('"why"', '"whi"'), "'why' is missing"),
    (json.dumps(GOOD).replace('"description"', '"title"'), "'title'"),
    (json.dumps(GOOD).replace("unexpected_rows_exp", "no_such_exp"), "no_such_exp"),
    (json.dumps(GOOD).replace("_query", "_quest"), "unexpected_rows_quest"),
]
BAD_QUERIES = [
    ("where mse", "where msee", '"msee" not found'),
    ("from cells", "from sells", "sells does not exist"),
    ("mse < 0", "mse < <", "syntax error"),
]


@pytest.mark.parametrize(("text", "message"), BAD_FILES)
def test_a_bad_suite_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "cells.json"
    file.write_text(text)
    with pytest.raises(CheckError, match=re.escape(message)) as caught:
        read_suite(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("was", "now", "message"), BAD_QUERIES)
def test_what_cannot_be_checked_is_no_failure(
    con: Connection, tmp_path: Path, was: str, now: str, message: str
) -> None:
    file = tmp_path / "cells.json"
    file.write_text(json.dumps(GOOD).replace(was, now))
    (outcome,) = check(con, [read_suite(file)])
    assert outcome.status == "error"
    assert outcome.rows == []
    with pytest.raises(CheckError, match=re.escape(message)) as caught:
        failures([outcome])
    assert str(caught.value).startswith(f"{file}: 'it' could not be checked: ")
    assert "\n" not in str(caught.value)


def test_an_unknown_column_is_no_failure(con: Connection, tmp_path: Path) -> None:
    type_ = "expect_column_values_to_not_be_null"
    one = ONE_PROMISE | {"type": type_, "kwargs": {"column": "msee"}}
    file = tmp_path / "cells.json"
    file.write_text(json.dumps(GOOD | {"expectations": [one]}))
    with pytest.raises(CheckError, match='"msee" in BatchData does not exist'):
        failures(check(con, [read_suite(file)]))


def test_an_unknown_view_is_named(con: Connection, tmp_path: Path) -> None:
    file = tmp_path / "sells.json"
    file.write_text(json.dumps(GOOD | {"name": "sells"}))
    with pytest.raises(CheckError, match=r"sells\.json: no table or view 'sells'"):
        check(con, [read_suite(file)])
