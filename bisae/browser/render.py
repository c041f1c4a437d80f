"""Pages as HTML: fills the templates of reports/browser and says where links lead."""

import posixpath
from collections.abc import Collection
from typing import Any, Protocol
from urllib.parse import urlencode

from bisae.assets import asset_dir
from bisae.browser.definitions import anchor, definitions
from bisae.browser.library import Library
from bisae.browser.page import Block, Page
from bisae.report.template import template

IDS = frozenset(
    {
        *("step", "layer", "feature", "other", "token_id", "cluster", "document"),
        *("token_row", "position", "rank", "bin"),
    }
)
"""Columns whose numbers are names: without separators of thousands."""
STYLES = ("style.css", "browser/browser.css")


class Links(Protocol):
    """Says where a link to a page leads from the page that is rendered."""

    def __call__(self, path: str, query: str = "") -> str:
        """Return the address of a page, or "" if there is none."""


def served(path: str, query: str = "") -> str:
    """Return the address of a page of the server; `path` begins with a slash."""
    return f"{path}?{query}" if query else path


class Written:
    """Links between written files, of which each page is a folder's index.html."""

    def __init__(self, page: str, pages: Collection[str]) -> None:
        """`page` is the page that is rendered, `pages` are all that are written."""
        self._page, self._pages = page, pages

    def __call__(self, path: str, query: str = "") -> str:
        """Return the relative address of a page that is written."""
        if query or path not in self._pages:
            return ""
        target = path if "." in path.rpartition("/")[2] else f"{path}/index.html"
        start = self._page if self._page != "/" else ""
        return posixpath.relpath(f"/site{target}", f"/site{start}")


def render(library: Library, page: Page, path: str, query: Any, links: Links) -> str:
    """Return a page as HTML."""

    def sql(block: Block) -> str:
        codes = {"codes": str(block.codes)} if block.codes else {}
        token = {"token": library.token}
        return links("/sql", urlencode({"q": block.query, **codes, **token}))

    def rows(name: str, kind: str) -> str:
        pairs = [*query.multi_items(), ("rows", name)]
        return links(f"{path if path != '/' else '/grid'}.{kind}", urlencode(pairs))

    def changed(**changes: str) -> str:
        kept = [pair for pair in query.multi_items() if pair[0] not in changes]
        return links(path, urlencode([*kept, *changes.items()]))

    return template(f"browser/{page.template}.html.jinja").render(
        page.context,
        page=page,
        path=path,
        query=query,
        href=links,
        sql=sql,
        rows_address=rows,
        changed=changed,
        anchor=anchor,
        definitions=definitions,
        ids=IDS,
        store=library.store,
        token=library.token,
        is_served=links is served,
    )


def styles() -> str:
    """Return the style of all pages."""
    folder = asset_dir("reports")
    return "\n".join((folder / name).read_text("utf-8") for name in STYLES)
