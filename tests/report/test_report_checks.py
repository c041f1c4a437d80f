"""The page of checks: what `bisae validate` shows, whole and without a network."""

import re
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from bisae.checks import CheckResult, as_records, validate
from bisae.cli import main
from bisae.report.checks import counts, render_checks
from bisae.store import Store, open_store
from support.store_copy import copy_store

NASTY = "<script>alert('大')</script> & \"more\""
PASSED = CheckResult(
    Path("cells_repeated.sql"),
    "cells",
    "cells_repeated",
    "Every cell has one row",
    "It counts once.",
    "grain of cells",
    "pass",
    "0",
    "no rows",
    0,
    [],
)
ROW = {"size": "S", "step": 1000, "layer": 2, "word": NASTY, "mse": None}
FAILED = PASSED._replace(
    description="No cell is bad", status="fail", observed="1", n_bad=1, rows=[ROW]
)
RAISED = PASSED._replace(
    file=Path("mine.sql"), table="mine", status="error", observed="no such column"
)


class Text(HTMLParser):
    """The words of a page, and its tags; those within <style> are none."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] != "style":
            self.words.append(data)


def read(page: str) -> tuple[str, list[str]]:
    """The words of a page, and its tags but <code>, which may be within a sentence."""
    text = Text()
    text.feed(re.sub("</?code>", "", page))
    return " ".join(" ".join(text.words).split()), text.tags


@pytest.fixture(scope="module")
def folder(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The reports of the tiny store, as the command writes them."""
    location = tmp_path_factory.mktemp("checks") / "store"
    copy_store(tiny, location)
    message = CliRunner().invoke(main, ["report", str(location)])
    assert message.exit_code == 0, message.output
    return location / "reports"


def test_the_page_has_every_check(folder: Path) -> None:
    page = (folder / "validation.html").read_text("utf-8")
    words, _ = read(page)
    assert "a study language or <code>mixed</code>" in page
    results = validate(open_store(folder.parent))
    for result in results:
        for text in (
            result.check,
            result.description,
            result.why,
            result.guards,
            result.observed,
        ):
            assert " ".join(text.replace("`", "").split()) in words
        assert result.expected in words
    assert f"{len(results)} passed, 0 failed, 0 could not run." in words
    assert words.count("Expected:") == len(results)


def test_the_pages_lead_to_each_other(folder: Path) -> None:
    assert 'href="validation.html"' in (folder / "index.html").read_text("utf-8")
    page = (folder / "validation.html").read_text("utf-8")
    links = re.findall(r'href="([^"]+)"', page)
    assert "index.html" in links
    for link in links:
        inside = link.startswith("#") and f'id="{link[1:]}"' in page
        assert inside or (folder / link).exists(), link


def test_the_page_loads_nothing(folder: Path) -> None:
    page = (folder / "validation.html").read_text("utf-8")
    assert "://" not in page
    assert not re.search(r"<(script|link|img|iframe|object)\b|@import|url\(", page)


def test_what_failed_is_on_top_and_with_its_rows() -> None:
    page = render_checks("toy", as_records([PASSED, FAILED, RAISED]))
    words, tags = read(page)
    assert "1 passed, 1 failed, 1 could not run." in words
    top, _, below = words.partition("cells pass Every cell has one row")
    assert "fail No cell is bad (cells: S/1000/2)" in top
    assert "could not run Every cell has one row" in top
    assert "Where: cells: S/1000/2." in below
    assert "size step layer word mse S 1,000 2" in below
    assert "Observed: no such column." in below
    assert tags.count("article") == 3
    assert tags.count("table") == 1


def test_a_store_that_passes_all_has_no_notice() -> None:
    page = render_checks("toy", as_records([PASSED]))
    assert '<div class="notice">' not in page


def test_texts_are_escaped() -> None:
    labelled = FAILED._replace(
        description=NASTY, why=NASTY, guards=NASTY, observed=NASTY, expected=NASTY
    )
    page = render_checks(NASTY, as_records([labelled]))
    words, tags = read(page)
    assert "script" not in tags
    assert words.count("<script>alert('大')</script> & \"more\"") >= 7


def test_results_are_counted() -> None:
    assert counts(as_records([PASSED, PASSED, RAISED])) == {
        "pass": 2,
        "fail": 0,
        "error": 1,
    }


def test_the_page_is_there_where_the_rest_cannot_be_made(copy: Store) -> None:
    """A mean over a value that is no number cannot be computed."""
    for file in (copy.path / "tables" / "features").rglob("*.parquet"):
        spoiled = f"select * replace ('nan'::double as mean_span) from '{file}'"
        duckdb.execute(f"create or replace temp table t as {spoiled}")
        duckdb.execute(f"copy t to '{file}' (format parquet)")
    message = CliRunner().invoke(main, ["report", str(copy.path)])
    assert message.exit_code == 2
    assert "value nan can't be cast" in message.stderr
    page = (copy.path / "reports" / "validation.html").read_text("utf-8")
    assert (
        "Spans of firings lie between one token and a window (features" in read(page)[0]
    )
