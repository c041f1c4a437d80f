"""Files of checks: ours keep their conventions, and a malformed one is refused."""

import re
from pathlib import Path

import pytest

from bisae.checks import Check, load_checks, shipped_checks
from bisae.errors import BisaeError, SqlError
from bisae.query import read_check_views, read_views
from bisae.query.header import parse_header

CHECKS = [check for suite in shipped_checks() for check in suite.checks]
VIEWS = {
    name: view
    for of_codes in (False, True)
    for name, view in read_check_views(of_codes=of_codes).items()
}
QUERY = "select size from cells"
GOOD = f"-- Check: It holds\n-- Why: Because.\n{QUERY}"


def test_every_check_has_a_name_and_a_sentence_of_its_own() -> None:
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert not {*names, *VIEWS} & read_views().keys()
    sentences = [check.description for check in CHECKS]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_says_why_and_what_it_guards(check: Check) -> None:
    assert re.fullmatch(r"[A-Z`0].*[^.]", check.description)
    assert check.why.endswith(".")
    assert check.guards


def test_a_check_is_one_file() -> None:
    for check in CHECKS:
        if check.file.suffix == ".sql":
            assert check.name == check.view == check.file.stem
            assert list(VIEWS[check.name].header) == [
                *("Check", "Why", "Guards", "Grain", "Reads"),
                *(["Paper"] if "Paper" in VIEWS[check.name].header else []),
            ]


def test_a_view_of_checks_is_none_itself() -> None:
    """What others read has rows of its own, which violate nothing."""
    reads = {name for view in VIEWS.values() for name in view.reads}
    parts = {name for name, view in VIEWS.items() if "Title" in view.header}
    assert parts == reads & VIEWS.keys()
    assert {*VIEWS} - parts == {check.view for check in CHECKS} - {""}


# -- headers -----------------------------------------------------------------------


def test_a_header_may_go_on_in_indented_lines() -> None:
    text = "-- Check:   One thing,\n--          and more\n-- Why: So.\n"
    text += "-- And some prose\n-- Prose: it is no field\nselect 1"
    assert parse_header(text) == {"Check": "One thing, and more", "Why": "So."}


def test_a_query_without_comments_has_no_header() -> None:
    assert parse_header("select 1\n-- Check: too late") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("-- Check: a\n-- Check: b\nselect 1", "two fields 'Check' (line 2)"),
        ("-- Check:\n-- Why: So.\nselect 1", "says nothing after 'Check:'"),
        ("-- Why:   \nselect 1", "says nothing after 'Why:'"),
    ],
)
def test_a_header_that_cannot_be_read_is_named(text: str, message: str) -> None:
    with pytest.raises(SqlError, match=re.escape(message)):
        parse_header(text)


MALFORMED = [
    (QUERY, "its header needs one of `-- Check: ` and what holds, or"),
    ("-- Why: So.\n" + QUERY, "its header needs one of `-- Check: `"),
    (GOOD.replace("-- Why", "-- Title: It?\n-- Why"), "needs one of `-- Check: `"),
    ("-- Check: It holds\n" + QUERY, "its header needs `-- Why: ` and why"),
    (GOOD.replace("Why", "Wy"), "an unknown field 'Wy'; the nearest is 'Why'"),
    (GOOD.replace("Check", "check"), "unknown field 'check'; the nearest is 'Check'"),
    (GOOD.replace("Because.", ""), "its header says nothing after 'Why:'"),
    (GOOD + "\n-- Why: So.", ""),
    ("-- Title: What?\n" + QUERY, "no check reads it; if it is one, say `-- Check: `"),
]


@pytest.mark.parametrize(("text", "message"), MALFORMED)
def test_a_malformed_header_is_one_line_that_names_its_file(
    tmp_path: Path, text: str, message: str
) -> None:
    file = tmp_path / "it.sql"
    file.write_text(text)
    if not message:
        (suite,) = load_checks(tmp_path).by_table
        assert [check.name for check in suite.checks] == ["it"]
        return
    with pytest.raises(BisaeError) as caught:
        load_checks(tmp_path)
    assert str(caught.value).startswith(f"{file}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


# -- folders -----------------------------------------------------------------------

SUITE = """{"name": "cells", "meta": {"key": ["size"]}, "expectations": [{
 "description": "It holds", "type": "expect_column_values_to_be_between",
 "kwargs": {"column": "mse", "min_value": 0},
 "meta": {"name": "it", "why": "Because.", "guards": "mse"}}]}"""


def test_a_suite_is_built_from_sql_and_json(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "cells" / "one.sql").write_text(GOOD)
    (tmp_path / "cells.json").write_text(SUITE)
    (tmp_path / "alone.sql").write_text(GOOD)
    loaded = load_checks(tmp_path)
    assert [
        (suite.table, suite.key, [check.name for check in suite.checks])
        for suite in loaded.by_table
    ] == [("alone", [], ["alone"]), ("cells", ["size"], ["one", "it"])]
    assert {view.name for view in loaded.views} == {"one", "alone"}


def test_a_name_is_used_once(tmp_path: Path) -> None:
    (tmp_path / "cells").mkdir()
    (tmp_path / "it.sql").write_text(GOOD)
    (tmp_path / "cells.json").write_text(SUITE)
    with pytest.raises(BisaeError, match=r"it\.sql: .*cells\.json has the name 'it'"):
        load_checks(tmp_path)
    (tmp_path / "cells" / "it.sql").write_text(GOOD)
    with pytest.raises(BisaeError, match=r"sql: .*it\.sql has the name 'it' too"):
        load_checks(tmp_path)


def test_a_suite_is_called_by_its_table(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(SUITE)
    with pytest.raises(BisaeError, match=r"mine\.json: .*call the file cells\.json"):
        load_checks(tmp_path)
