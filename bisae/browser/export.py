"""Write pages as files: a random sample of features, for a paper's supplement.

Reads `feature_sample` and what the pages read; writes a folder that any browser opens
without a server.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from starlette.datastructures import QueryParams

from bisae.browser.cell_page import tokens_of_features
from bisae.browser.feature_page import feature_page
from bisae.browser.grid_page import grid_page
from bisae.browser.library import Library
from bisae.browser.page import Page, address_is, ask
from bisae.browser.render import Written, render, styles
from bisae.errors import StoreError, Unfinished
from bisae.grid import Cell, Selection
from bisae.progress import track
from bisae.query import exported_cells
from bisae.store import Store

NOTHING = QueryParams()


class Sampled(NamedTuple):
    """The page of a cell, and its features that have pages."""

    cell: Cell
    features: list[int]
    page: Page


def export_site(
    store: Store, folder: Path, only: Selection | None, per_class: int
) -> Path:
    """Write a site; return its first page. Raises StoreError and Unfinished.

    It has `per_class` supported features of each class of some cells: of those that
    `only` selects, or of each size's middle layer at its last step.
    """
    if folder.exists() and any(folder.iterdir()):
        msg = f"{folder} is not empty: give a new folder to --export"
        raise StoreError(msg)
    library = Library(store)
    sampled = [_sample(library, cell, per_class) for cell in _cells(store, only)]
    paths = {"/", "/style.css", "/definitions"}
    for of_cell in sampled:
        paths.add(f"/{of_cell.cell}")
        paths |= {f"/{of_cell.cell}/{feature}" for feature in of_cell.features}
    (folder / "definitions").mkdir(parents=True)
    (folder / "style.css").write_text(styles(), encoding="utf-8")
    for path, page in track(
        _pages(library, sampled), len(paths) - 1, "export", "pages"
    ):
        html = render(library, page, path, NOTHING, Written(path, paths))
        file = folder / path.strip("/") / "index.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(html, encoding="utf-8")
    library.background.close()
    return folder / "index.html"


def _cells(store: Store, only: Selection | None) -> list[Cell]:
    middle = [model.middle_cell for model in store.study.models]
    cells = exported_cells(store, only.of(store.cells) if only else middle)
    if not cells:
        msg = f"{store.path}: none of these cells is finished yet"
        raise Unfinished(msg)
    return cells


def _sample(library: Library, cell: Cell, per_class: int) -> Sampled:
    """Return the sample of a cell, and the page that lists it."""
    with library.open(
        [cell], "feature_sample", "features", "feature_vocabulary"
    ) as con:
        where = f"{address_is(cell)} and rank <= {per_class}"
        columns = "feature_sample.rank, features.*"
        features = ask(
            con,
            f"select {columns} from feature_sample inner join features "
            f"using (size, step, layer, feature) where {where} "
            "order by features.language, feature_sample.rank",
        )
        tokens = tokens_of_features(con, cell, features.rows)
    rows = features.rows.records()
    context = {"cell": cell, "rows": rows, "tokens": tokens, "per_class": per_class}
    page = Page("sample", f"Cell {cell}", {"features": features}, context)
    return Sampled(cell, [row["feature"] for row in rows], page)


def _pages(library: Library, sampled: Sequence[Sampled]) -> Iterator[tuple[str, Page]]:
    """Yield path and page."""
    yield "/", grid_page(library, NOTHING)
    yield "/definitions", Page("definitions", "Definitions", {}, {})
    for cell, features, page in sampled:
        yield f"/{cell}", page
        for feature in features:
            yield f"/{cell}/{feature}", feature_page(library, cell, feature, NOTHING)
