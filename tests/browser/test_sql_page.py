"""The SQL page: when a query runs, and what it can neither do nor take."""

import http.client
import io
import os
import re
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest

from bisae.browser import sql_page
from bisae.browser.download import download
from bisae.browser.page import Block, Page
from bisae.formats import Rows
from bisae.query import Connection
from support.browsing import Answer, Site
from support.rows import rows_of

ENDLESS = "select sum(range) from range(10000000000000)"


def ask(site: Site, query: str, kind: str = "", **more: str) -> Answer:
    """Run a query with the token of the server."""
    pairs = {"q": query, "token": site.library.token, **more}
    return site.get(f"/sql{kind}?{urlencode(pairs)}")


def test_a_query_is_answered(site: Site, con: Connection) -> None:
    query = "select size, step, layer, fvu from cells order by all"
    answer = ask(site, query)
    expected = rows_of(con, query)
    assert "Answer: 15 rows" in answer.text
    assert 'href="/M/40/1"' in answer.text
    assert ask(site, query, ".json").rows == expected
    table = pq.read_table(io.BytesIO(ask(site, query, ".parquet").body))
    assert table.to_pylist() == expected


def test_nothing_runs_without_the_token(site: Site) -> None:
    for token in ({}, {"token": "x"}):
        address = urlencode({"q": "select 6 * 7 as answer", **token})
        page = site.get(f"/sql?{address}").text
        assert "This query was not run" in page
        assert ">42<" not in page
        assert site.get(f"/sql.json?{address}").status == 404
        assert site.get(f"/sql.svg?{address}&x=answer").status == 404
    assert "Answer: 1 row " in ask(site, "select 6 * 7 as answer").text


def test_parameters_are_fields(site: Site, con: Connection) -> None:
    query = "select count(*) as n from features where layer = $layer and language = $l"
    assert 'name="p_layer"' in ask(site, query).text
    (row,) = ask(site, query, ".json", p_layer="1", p_l="ja").rows
    sql = "select count(*) as n from features where layer = 1 and language = 'ja'"
    assert [row] == rows_of(con, sql)


def test_codes_are_a_table_of_a_cell(site: Site) -> None:
    query = "select count(*) as n, max(feature) as last from codes"
    (row,) = ask(site, query, ".json", codes="M/40/1").rows
    assert row["n"] > 1000
    assert row["last"] < 256


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("select", "SELECT clause without selection list"),
        ("select 1; select 2", "2 statements: write one"),
        ("from nowhere", "nowhere"),
        ("copy (select 1) to '/tmp/x'", "disabled|cannot|only"),
    ],
)
def test_a_query_that_may_not_run_says_why(
    site: Site, query: str, message: str
) -> None:
    """The fence itself has tests of its own."""
    answer = ask(site, query)
    assert answer.status == 200
    assert 'role="alert"' in answer.text
    assert re.search(message, answer.text)
    assert "Traceback" not in answer.text


def test_a_file_of_a_wrong_query_is_an_error(site: Site) -> None:
    answer = ask(site, "from nowhere", ".json")
    assert answer.status == 400
    assert "nowhere" in answer.text


def test_a_query_ends_at_the_time_limit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_page, "SECONDS", 1.0)
    start = monotonic()
    assert "the query was ended after 1 s" in ask(site, ENDLESS).text
    assert monotonic() - start < 60


def test_a_query_ends_at_the_memory_limit(site: Site) -> None:
    query = "select list(repeat('x', 1000) || range) from range(3000000)"
    page = ask(site, query).text
    assert "memory" in page.lower()
    assert 'role="alert"' in page


def test_rows_and_bytes_are_limited(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ask(site, "from range(100000)").text
    assert "the first 500 rows: the answer has more rows" in page
    monkeypatch.setattr(sql_page, "ROWS_SAVED", 1000)
    assert len(ask(site, "from range(100000)", ".json").rows) == 1000
    monkeypatch.setattr(sql_page, "BYTES", 10_000)
    page = ask(site, "select repeat('x', 1000) as x from range(100)").text
    assert "Shown: the first" in page
    assert "more than 0 MiB" in page
    assert page.count("xxx") < 20_000
    one = "select repeat('x', 70000000) as x"  # more than a frame
    assert "select fewer columns" in ask(site, one).text


def test_a_figure_shows_the_answer(site: Site) -> None:
    query = 'select layer, fvu as "a.b[0]", size from cells'
    chart = {"mark": "point", "x": "layer", "y": "a.b[0]", "color": "size"}
    assert '<img src="/sql.svg?' in ask(site, query, **chart).text
    svg = ask(site, query, ".svg", **chart)
    assert svg.headers["content-type"] == "image/svg+xml"
    assert svg.body.count(b'aria-roledescription="point"') == 15
    assert ask(site, query, ".svg", mark="x").status == 400
    assert ask(site, query, ".svg", mark="bar", x="nowhere").status == 400


def test_csv_runs_nothing_in_a_spreadsheet() -> None:
    texts = ["=1+1", "+1", "-1", "@x", "\t=1", "x=1", "-"]
    rows = Rows(["=name", "n"], [(text, -1.5) for text in texts])
    page = Page("sql", "SQL", {"answer": Block(rows, "")}, {})
    csv = download(page, "answer", "csv").decode().splitlines()
    assert csv[0].startswith('"\'=name"')
    assert [line.split('"')[1][:1] for line in csv[1:6]] == ["'"] * 5
    assert csv[6] == '"x=1",-1.5'


def test_parquet_holds_values_of_several_types() -> None:
    rows = Rows(["a"], [(1,), ("x",), (None,)])
    page = Page("sql", "SQL", {"answer": Block(rows, "")}, {})
    table = pq.read_table(io.BytesIO(download(page, "answer", "parquet")))
    assert table["a"].to_pylist() == ["1", "x", None]


def running_queries() -> list[int]:
    """Return the processes of running queries, children of this one."""
    processes = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            is_query = b"bisae.query.worker" in (folder / "cmdline").read_bytes()
            if parent == os.getpid() and is_query:
                processes.append(int(folder.name))
    return processes


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_query_ends_when_its_reader_leaves(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql_page, "SECONDS", 600.0)
    address = urlencode({"q": ENDLESS, "token": site.library.token})
    tab = http.client.HTTPConnection("127.0.0.1", site.port)
    tab.request("GET", f"/sql?{address}")
    wait_until(lambda: bool(running_queries()))
    tab.close()
    wait_until(lambda: not running_queries())


def wait_until(happened: Callable[[], bool]) -> None:
    """Wait for an event, which takes a second or two on an idle machine."""
    end = monotonic() + 120
    while not happened():
        assert monotonic() < end
        sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_fifty_requests_wait_for_no_long_query(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages and another query are answered while one query runs."""
    monkeypatch.setattr(sql_page, "SECONDS", 600.0)
    statuses: dict[str, int] = {}

    def get(path: str) -> None:
        statuses[path] = site.get(path).status

    token = site.library.token
    long = f"/sql?{urlencode({'q': ENDLESS, 'token': token})}"
    paths = [f"/sql?{urlencode({'q': 'select 1', 'token': token})}"]
    paths += [f"/M/40/1?first={n}" for n in range(16)]
    paths += [f"/M/40/1/{n}" for n in range(16)]
    paths += [f"/?measure=fvu&n={n}" for n in range(16)]
    first, *others = (threading.Thread(target=get, args=(p,)) for p in [long, *paths])
    for thread in (first, *others):
        thread.start()
    for thread in others:
        thread.join(120)
    assert statuses == dict.fromkeys(paths, 200)
    assert first.is_alive()
    for process in running_queries():
        os.kill(process, signal.SIGKILL)
    first.join(60)
    assert statuses[long] == 200  # a page that says what happened
