"""Every promise is kept by a sound store, and shown to catch the fault it is for.

A promise without a planted fault fails here; so does a check that no suite uses.
"""

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
from bisae.query import Connection, connect
from bisae.store import Store, open_store
from bisae.validate import (
    Outcome,
    Suite,
    as_rows,
    check,
    failures,
    read_suite,
    validate,
)

SUITES = [read_suite(file) for file in sorted(asset_dir("validations").glob("*.json"))]
PROMISES = [promise for suite in SUITES for promise in suite.promises]
CELL = {"size": "M", "step": 5, "layer": 1}
AT = "size = 'M' and step = 5 and layer = 1"
ONE = f"feature = (select min(feature) from features where {AT} and n_tokens > 2)"
PLACES = {
    "cells": AT,
    "code_promises": f"{AT} and promise = 'No code is below zero'",
    "trends": f"{AT} and population = 'alive'",
    "trend_languages": f"{AT} and population = 'alive' and language = 'mixed'",
} | dict.fromkeys(
    ("features", "feature_languages", "firings", "clusters"), f"{AT} and {ONE}"
)
STEP_0 = "(select any_value(lm_fingerprint) from cells where size = 'M' and step = 0)"
CONTEXT = "(select context from settings)"

# Promise, table, and each thing that is done to one place of it: a row repeated, rows
# deleted, or values set.
FAULTS = [
    ("Every cell stands once", "cells", "repeat"),
    ("Every cell is measured", "cells", "cosine = null", "fvu = 'nan'"),
    ("The squared error is not negative", "cells", "mse = -1"),
    ("The unexplained variance is not negative", "cells", "fvu = -1"),
    ("FVU times variance is the squared error", "cells", "fvu = fvu * 1.01"),
    ("The number of active features is not negative", "cells", "l0 = -1"),
    ("No more than k features are active on a token", "cells", "l0 = k + 0.1"),
    (
        "The share of activations that is not stored is one of a whole",
        "cells",
        "cut_share = 1.5",
    ),
    ("The number of dead features is not negative", "cells", "n_dead = -1"),
    ("No more features are dead than there are", "cells", "n_dead = n_features + 1"),
    (
        "One tokenizer and one corpus in the study",
        "cells",
        "tokenizer_fingerprint = 'another'",
        "corpus_fingerprint = null",
    ),
    (
        "No two steps of a size have the same weights",
        "cells",
        f"lm_fingerprint = {STEP_0}",
    ),
    ("Tokens seen rise with the step", "cells", "tokens_seen = 0"),
    (
        "Every cell is evaluated on every evaluation token",
        "cells",
        "n_eval_tokens = n_eval_tokens - 1",
    ),
    (
        "Every cell kept every promise over its codes when it was built",
        "code_promises",
        "status = 'fail'",
    ),
    (
        "Every promise over codes could be checked when its cell was built",
        "code_promises",
        "status = 'error'",
    ),
    ("Every feature stands once in its cell", "features", "repeat"),
    ("Alive and dead features are all features of a cell", "features", "delete"),
    (
        "A feature's class is a language of the study, or mixed",
        "features",
        "language = 'fr'",
    ),
    (
        "A feature's exclusive class is a language of the study, or mixed",
        "features",
        "language_exclusive = 'dead'",
    ),
    (
        "A feature's shares over the languages sum to one",
        "feature_languages",
        "p = p + 0.01",
        "delete",
    ),
    (
        "A feature's class follows from its shares",
        "features",
        "language = if(language = 'mixed', 'en', 'mixed')",
        "language = null",
    ),
    (
        "A feature's firings are the sum over the languages",
        "feature_languages",
        "n_firings = n_firings + 1",
    ),
    (
        "A feature's firings are counted, its maximum among them",
        "firings",
        "value = value * 0.99",
        "delete",
    ),
    ("Every firing is above its feature's threshold", "firings", "value = value / 2"),
    (
        "A feature fires no more often than it is activated",
        "features",
        "n_active = n_firings - 1",
    ),
    (
        "A feature fires in no more documents than it has firings",
        "features",
        "n_documents = n_firings + 1",
    ),
    (
        "A feature's support follows from the settings",
        "features",
        "supported = not supported",
    ),
    ("A feature's tokens and clusters are those of `clusters`", "clusters", "delete"),
    (
        "A feature has no more clusters than tokens",
        "features",
        "n_clusters = n_tokens + 1",
    ),
    (
        "Entropies: 0 <= semantic <= token <= ln(tokens)",
        "features",
        "semantic_entropy = token_entropy + 1e-6",
        "semantic_entropy = -1e-6",
        "token_entropy = ln(n_tokens) + 1e-6",
    ),
    ("Monosemanticity lies between 0 and 1", "features", "monosemanticity = 1.01"),
    (
        "Monosemanticity follows from the entropies, 1 for one token",
        "features",
        "monosemanticity = monosemanticity + 1e-6",
        "n_tokens = 1, monosemanticity = 0.5",
    ),
    (
        "Spans of firings lie between one token and a window",
        "features",
        "mean_span = 0.5",
        f"mean_span = {CONTEXT}",
    ),
    (
        "Spans of activations lie between one token and a window",
        "features",
        "mean_span_active = 0.5",
        f"mean_span_active = {CONTEXT}",
    ),
    (
        "One row per exported cell, population and class",
        "trend_languages",
        "delete",
        "language = 'fr'",
    ),
    (
        "The shares of the classes sum to one",
        "trend_languages",
        "share = share + 0.01",
        "share = null",
    ),
    (
        "The mixed class has the share that `trends` gives",
        "trend_languages",
        "share = share + 0.01",
        "share = null",
    ),
    (
        "Every share lies in its interval",
        "trend_languages",
        "share_low = share + 0.01",
        "share_high = share - 0.01",
    ),
    ("One row per exported cell and population", "trends", "delete", "repeat"),
    ("The mixed share lies between 0 and 1", "trends", "mixed_share = 1.01"),
    (
        "The mixed share of the null lies between 0 and 1",
        "trends",
        "mixed_share_null = -0.01",
    ),
    (
        "The mixed share by exclusive tokens lies between 0 and 1",
        "trends",
        "mixed_share_exclusive = 1.01",
    ),
    (
        "The share of features with one token lies between 0 and 1",
        "trends",
        "single_token_share = 'nan'",
    ),
    (
        "Every share and mean lies in its interval",
        "trends",
        "mean_span_low = mean_span + 0.01",
        "monosemanticity_high = monosemanticity - 0.01",
    ),
    (
        "The mixed share is that of the features, counted afresh",
        "trends",
        "mixed_share = mixed_share * 0.99",
        "mixed_share = null",
    ),
]


@pytest.fixture(scope="module")
def con(tiny: Store) -> Iterator[Connection]:
    """The tables and views of the tiny store; a temporary table hides one of them."""
    connection = connect(tiny)
    yield connection
    connection.close()


# -- sound stores and planted faults ----------------------------------------------


def test_a_sound_store_keeps_every_promise(
    tiny: Store, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes = validate(tiny)
    assert [one.promise for one in outcomes] == [one.name for one in PROMISES]
    assert {one.status for one in outcomes} == {"pass"}
    assert failures(outcomes) == []
    assert capfd.readouterr() == ("", "")


def test_every_promise_has_a_planted_fault() -> None:
    assert [promise for promise, *_ in FAULTS] == [one.name for one in PROMISES]


@pytest.mark.parametrize(
    ("promise", "table", "change"),
    [(fault[0], fault[1], change) for fault in FAULTS for change in fault[2:]],
)
def test_a_planted_fault_is_caught(
    con: Connection, promise: str, table: str, change: str
) -> None:
    con.execute(f"create temp table {table} as from memory.main.{table}")
    try:
        con.execute(planted(table, change))
        (outcome,) = check(con, [only(promise)])
    finally:
        con.execute(f"drop table temp.main.{table}")
    assert outcome.status == "fail"
    assert outcome.n_bad >= len(outcome.rows) > 0
    for row in outcome.rows:
        assert row.items() >= CELL.items()


def planted(table: str, change: str) -> str:
    """A change of a table as a statement."""
    changes = {
        "repeat": f"insert into {table} from {table}",
        "delete": f"delete from {table}",
    }
    start = changes.get(change, f"update {table} set {change}")
    return f"{start} where {PLACES[table]}"


def only(promise: str) -> Suite:
    """The suite of a promise, with nothing else in it."""
    (suite,) = (s for s in SUITES if promise in {one.name for one in s.promises})
    kept = [one for one in suite.promises if one.name == promise]
    return suite._replace(promises=kept)


# -- the command ------------------------------------------------------------------


def test_the_command_names_the_rows_of_a_damaged_file(
    tiny: Store, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(str(tiny.place), store)
    (file,) = (store / "tables/features/size=M/step=5/layer=1").glob("*.parquet")
    (one,) = duckdb.execute(f"select min(feature) from '{file}'").fetchone() or (None,)
    columns = f"* replace (if(feature = {one}, 99.5, mean_span) as mean_span)"
    duckdb.execute(
        f"create or replace temp table damaged as select {columns} from '{file}'"
    )
    duckdb.execute(f"copy damaged to '{file}' (format parquet)")
    told = CliRunner().invoke(main, ["validate", str(store), "--format", "json"])
    broken = [one for one in json.loads(told.stdout) if one["status"] == "fail"]
    assert [one["promise"] for one in broken] == [
        "Spans of firings lie between one token and a window"
    ]
    assert json.loads(broken[0]["rows"]) == CELL | {"feature": one, "mean_span": 99.5}
    assert broken[0]["why"]
    assert told.stderr == f"Error: 1 of {len(PROMISES)} promises are broken\n"
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
    text = "".join(suite.file.read_text() for suite in SUITES)
    used = re.findall(r'"from (\w+) order by all"', text)
    checks = {path.stem for path in (asset_dir("sql") / "checks").glob("*.sql")}
    assert sorted(used) == sorted(checks)


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
