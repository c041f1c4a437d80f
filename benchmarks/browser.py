"""Milliseconds per page of the feature browser.

    python benchmarks/browser.py STORE              # of a store, such as the toy's
    python benchmarks/browser.py TOY --grid FOLDER  # of the paper's grid

The grid is that of `paper_grid.py`, made from the toy's store on the same disk. Pages
are rendered in this process, without a network; each is the median of five, next to the
CPU time of all threads.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from paper_grid import paper_grid
from starlette.datastructures import QueryParams

from bisae.browser.app import respond
from bisae.browser.library import Library
from bisae.files import any_path
from bisae.formats import Rows, render
from bisae.grid import Cell
from bisae.query import connect, rows_of
from bisae.store import Store, open_store

REPEATS = 5


def main() -> None:
    """Make the grid if asked, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--grid", type=Path)
    arguments = parser.parse_args()
    path = arguments.store
    if arguments.grid:
        path = paper_grid(arguments.store, arguments.grid)
    store = open_store(any_path(path))
    library = Library(store)
    refresh = partial(library.trends.refresh, now=True)
    rows: list[tuple[object, ...]] = [("start", *elapsed(refresh), None)]
    rows += [("looking for new cells", *elapsed(refresh), None)]
    cell = [*library.trends.refresh()][-1]
    rows += [(name, *measured(library, path)) for name, path in pages(library, cell)]
    print(render(Rows(["page", "ms", "CPU ms", "kB"], rows), "markdown"))


def pages(library: Library, cell: Cell) -> list[tuple[str, str]]:
    """Return name and address of each page."""
    listed = [
        ("grid", "/"),
        ("trends", "/trends"),
        ("cell", f"/{cell}"),
        ("cell, by a token", f"/{cell}?token=a&sort=monosemanticity"),
    ]
    if not library.store.cell_status(cell).codes:
        return listed
    feature = typical_feature(library.store, cell)
    return [
        *listed,
        ("feature", f"/{cell}/{feature}"),
        ("feature, neighbours on request", f"/{cell}/{feature}?neighbours=1"),
    ]


def typical_feature(store: Store, cell: Cell) -> int:
    """Return a supported feature with the median number of firings."""
    query = "select feature from features where supported order by n_firings"
    con = connect(store, cells=[cell], query=query)
    numbers = rows_of(con, query).values
    con.close()
    return int(numbers[len(numbers) // 2][0])


def measured(library: Library, address: str) -> tuple[float, float, float]:
    """Return the median milliseconds of a page, of CPUs too, and its size."""
    path, _, query = address.partition("?")
    walls, cpus = [], []
    size = len(respond(library, path, QueryParams(query)).body)  # fills caches
    for _ in range(REPEATS):
        wall, cpu = elapsed(partial(respond, library, path, QueryParams(query)))
        walls.append(wall)
        cpus.append(cpu)
    return statistics.median(walls), statistics.median(cpus), size / 1000


def elapsed(work: Callable[[], object]) -> tuple[float, float]:
    """Return the milliseconds that some work takes, and those of CPUs."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return 1000 * wall, 1000 * cpu


if __name__ == "__main__":
    main()
