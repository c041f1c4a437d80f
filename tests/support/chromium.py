"""A real browser without a window, and what its pages ask for and complain of."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

REQUIRED = os.environ.get("BISAE_CHROMIUM") == "required"
"""Set where tests must not be skipped."""
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
CONTROLS = {
    *("link", "button", "textbox", "combobox", "checkbox", "searchbox", "image"),
    *("img", "spinbutton", "region", "navigation"),
}
"""Roles that need a name."""


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """A browser; skips the test where there is none."""
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not (program and driver):
        reason = "no chromium and chromedriver (Debian: chromium, chromium-driver)"
        assert not REQUIRED, reason
        pytest.skip(reason)
    options = Options()
    options.binary_location = program
    for argument in ARGUMENTS:
        options.add_argument(argument)
    logs = {"browser": "ALL", "performance": "ALL"}
    options.set_capability("goog:loggingPrefs", logs)
    browser = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield browser
    finally:
        browser.quit()


def resize(browser: webdriver.Chrome, width: int, height: int = 900) -> None:
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def emulate(browser: webdriver.Chrome, *, media: str = "", scheme: str = "") -> None:
    """Show pages in a medium, such as print, and a colour scheme."""
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"media": media, "features": features}
    )


def log_of(browser: Any, name: str) -> list[dict[str, str]]:
    """A log of the browser since the last call."""
    entries: list[dict[str, str]] = browser.get_log(name)
    return entries


def requests_of(browser: webdriver.Chrome) -> set[str]:
    """The addresses that pages asked for since the last call."""
    messages = [
        json.loads(entry["message"])["message"]
        for entry in log_of(browser, "performance")
    ]
    return {
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    }


def complaints_of(browser: webdriver.Chrome) -> list[str]:
    """What the console said since the last call."""
    return [entry["message"] for entry in log_of(browser, "browser")]


def nameless_controls(browser: webdriver.Chrome) -> list[dict[str, Any]]:
    """The controls of a page to which a screen reader has nothing to say."""
    tree = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [
        node
        for node in tree
        if not node.get("ignored")
        and node.get("role", {}).get("value") in CONTROLS
        and not node.get("name", {}).get("value", "").strip()
    ]
