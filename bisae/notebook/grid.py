"""The grid of a store as a table: how many layers of each checkpoint are finished.

Reads which tables exist; returns text or HTML.
"""

from collections import Counter
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from bisae.grid import Cell
from bisae.query import exported_cells
from bisae.store import Store

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 40
"""Number of steps that are shown; a longer table leaves out its middle."""


def grid_text(store: Store) -> str:
    """Describe a store in plain text."""
    finished = exported_cells(store)
    table = finished_layers(store.cells, finished).to_string(max_rows=MAX_ROWS)
    return f"{store.path}\n{_summary(store, finished)}\n\n{table}"


def grid_html(store: Store) -> str:
    """Describe a store in HTML."""
    finished = exported_cells(store)
    table = finished_layers(store.cells, finished).to_html(max_rows=MAX_ROWS)
    summary = escape(_summary(store, finished))
    return f"<p><code>{escape(str(store.path))}</code><br>{summary}</p>{table}"


def finished_layers(cells: Iterable[Cell], finished: Iterable[Cell]) -> "pd.DataFrame":
    """Count finished layers, "2 of 4": a row for each step, a column for each size.

    A checkpoint that is not in the grid is empty.
    """
    import pandas as pd

    n_finished = Counter((cell.size, cell.step) for cell in finished)
    counts: dict[str, dict[int, str]] = {}
    for (size, step), n_layers in Counter(
        (cell.size, cell.step) for cell in cells
    ).items():
        text = f"{n_finished[size, step]} of {n_layers}"
        counts.setdefault(size, {})[step] = text
    frame = pd.DataFrame(counts).sort_index().fillna("")
    return frame.rename_axis(index="step", columns="size")


def _summary(store: Store, finished: list[Cell]) -> str:
    study = store.study
    return (
        f"study {study.name}, languages {', '.join(store.languages)}: "
        f"{len(finished)} of {len(store.cells)} cells are finished; "
        "finished layers of each checkpoint:"
    )
