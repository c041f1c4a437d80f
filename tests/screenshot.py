"""Take the picture of the feature browser that the README shows.

    python tests/screenshot.py STORE docs/browser.png [ADDRESS]

Needs Chromium and its driver. ADDRESS is a page, such as /0.5M/900/2/17; by default it
is the mixed feature of the last size's middle cell that fires in most documents. The
font for Japanese is that of the package matplotlib-fontja.
"""

import os
import sys
import tempfile
from pathlib import Path

import matplotlib_fontja

from bisae.store import open_store
from support.browsing import serving
from support.chromium import chromium, resize

FONTS = Path(matplotlib_fontja.__file__).parent / "fonts"
CONFIGURATION = f"""<?xml version="1.0"?>
<fontconfig>
  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>
  <dir>{FONTS}</dir>
</fontconfig>
"""
MIXED = "column=language&is=eq&value=mixed&sort=n_documents&order=desc"


def main(store: str, file: str, address: str = "") -> None:
    """Open the page at a width of 1,280 pixels and save it."""
    opened = open_store(store)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as configuration:
        configuration.write(CONFIGURATION)
        configuration.flush()
        os.environ["FONTCONFIG_FILE"] = configuration.name
        with serving(opened) as site, chromium() as browser:
            if not address:
                cell = opened.study.models[-1].middle_cell
                (row, *_) = site.get(f"/{cell}.json?{MIXED}").rows
                address = f"/{cell}/{row['feature']}"
            browser.get(f"{site.url}{address}")
            resize(browser, 1280, 1100)
            browser.save_screenshot(file)


if __name__ == "__main__":
    main(*sys.argv[1:])
