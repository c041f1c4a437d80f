"""Checks that users add in a folder which their study names: SQL and suites."""

import json
import resource
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bisae.checks import CheckResult, load_checks, run_user_checks
from bisae.cli import main
from bisae.errors import CheckError, SqlError
from bisae.store import Store
from bisae.study import Study, Validation, dump_study, load_study
from support.progress_lines import without_progress

EXPECTATION = {
    "description": "No cell is far from its activations",
    "type": "expect_column_values_to_be_between",
    "kwargs": {"column": "mse", "max_value": 0},
    "meta": {"name": "near", "why": "They would say little.", "guards": "mse"},
}
SUITE: dict[str, Any] = {
    "name": "cells",
    "meta": {"key": ["size", "step", "layer"]},
    "expectations": [EXPECTATION],
}
CHECK = """-- Check: No cell is of
--        the first step
-- Why:   They are controls.
select size, step, layer, mse
from cells
where step = 0;
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "checks").mkdir()
    return tmp_path / "checks"


def run_folder(store: Store, folder: Path) -> list[CheckResult]:
    """The results of the checks of a folder."""
    return run_user_checks(store, load_checks(folder))


def sql(query: str, field: str = "Check") -> str:
    """A query with a header, which is two lines."""
    return f"-- {field}: It holds\n-- Why: Because.\n{query}"


def refused(folder: Path) -> str:
    """The one line that refuses a folder."""
    with pytest.raises((CheckError, SqlError)) as caught:
        load_checks(folder)
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_suite_is_checked(tiny: Store, folder: Path) -> None:
    (folder / "cells.json").write_text(json.dumps(SUITE))
    (result,) = run_folder(tiny, folder)
    assert result.file == folder / "cells.json"
    assert (result.description, result.why, result.guards) == (
        EXPECTATION["description"],
        "They would say little.",
        "mse",
    )
    assert (result.status, result.observed) == ("fail", "15 of 15")
    assert result.where.startswith("cells: S/0/1, at least ")
    assert len(result.rows) == 10


@pytest.mark.skipif(sys.platform != "linux", reason="limits are of Linux")
def test_a_check_has_so_much_memory(
    tiny: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB does not count what this function takes."""
    monkeypatch.setattr("bisae.checks.user_checks.MEMORY", 300 * 2**20)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    column = "if(step < 0, 1, length(printf('%1000000000d', step))) as n"
    (folder / "greedy.sql").write_text(CHECK.replace("select", f"select {column},", 1))
    (result,) = run_folder(tiny, folder)
    assert result.status == "error"
    assert "Out of Memory" in result.observed
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


def test_a_file_of_sql_is_a_check(tiny: Store, folder: Path) -> None:
    (folder / "first_step.sql").write_text(CHECK)
    (result,) = run_folder(tiny, folder)
    assert result.description == "No cell is of the first step"
    assert result.why == "They are controls."
    assert (result.check, result.status, result.expected) == (
        "first_step",
        "fail",
        "no rows",
    )
    assert result.n_bad == len(result.rows) == 5
    assert result.rows[0].keys() == {"size", "step", "layer", "mse"}


def test_a_check_without_rows_passes(tiny: Store, folder: Path) -> None:
    (folder / "cells").mkdir()
    file = folder / "cells" / "strange.sql"
    file.write_text(sql("select * from cells where step = 3"))
    (result,) = run_folder(tiny, folder)
    assert (result.table, result.check, result.status) == ("cells", "strange", "pass")


def test_a_suite_may_be_about_a_view_of_ones_own(tiny: Store, folder: Path) -> None:
    """Views may read views; the suite is about the last."""
    (folder / "large.sql").write_text(
        "-- Title: x\nselect size, mse, 2 * mse as twice from base_"
    )
    (folder / "base_.sql").write_text("-- Title: x\nselect size, mse from cells")
    about = SUITE | {"name": "large", "meta": {"key": ["size"]}}
    (folder / "large.json").write_text(json.dumps(about))
    (result,) = run_folder(tiny, folder)
    assert (result.table, result.status) == ("large", "fail")


BROKEN = [
    ("select msee\n\nfrom cells", 'Referenced column "msee" not found', "(line 3: "),
    ("select size\nfrom sells", "name sells does not exist", "(line 4: from sells)"),
    ("select\n  size + as\nfrom cells", "syntax error", "(line 4)"),
]


@pytest.mark.parametrize(("query", "message", "line"), BROKEN[:2])
def test_a_view_that_does_not_build_is_named(
    tiny: Store, folder: Path, query: str, message: str, line: str
) -> None:
    (folder / "a.sql").write_text(sql(query))
    (result,) = run_folder(tiny, folder)
    assert (result.file, result.status) == (folder / "a.sql", "error")
    assert message in result.observed
    assert line in result.observed
    assert "\n" not in result.observed


def test_checks_of_a_view_that_does_not_build_are_errors(
    tiny: Store, folder: Path
) -> None:
    (folder / "a.sql").write_text(sql("select msee from cells", "Title"))
    (folder / "a.json").write_text(json.dumps(SUITE | {"name": "a"}, indent=1))
    first, second = run_folder(tiny, folder)
    assert (first.file.name, first.status) == ("a.sql", "error")
    assert (second.file.name, second.status) == ("a.json", "error")
    assert "Table with name a does not exist" in second.observed


def test_a_view_that_fails_as_it_is_read_is_an_error(tiny: Store, folder: Path) -> None:
    (folder / "a.sql").write_text(sql("select size::int\nfrom cells"))
    (result,) = run_folder(tiny, folder)
    assert result.status == "error"
    assert result.observed.startswith(
        "Conversion Error: Could not convert string 'S' to"
    )


def test_a_name_that_is_taken_is_an_error(tiny: Store, folder: Path) -> None:
    (folder / "features.sql").write_text(sql("select size from cells"))
    (result,) = run_folder(tiny, folder)
    assert result.status == "error"
    assert "features" in result.observed
    assert "already exists" in result.observed


def test_a_name_that_sql_cannot_say_is_refused(folder: Path) -> None:
    (folder / "first step.sql").write_text(CHECK)
    result = refused(folder)
    assert result.startswith(
        f"{folder / 'first step.sql'}: its name becomes a view's: "
    )


@pytest.mark.parametrize(
    ("reads", "message"),
    [({"cells": "cells"}, "cells reads cells"), ({"a": "b", "b": "a"}, " reads b")],
)
def test_views_that_read_each_other_are_refused(
    folder: Path, reads: dict[str, str], message: str
) -> None:
    for name, second in reads.items():
        (folder / f"{name}.sql").write_text(sql(f"select * from {second}"))
    result = refused(folder)
    assert result.startswith(f"{folder}: ")
    assert message in result
    assert result.endswith(": name one of them differently")


def test_a_check_that_is_no_text_is_refused(folder: Path) -> None:
    (folder / "a.sql").write_bytes(b"\xff")
    assert refused(folder).startswith(f"{folder / 'a.sql'}: 'utf-8' codec")


def test_what_is_not_well_formed_is_refused(folder: Path) -> None:
    (folder / "a.sql").write_text(sql(BROKEN[2][0]))
    result = refused(folder)
    assert result.startswith(f"{folder / 'a.sql'}: syntax error at or near")
    assert result.endswith("(line 4)")
    (folder / "a.sql").unlink()
    (folder / "a.json").write_text("{\n]")
    assert refused(folder).startswith(f"{folder / 'a.json'}: ")
    assert "line 2" in refused(folder)


def test_a_folder_that_is_not_there_is_an_error(tiny: Store, folder: Path) -> None:
    (result,) = run_folder(tiny, folder / "none")
    assert (result.file, result.status) == (folder / "none", "error")
    assert result.observed.startswith("no such folder; create it, or name another")


# -- the fence --------------------------------------------------------------------

ATTEMPTS = [
    "with x as (copy cells to '{here}/out') select 1",
    "select * from read_csv('{here}/secret.csv')",
    "select * from '{here}/secret.csv'",
    "select * from query('with x as (copy cells to ''{here}/out'') select 1')",
    "select * from read_text('bisae://{store}/study.toml')",
]


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("kind", ["check", "suite"])
def test_users_checks_read_the_tables_and_nothing_else(
    tiny: Store, folder: Path, attempt: str, kind: str
) -> None:
    position = folder.parent
    (position / "secret.csv").write_text("a\n1\n")
    query = attempt.format(here=position, store=tiny.path)
    if kind == "check":
        (folder / "a.sql").write_text(sql(query))
    else:
        kwargs = {"unexpected_rows_query": query}
        item = EXPECTATION | {"type": "unexpected_rows_expectation", "kwargs": kwargs}
        (folder / "cells.json").write_text(json.dumps(SUITE | {"expectations": [item]}))
    (result,) = run_folder(tiny, folder)
    assert (result.status, result.rows) == ("error", [])
    assert sorted(path.name for path in position.iterdir()) == ["checks", "secret.csv"]


def test_a_check_that_is_no_select_is_refused(folder: Path) -> None:
    (folder / "a.sql").write_text(sql("copy cells to 'out.csv'"))
    result = refused(folder)
    assert result.startswith(f"{folder / 'a.sql'}: Only SELECT statements")


# -- the study and the command ----------------------------------------------------


def test_the_folder_is_relative_to_the_study(tmp_path: Path, tiny: Store) -> None:
    section = {"validation": Validation(folder="checks")}
    text = dump_study(tiny.study.model_copy(update=section))
    (tmp_path / "study.toml").write_text(text)
    study = load_study(tmp_path / "study.toml")
    assert study.validation == Validation(folder=str(tmp_path / "checks"))


def run(study: Study, folder: Path) -> Result:
    section = {"validation": Validation(folder=str(folder))}
    text = dump_study(study.model_copy(update=section))
    (Path(study.store) / "study.toml").write_text(text)
    return CliRunner().invoke(main, ["validate", study.store])


def test_the_command_shows_their_results(small_study: Study, folder: Path) -> None:
    (folder / "first.sql").write_text(CHECK)
    result = run(small_study, folder)
    assert result.exit_code == 1
    assert "fail: No cell is of the first step (first: S/0/1, 1 more)" in result.stdout
    (folder / "second.sql").write_text(sql("select msee from cells"))
    result = run(small_study, folder)
    assert result.exit_code == 2
    assert "fail: No cell is of the first step" in result.stdout
    said = without_progress(result.stderr)
    assert said.startswith(f"Error: {folder / 'second.sql'}: 'It holds' could not")
    assert said.count("\n") == 1
    result = run(small_study, folder / "none")
    assert result.exit_code == 2
    assert f"Error: {folder / 'none'}: '[validation] folder' could not" in result.stderr


def test_a_build_ends_with_them(small_study: Study, folder: Path) -> None:
    """Also of a store that was built before the study named a folder."""
    (folder / "first.sql").write_text(CHECK)
    section = {"validation": Validation(folder=str(folder))}
    path = folder.parent / "study.toml"
    path.write_text(dump_study(small_study.model_copy(update=section)))
    words = ["build", str(path), "--only", "size=S"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert "checks failed; `bisae validate" in result.stderr
    page = Path(small_study.store) / "reports" / "validation.html"
    assert "No cell is of the first step" in page.read_text("utf-8")
    (folder / "second.sql").write_text(sql("select msee from cells"))
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert f"report {page.parent / 'index.html'}" in result.stderr
    assert f"Error: {folder / 'second.sql'}: 'It holds' could not be" in result.stderr


def test_what_is_malformed_is_told_before_a_build(
    copied_study: Study, folder: Path
) -> None:
    (folder / "first.json").write_text("{\n]")
    update = {"validation": Validation(folder=str(folder)), "store": str(folder / "s")}
    path = folder.parent / "study.toml"
    path.write_text(dump_study(copied_study.model_copy(update=update)))
    message = CliRunner().invoke(main, ["build", str(path)])
    assert message.exit_code == 2
    assert message.stderr.startswith(f"Error: {folder / 'first.json'}: ")
    assert "line 2" in message.stderr
    assert not (folder / "s").exists()
