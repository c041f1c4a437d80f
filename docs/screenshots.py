"""Take the screenshots of docs/: parts of the toy's report, in headless Chromium.

    python docs/screenshots.py [STORE]

Reads the report of a store, by default that of `make demo`; writes docs/images. Needs
Chromium: `apt-get install chromium`.
"""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from PIL import Image

DOCS = Path(__file__).parent
TOY = DOCS.parent / "store" / "data" / "toy" / "store"
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{}</dir>
</fontconfig>"""
"""Adds the folder of a Japanese font, which a server may lack."""
COLORS = 256


class Screenshot(NamedTuple):
    """The page, or a section of it, in a window of a size in pixels."""

    name: str
    section: str
    width: int
    height: int
    is_dark: bool = False


SCREENSHOTS = [
    Screenshot("report", "", 1280, 900),
    Screenshot("report-examples", "examples", 1280, 760),
    Screenshot("report-dark", "figures", 1280, 900, is_dark=True),
    Screenshot("report-phone", "", 390, 844),
]


def main() -> None:
    """Take all screenshots."""
    store = Path(sys.argv[1]) if len(sys.argv) > 1 else TOY
    page = (store / "reports" / "index.html").resolve()
    if not page.exists():
        sys.exit(f"{page} does not exist; `make demo` writes it")
    (DOCS / "images").mkdir(exist_ok=True)
    for screenshot in SCREENSHOTS:
        file = DOCS / "images" / f"{screenshot.name}.png"
        take(screenshot, page, file)
        Image.open(file).convert("RGB").quantize(COLORS).save(file, optimize=True)
        print(file)


def take(screenshot: Screenshot, page: Path, file: Path) -> None:
    """Write a part of a page as PNG."""
    with tempfile.TemporaryDirectory() as profile:
        # Scrolled to an anchor, Chromium's screenshots are blank.
        section = screenshot.section or "claims"
        hidden = f"body > :not(#{section})" if screenshot.section else "none"
        copy = Path(profile) / "page.html"
        style = f"<style>{hidden} {{ display: none }}"
        style += f"#{section} h2 {{ margin-top: 0; border: 0 }}</style></head>"
        copy.write_text(page.read_text("utf-8").replace("</head>", style, 1), "utf-8")
        fonts = Path(profile) / "fonts.conf"
        fonts.write_text(FONTS.format(font_folder()))
        command = [
            *("chromium", "--headless", "--no-sandbox", "--hide-scrollbars"),
            f"--user-data-dir={profile}",
            f"--window-size={screenshot.width},{screenshot.height}",
            f"--screenshot={file}",
            f"--blink-settings=preferredColorScheme={int(not screenshot.is_dark)}",
            copy.as_uri(),
        ]
        environment = {"FONTCONFIG_FILE": str(fonts), "HOME": profile}
        environment |= {"PATH": "/usr/local/bin:/usr/bin:/bin"}
        subprocess.run(command, check=True, capture_output=True, env=environment)


def font_folder() -> Path:
    """Return the folder of the Japanese font that figures use."""
    package = importlib.util.find_spec("matplotlib_fontja")
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).parent / "fonts"


if __name__ == "__main__":
    main()
