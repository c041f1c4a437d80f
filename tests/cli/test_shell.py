"""The SQL shell, and what a terminal is shown: the real ones, in a terminal."""

from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from wcwidth import wcswidth

from bisae.cli.complete import SqlCompleter, tables_read
from bisae.store import Store
from support.terminal import ENDLESS, WIDTH, terminal


def test_ctrl_c_stops_the_query_and_not_the_shell(tiny: Store, tmp_path: Path) -> None:
    with terminal("sql", tiny.path, home=tmp_path) as shell:
        shell.read_to("bisae>")
        shell.type(f"{ENDLESS};\r")
        assert "query:" in shell.read_to("/100")  # the progress bar
        shell.type("\x03")
        shell.read_to("Error: the query was stopped\n")
        shell.read_to("bisae>")
        shell.type("select 40 +\r")
        shell.read_to("     >")
        shell.type("2 as answer;\r")
        seen = shell.read_to(" s\n")
        assert "answer\n------\n    42\n" in seen
        shell.read_to("bisae>")
        shell.type("\x04")
        assert shell.end()[0] == 0
    history = (tmp_path / ".bisae_history").read_text()
    assert "+select 40 +\n+2 as answer;\n" in history


def test_an_error_leaves_the_shell_open(tiny: Store, tmp_path: Path) -> None:
    ask = ("sql", tiny.path, "--timeout", 0.5, "--param", "size=S")
    with terminal(*ask, home=tmp_path) as shell:
        for typed, answer in {
            "from featurs": 'not exist!; nearest: "features" (line 1: from featurs',
            ENDLESS: "Error: the query was ended after 0.5 s: raise the time limit ",
            "select count(*) as n from cells where size = $size": "n\n-\n6\n",
            "select $other": "Error: the query's $other has no value: give --param",
            "select 1 as a; select 2 as b": "a\n-\n1\n",
        }.items():
            shell.read_to("bisae>")
            shell.type(f"{typed};\r")
            shell.read_to(answer)
        shell.read_to("b\n-\n2\n")
        shell.read_to("bisae>")
        shell.type("\x04")
        assert shell.end()[0] == 0


def test_ctrl_c_ends_a_query_given_as_a_word(tiny: Store) -> None:
    with terminal("sql", tiny.path, ENDLESS) as command:
        command.read_to("/100")
        command.type("\x03")
        status, seen = command.end()
    assert status == 130
    assert seen.endswith("Error: the query was stopped\n")
    assert "Traceback" not in seen


def test_a_terminal_is_shown_what_fits_it(tiny: Store) -> None:
    query = (
        "select '日本語' as word, repeat('長い', 50) as text, * from range(50), cells"
    )
    with terminal("sql", tiny.path, query) as command:
        status, seen = command.end()
    *table, last = seen.splitlines()
    assert status == 0
    assert len(table) == 42
    assert 60 < max(map(wcswidth, table)) <= WIDTH
    assert last.startswith("the first 40 rows and ")
    assert last.endswith(
        " columns are shown; to see all, pipe the answer or give --output"
    )


def test_a_terminal_is_shown_views_one_by_one(tiny: Store) -> None:
    with terminal("views", tiny.path) as command:
        _, seen = command.end()
    assert "\nvocab\n    Which tokens are exclusive to one language?\n" in seen
    assert "    one row per: token_id\n    token_id, token, language\n" in seen
    assert max(map(len, seen.splitlines())) <= WIDTH


COLUMNS = {"cells": ["size", "fvu"], "features": ["size", "feature", "p_shared"]}


@pytest.mark.parametrize(
    ("typed", "after", "offered"),
    [
        ("select * from fea", "", ["features"]),
        ("select * from ", "", ["cells", "features"]),
        ("select c.", " from cells as c", ["fvu", "size"]),
        ("select FEATURES.f", " from features", ["feature"]),
        ("select f", " from cells", ["features", "fvu"]),
        ("select f", "", ["feature", "features", "fvu"]),
        ("select size from cells wh", "", ["where"]),
        ("select ", "", []),
    ],
)
def test_completion(typed: str, after: str, offered: list[str]) -> None:
    completer = SqlCompleter(COLUMNS, ["where", "select"])
    document = Document(typed + after, len(typed))
    actual = completer.get_completions(document, CompleteEvent())
    assert [item.text for item in actual] == offered


def test_tables_are_found_by_alias() -> None:
    query = "select * from cells as c\njoin features f using (size) join vocab"
    labelled = {"c": "cells", "f": "features"}
    assert labelled.items() <= tables_read(query).items()
    assert tables_read(query)["vocab"] == "vocab"
