"""The pages in a real browser: console, requests, names, keyboard, hostile text."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

from bisae.browser.export import export_site
from bisae.grid import parse_selection
from bisae.store import Store
from support.browsing import Site, serving
from support.chromium import (
    chromium,
    complaints_of,
    emulate,
    nameless_controls,
    requests_of,
    resize,
)

PAGES = {
    "grid": ("/", "Mixed share over sizes, steps and layers"),
    "measure": ("/?measure=mean_span", "Span (tokens) over sizes, steps and layers"),
    "cell": ("/M/40/1", "M, step 40, layer 1"),
    "columns": ("/M/40/1?columns=all&sort=mean_span", "M, step 40, layer 1"),
    "definitions": ("/definitions", "Definitions"),
    "trends": ("/trends", "Trends"),
    "text": ("/text", "Text"),
    "sql": ("/sql", "SQL"),
}
HOSTILE = (
    "<img src=x onerror=document.title='run'><script>document.title='run'</script>"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    with chromium() as running:
        yield running


def feature_address(site: Site) -> str:
    """The address of a feature that fires in many documents."""
    rows = site.get("/M/40/1.json?sort=n_documents&order=desc").rows
    return f"/M/40/1/{rows[0]['feature']}"


def submit(browser: Chrome, label: str) -> None:
    """Press a button, and wait until its page is there."""
    main = browser.find_element(By.TAG_NAME, "main")
    browser.find_element(By.XPATH, f"//button[text()='{label}']").click()
    WebDriverWait(browser, 60).until(lambda _: is_gone(main))


def is_gone(element: object) -> bool:
    try:
        element.is_displayed()  # type: ignore[attr-defined]
    except Exception:
        return True
    return False


def check_page(browser: Chrome, site: Site) -> None:
    """Nothing foreign is asked for, nothing complains, everything has a name."""
    assert all(url.startswith(site.url) for url in requests_of(browser))
    assert complaints_of(browser) == []
    assert nameless_controls(browser) == []
    for width in (1280, 390):
        resize(browser, width)
        wide = browser.execute_script("return document.documentElement.scrollWidth")
        assert wide <= width, (browser.current_url, wide)


@pytest.mark.parametrize("name", PAGES)
def test_a_page(browser: Chrome, site: Site, name: str) -> None:
    path, title = PAGES[name]
    browser.get(site.url + path)
    assert browser.find_element(By.TAG_NAME, "h1").text == title
    check_page(browser, site)


def test_a_feature_is_followed_through_training(browser: Chrome, site: Site) -> None:
    """From the grid to a cell, a feature, and its best match at the step before."""
    browser.get(site.url)
    browser.find_element(By.CSS_SELECTOR, "a[href='/M/40/1']").click()
    browser.find_element(By.LINK_TEXT, "documents").click()
    assert "sort=n_documents&order=desc" in browser.current_url
    browser.find_element(By.CSS_SELECTOR, "tbody td a[href^='/M/40/1/']").click()
    assert browser.find_elements(By.CSS_SELECTOR, ".example")
    check_page(browser, site)
    browser.find_element(By.CSS_SELECTOR, "#neighbours a[href^='/M/5/1/']").click()
    assert re.fullmatch(
        r"Feature \d+ \w+", browser.find_element(By.TAG_NAME, "h1").text
    )
    assert "/M/5/1/" in browser.current_url


def test_a_filter_by_the_form(browser: Chrome, site: Site) -> None:
    browser.get(f"{site.url}/M/40/1")
    Select(browser.find_element(By.NAME, "column")).select_by_visible_text("language")
    browser.find_element(By.NAME, "value").send_keys("ja")
    browser.find_element(By.NAME, "token").send_keys("の")
    submit(browser, "Show")
    tokens = browser.find_elements(By.CSS_SELECTOR, ".tokens")
    languages = browser.find_elements(By.CSS_SELECTOR, ".tokens + td")
    assert {cell.text for cell in languages} == {"ja"}
    assert any("の" in cell.text for cell in tokens)


def test_a_query_and_its_figure(browser: Chrome, site: Site) -> None:
    browser.get(f"{site.url}/sql")
    query = "select layer, fvu from cells where size = $size"
    browser.find_element(By.NAME, "q").send_keys(query)
    submit(browser, "Run")
    browser.find_element(By.NAME, "p_size").send_keys("M")
    submit(browser, "Run")
    assert "Answer: 9 rows" in browser.page_source
    for name, value in (("mark", "point"), ("x", "layer"), ("y", "fvu")):
        Select(browser.find_element(By.NAME, name)).select_by_visible_text(value)
    submit(browser, "Draw")
    image = browser.find_element(By.CSS_SELECTOR, "figure img")
    WebDriverWait(browser, 60).until(
        lambda _: (
            browser.execute_script("return arguments[0].naturalWidth", image) > 100
        )
    )
    check_page(browser, site)


def test_a_text_is_encoded(browser: Chrome, site: Site) -> None:
    browser.get(f"{site.url}/text")
    browser.find_element(By.NAME, "text").send_keys("The cat saw 猫を見た <b>")
    submit(browser, "Encode")
    passage = browser.find_element(By.CSS_SELECTOR, ".passage")
    assert passage.text == "The cat saw 猫を見た <b>"
    assert passage.find_elements(By.CSS_SELECTOR, "span[style]")
    check_page(browser, site)


def test_the_findings_appear_when_they_are_computed(
    browser: Chrome, site: Site
) -> None:
    browser.get(f"{site.url}/findings")
    WebDriverWait(browser, 120).until(
        lambda _: browser.find_elements(By.CSS_SELECTOR, ".scroll table")
    )
    check_page(browser, site)


def test_the_keyboard_is_enough(browser: Chrome, site: Site) -> None:
    """The first key leads past the navigation, and everything can be focused."""
    browser.get(site.url)
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys(Keys.TAB)
    focused = browser.switch_to.active_element
    assert focused.text == "To the content"
    focused.send_keys(Keys.ENTER)
    assert browser.current_url.endswith("#content")
    for link in browser.find_elements(By.CSS_SELECTOR, "main a, main select"):
        assert link.get_attribute("tabindex") != "-1"


def test_dark_pages_are_dark(browser: Chrome, site: Site) -> None:
    emulate(browser, scheme="dark")
    browser.get(site.url)
    script = "return getComputedStyle(document.body).backgroundColor"
    red = int(re.findall(r"\d+", browser.execute_script(script))[0])
    assert red < 60
    emulate(browser)


def with_hostile_tokens(store: Store) -> None:
    """Replace a third of the vocabulary by markup."""
    file = Path(str(store.tables)) / "vocab" / "rows.parquet"
    table = pq.read_table(file)
    tokens = [
        f"{HOSTILE}{row['token_id']}" if row["token_id"] % 3 == 0 else row["token"]
        for row in table.to_pylist()
    ]
    column = table.schema.get_field_index("token")
    pq.write_table(table.set_column(column, "token", pa.array(tokens)), file)


def test_markup_in_text_tokens_and_queries_is_text(
    browser: Chrome, copy: Store
) -> None:
    with_hostile_tokens(copy)
    name = {"name": HOSTILE}
    with serving(Store(copy.path, copy.study.model_copy(update=name))) as site:
        query = f"select '{HOSTILE.replace(chr(39), chr(34))}' as \"{HOSTILE[:60]}\""
        run = urlencode({"q": query, "token": site.library.token, "p_x": HOSTILE})
        paths = [
            *("/", "/M/40/1?sort=n_tokens&order=desc", feature_address(site)),
            *(f"/sql?{run}", f"/M/40/1?{urlencode({'token': HOSTILE})}"),
            f"/text?{urlencode({'text': HOSTILE})}",
            f"/{HOSTILE}",
        ]
        shown = 0
        for path in paths:
            browser.get(site.url + path)
            assert browser.title != "run"
            assert browser.find_elements(By.CSS_SELECTOR, "script, img[src=x]") == []
            shown += HOSTILE[:20] in browser.find_element(By.TAG_NAME, "body").text
            assert "Content Security Policy" not in "".join(complaints_of(browser))
        assert shown >= 5


def test_a_site_of_files(browser: Chrome, tiny: Store, tmp_path: Path) -> None:
    only = parse_selection("size=M,step=40,layer=1")
    first = export_site(tiny, tmp_path / "site", only, 2)
    browser.get(first.as_uri())
    requests_of(browser)
    browser.find_element(By.CSS_SELECTOR, "table.heat a").click()
    features = browser.find_elements(By.CSS_SELECTOR, "td a")
    assert 2 < len(features) <= 6
    features[0].click()
    assert browser.find_elements(By.CSS_SELECTOR, ".example")
    browser.find_element(By.CSS_SELECTOR, "a.term").click()
    assert browser.find_element(By.TAG_NAME, "h1").text == "Definitions"
    assert complaints_of(browser) == []
    assert all(url.startswith("file://") for url in requests_of(browser))
    for page in tmp_path.rglob("*.html"):
        for address in re.findall(r'(?:href|src)="([^"#]+)', page.read_text()):
            assert (page.parent / address).exists(), (page, address)


def test_the_server_hides_what_it_is(site: Site) -> None:
    """A request that is not HTTP gets an answer, and the server goes on."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    connection.request("GET", "/%00%ff/../..//M/40/1")
    assert connection.getresponse().status == 404
    connection.close()
    assert site.get("/").status == 200
