"""The page of a report in a real browser: values, slider, foldings, widths, print."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import ActionChains, Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from bisae.report import report
from bisae.store import Store, open_store
from support.chromium import (
    chromium,
    complaints_of,
    emulate,
    nameless_controls,
    requests_of,
    resize,
)
from support.store_copy import copy_store

FIGURE = "figure_layers"
A4 = 718
"""The width in pixels of an A4 page between Chromium's margins."""
STICKING_OUT = """
    const isScrolled = node => node && (getComputedStyle(node).overflowX !== "visible"
        || isScrolled(node.parentElement));
    return [...document.body.querySelectorAll("*")].filter(node =>
        node.getBoundingClientRect().width > 0
        && node.getBoundingClientRect().right > innerWidth + 1
        && !isScrolled(node.parentElement)
    ).map(node => `${node.tagName} ${node.textContent.slice(0, 40)}`);
"""


@pytest.fixture(scope="module")
def url(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page as a file."""
    location = tmp_path_factory.mktemp("page") / "store"
    copy_store(tiny, location)
    return Path(str(report(open_store(location), []))).as_uri()


@pytest.fixture(scope="module")
def running() -> Iterator[Chrome]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def browser(running: Chrome, url: str) -> Iterator[Chrome]:
    """The page as it is opened; afterwards, it must not have complained or asked."""
    emulate(running)
    resize(running, 1280)
    running.get(url)
    yield running
    assert complaints_of(running) == []
    assert requests_of(running) == {url}


def figure_of(browser: Chrome) -> WebElement:
    return browser.find_element(By.ID, FIGURE)


def labels(marks: list[WebElement]) -> list[str]:
    return [mark.get_attribute("aria-label") or "" for mark in marks]


def marks_of(figure: WebElement, kind: str = "") -> list[WebElement]:
    """The points of a figure, or those of a class."""
    points = figure.find_elements(By.CSS_SELECTOR, f".role-mark path{kind}[aria-label]")
    return [mark for mark in points if ": " in labels([mark])[0]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_fits_its_window(browser: Chrome, width: int, scheme: str) -> None:
    emulate(browser, scheme=scheme)
    resize(browser, width)
    wide = browser.execute_script("return document.documentElement.scrollWidth")
    assert wide <= width, browser.execute_script(STICKING_OUT)
    colour = browser.execute_script("return getComputedStyle(document.body).color")
    assert (colour == "rgb(34, 34, 34)") == (scheme == "light")
    assert nameless_controls(browser) == []


def test_the_pointer_shows_the_values_of_the_nearest_point(browser: Chrome) -> None:
    tip = browser.find_element(By.CLASS_NAME, "tip")
    assert not tip.is_displayed()
    (mark, *_) = marks_of(figure_of(browser))
    ActionChains(browser).scroll_to_element(mark).move_to_element(mark).perform()
    assert tip.is_displayed()
    assert tip.text in labels(marks_of(figure_of(browser)))
    heading = figure_of(browser).find_element(By.TAG_NAME, "h3")
    ActionChains(browser).move_to_element(heading).perform()
    assert not tip.is_displayed()


def test_the_slider_lists_the_values_of_a_checkpoint(browser: Chrome) -> None:
    """By the keyboard and by the mouse; the other checkpoints are dimmed."""
    figure = figure_of(browser)
    slider = figure.find_element(By.CSS_SELECTOR, ".slider input")
    output = figure.find_element(By.CSS_SELECTOR, ".slider output")
    every = labels(marks_of(figure))
    before = figure.screenshot_as_base64
    slider.send_keys(Keys.ARROW_RIGHT)
    assert output.text == "untrained"
    assert check_chosen(figure) == [
        label for label in every if label.startswith("untrained: ")
    ]
    assert figure.screenshot_as_base64 != before
    right_end = slider.size["width"] // 2 - 3
    to_the_end = ActionChains(browser).move_to_element_with_offset(slider, right_end, 0)
    to_the_end.click().perform()
    assert output.text == max({label.split(": ")[0] for label in every}, key=n_tokens)
    check_chosen(figure)
    slider.send_keys(Keys.HOME)
    assert output.text == "all"
    assert marks_of(figure, ".dim") == marks_of(figure, ".chosen") == []


def n_tokens(key: str) -> int:
    """The number of tokens of a checkpoint, as a label begins with it."""
    return int(re.sub(r"\D", "", key) or 0)


def check_chosen(figure: WebElement) -> list[str]:
    """Return the labels of the chosen points, whose values are listed."""
    chosen = labels(marks_of(figure, ".chosen"))
    items = [item.text for item in figure.find_elements(By.CSS_SELECTOR, ".slider li")]
    assert items == [label.split(": ", 1)[1] for label in chosen]
    n_dimmed = len(marks_of(figure, ".dim"))
    assert len(chosen) + n_dimmed == len(marks_of(figure)) > n_dimmed > 0
    return chosen


def test_data_and_columns_unfold(browser: Chrome) -> None:
    figure = figure_of(browser)
    table = figure.find_element(By.TAG_NAME, "table")
    summary = figure.find_element(By.TAG_NAME, "summary")
    assert not table.is_displayed()
    summary.send_keys(Keys.ENTER)
    assert table.is_displayed()
    columns = figure.find_element(By.CSS_SELECTOR, "details.rest summary")
    columns.click()
    wide = figure.find_element(By.CSS_SELECTOR, "details.rest table")
    assert wide.is_displayed()
    n_columns = [len(t.find_elements(By.TAG_NAME, "th")) for t in (table, wide)]
    assert n_columns[0] < n_columns[1]
    check_print(browser)


def check_print(browser: Chrome) -> None:
    """On A4 no element is wider than the page, and none has a scroll bar."""
    emulate(browser, media="print")
    resize(browser, A4)
    assert browser.execute_script(STICKING_OUT) == []
    assert not browser.find_element(By.CSS_SELECTOR, ".slider").is_displayed()
    emulate(browser)


def test_nothing_is_cut_when_printed(browser: Chrome) -> None:
    check_print(browser)
    pdf = base64.b64decode(browser.print_page())
    assert pdf.startswith(b"%PDF")
    assert pdf.count(b"/Type /Page\n") > 3
