"""`bisae validate`: what it prints, its exit status, and that it leaves all alone."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from bisae import progress
from bisae.checks import CheckResult, as_rows, failures, in_short, validate
from bisae.cli import main
from bisae.store import Store, open_store
from support.progress_lines import without_progress
from support.removal import remove_cells
from support.store_copy import copy_store
from support.terminal import terminal

ACTIVE = "Spans of activations lie between one token and a window"
SPANS = "Spans of firings lie between one token and a window"
PASSED = CheckResult(
    *(Path("f"), "v", "k", "p", "why", "rule"), "pass", "0", "no rows", 0, []
)
FAILED = PASSED._replace(
    status="fail", observed="1", n_bad=1, rows=[{"size": "大", "step": 5, "layer": 1}]
)
RAISED = PASSED._replace(status="error", observed="no such column (line 3)")


def damage(store: Store, column: str, value: str) -> int:
    """Set a column of the first feature of M/5/1; gives the feature."""
    (file,) = (store.path / "tables/features/size=M/step=5/layer=1").glob("*.parquet")
    ((result,),) = duckdb.execute(f"select min(feature) from '{file}'").fetchall()
    changed = f"* replace (if(feature = {result}, {value}, {column}) as {column})"
    duckdb.execute(f"create or replace temp table t as select {changed} from '{file}'")
    duckdb.execute(f"copy t to '{file}' (format parquet)")
    return int(result)


def run(store: Store, style: str) -> Result:
    return CliRunner().invoke(main, ["validate", str(store.path), "--format", style])


def one_checkpoint(tiny: Store, folder: Path) -> Store:
    """A copy of the tiny store with the cells of M/5 alone."""
    copy_store(tiny, folder)
    remove_cells(folder, "size=S", "step=0", "step=40")
    return open_store(folder)


@pytest.fixture(scope="module")
def broken(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, int]:
    """A store with one damaged row, and its feature."""
    store = one_checkpoint(tiny, tmp_path_factory.mktemp("broken") / "store")
    return store, damage(store, "mean_span_active", "99.5")


def test_json_has_the_rows_that_violate_a_check(broken: tuple[Store, int]) -> None:
    store, feature = broken
    result = run(store, "json")
    (item,) = [item for item in json.loads(result.stdout) if item["result"] == "fail"]
    assert item["check"] == "features_active_spans_out_of_range"
    assert item["what"] == ACTIVE
    assert item["where"] == "features: M/5/1"
    assert (item["observed"], item["expected"]) == ("1", "no rows")
    assert item["why"].endswith(".")
    cell = {"size": "M", "step": 5, "layer": 1}
    assert item["rows"] == [cell | {"feature": feature, "mean_span_active": 99.5}]
    number = len(json.loads(result.stdout))
    said = without_progress(result.stderr)
    assert said == f"Error: 1 of {number} checks failed\n"
    assert result.exit_code == 1


def test_the_table_is_narrow_and_shows_failures_below(
    broken: tuple[Store, int],
) -> None:
    store, feature = broken
    result = run(store, "table")
    table, below = result.stdout.split("\n\n")
    head, _, *lines = table.splitlines()
    assert head.split() == ["result", "what", "where", "observed", "expected"]
    assert [line for line in lines if not line.startswith("pass  ")] == [
        line for line in lines if line.startswith(f"fail    {ACTIVE}")
    ]
    title, check, why, expected, observed, names, _, row = below.splitlines()
    assert title == f"fail: {ACTIVE} (features: M/5/1)"
    assert check == "check: features_active_spans_out_of_range"
    assert re.fullmatch(r"why: .+\.", why)
    assert (expected, observed) == ("expected: no rows", "observed: 1")
    assert names.split() == ["size", "step", "layer", "feature", "mean_span_active"]
    assert row.split() == ["M", "5", "1", str(feature), "99.5"]
    assert result.exit_code == 1


def test_markdown_and_csv_have_one_line_a_check(broken: tuple[Store, int]) -> None:
    store, feature = broken
    expected = {"size": "M", "step": 5, "layer": 1, "feature": feature}
    markdown = run(store, "markdown").stdout.splitlines()
    records = list(csv.DictReader(io.StringIO(run(store, "csv").stdout)))
    assert len(markdown) == len(records) + 2
    (line,) = [line for line in markdown if line.startswith("| fail ")]
    assert json.loads(line.split("|")[-2]) == [expected | {"mean_span_active": 99.5}]
    (record,) = [item for item in records if item["result"] == "fail"]
    assert json.loads(record["rows"]) == [expected | {"mean_span_active": 99.5}]


def test_what_cannot_be_checked_is_shown_beside_what_is_broken(
    tiny: Store, tmp_path: Path
) -> None:
    """A value that is no number fails a check; means over it cannot be computed."""
    store = one_checkpoint(tiny, tmp_path / "store")
    damage(store, "mean_span", "'nan'")
    result = run(store, "json")
    results = {item["what"]: item for item in json.loads(result.stdout)}
    assert results[SPANS]["result"] == "fail"
    assert results[SPANS]["rows"][0]["mean_span"] is None
    assert results["Every cell has one row"]["result"] == "pass"
    errors = [item for item in results.values() if item["result"] == "error"]
    assert errors
    assert all("value nan can't be cast" in item["observed"] for item in errors)
    said = without_progress(result.stderr)
    assert said.startswith("Error: ")
    assert said.count("\n") == 1
    assert f"{errors[0]['what']!r} could not be checked: " in result.stderr
    assert f"; nor could {len(errors) - 1} more" in result.stderr
    assert result.exit_code == 2
    below = run(store, "table").stdout.split("\n\n", 1)[1]
    assert f"error: {errors[0]['what']} (" in below
    assert f"\nobserved: {errors[0]['observed']}\n" in below


def test_a_sound_store_says_so(tiny: Store) -> None:
    result = run(tiny, "table")
    assert result.exit_code == 0
    number = len(result.stdout.splitlines()) - 2
    assert without_progress(result.stderr) == f"all {number} checks passed\n"


def test_nothing_is_written(
    copy: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    before = files(tmp_path)
    validate(open_store(copy.path))
    assert files(tmp_path) == before


def files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def test_what_passed_prints_short() -> None:
    assert as_rows([PASSED, FAILED]).values == [
        ("pass", "k", "p", "v", "0", "no rows", None, None),
        ("fail", "k", "p", "v: 大/5/1", "1", "no rows", "why", FAILED.rows),
    ]
    assert in_short([PASSED, RAISED]).values == [
        ("pass", "p", "v", "0", "no rows"),
        ("error", "p", "v", None, "no rows"),
    ]


@pytest.mark.parametrize(
    ("layers", "n_bad", "where"),
    [
        ([], 3, "v"),
        ([1, 1], 2, "v: S/0/1"),
        ([1, 1], 20, "v: S/0/1"),
        ([1, 2, 2, 3], 4, "v: S/0/1, 2 more"),
        ([1, 2, 2, 3], 5, "v: S/0/1, at least 2 more"),
    ],
)
def test_cells_are_named(layers: list[int], n_bad: int, where: str) -> None:
    rows = [{"size": "S", "step": 0, "layer": layer} for layer in layers]
    assert FAILED._replace(rows=rows, n_bad=n_bad).where == where


def test_rows_without_a_cell_name_none() -> None:
    assert FAILED._replace(rows=[{"token_id": 3}]).where == "v"


def test_failures_are_what_failed() -> None:
    assert failures([PASSED, FAILED]) == [FAILED]


class Seen(io.StringIO):
    """Standard error, as if somebody looked at it."""

    def isatty(self) -> bool:
        return True


def test_progress_is_told_on_standard_error(
    tiny: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SHOWN_AFTER", 0)
    monkeypatch.setattr(sys, "stderr", seen := Seen())
    number = len(validate(tiny))
    assert re.search(rf"validate: .*\d/{number}.* checks/s", seen.getvalue())


def test_a_terminal_is_told_how_to_have_the_rest(tiny: Store) -> None:
    with terminal("validate", tiny.path) as command:
        status, seen = command.end()
    assert status == 0
    assert " of 5 columns are shown; to see all, pipe the answer\n" in seen
