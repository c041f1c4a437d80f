"""Verify a whole store, its parts and tables in parallel."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import compress
from typing import Any, NamedTuple

from bisae.files import listing, read, relative
from bisae.grid import Cell, Selection
from bisae.progress import track
from bisae.store import Store
from bisae.store.format import document, stamp
from bisae.store.layout import DOCUMENT
from bisae.store.nodes import read_group
from bisae.store.opening import STUDY, is_sealed
from bisae.store.verify import expected
from bisae.store.verify.findings import Finding, Verified
from bisae.store.verify.parts import check_part, is_finished
from bisae.store.verify.tables import (
    cell_files,
    check_cell_files,
    check_study_files,
    study_files,
)

PARTS = {"train": expected.train, "sae": expected.sae, "codes": expected.codes}
"""The parts of a cell, with what the format prescribes for each."""

AT_ONCE = max(8, 2 * (os.cpu_count() or 1))
"""Parts checked in parallel, since object stores respond slowly."""


class Work(NamedTuple):
    """A part, group or set of files to check."""

    where: str
    check: Callable[[], Iterator[Finding]]


def verify(store: Store, only: Selection) -> Verified:
    """Verify the corpus, the selected cells and the tables.

    Unfinished parts are counted, not checked.
    """
    cells = only.of(store.cells)
    exists = listing(store.tables)
    shared = study_files(store, exists)
    tables = {cell: cell_files(store, cell, exists) for cell in cells}
    paths = ["corpus", *(f"cells/{cell}/{name}" for cell in cells for name in PARTS)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        finished = list(pool.map(partial(is_finished, store), paths))
        parts = [_part_work(store, path) for path in compress(paths, finished)]
        work = [Work("bisae.zarr", partial(_check_study, store)), *parts]
        work.append(Work("tables", partial(check_study_files, store, shared)))
        for cell, files in tables.items():
            where = f"bisae.zarr/cells/{cell}"
            work.append(Work(where, partial(_check_cell, store, cell)))
            work.append(Work("tables", partial(check_cell_files, store, cell, files)))
        results = track(pool.map(_findings, work), len(work), "verify", "parts")
        findings = [finding for result in results for finding in result]
    return Verified(
        findings=findings,
        parts=len(parts),
        unfinished=len(paths) - len(parts),
        tables=len(shared) + sum(map(len, tables.values())),
    )


def check(store: Store, path: str) -> list[Finding]:
    """List all findings in a part, `corpus` or `cells/.../sae`, or in what it needs."""
    return _findings(_part_work(store, path))


def _part_work(store: Store, path: str) -> Work:
    expect = partial(_expected, store, path)
    return Work(f"bisae.zarr/{path}", partial(check_part, store, path, expect))


def _expected(store: Store, path: str) -> expected.Expected:
    if path == "corpus":
        return expected.corpus(store)
    _, size, step, layer, name = path.split("/")
    return PARTS[name](store, Cell(size, int(step), int(layer)))


def _findings(work: Work) -> list[Finding]:
    """List the findings of one piece of work."""
    try:
        return list(work.check())
    except Exception as error:  # what it depends on may be damaged, in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        return [Finding(work.where, f"cannot be checked: {reason}")]


def _check_study(store: Store) -> Iterator[Finding]:
    """Check study.toml, and the groups above all cells."""
    if not is_sealed(store.path):
        yield Finding(
            STUDY, "does not match its last line; `bisae build` writes it again"
        )
    newest = store.study.needs_newest_format
    yield from _check_group(store, "", stamp("store", newest=newest))
    for path in ("cells", *(f"cells/{model.size}" for model in store.study.grid)):
        yield from _check_group(store, path, {})


def _check_cell(store: Store, cell: Cell) -> Iterator[Finding]:
    """Check the groups of a cell, and that its checkpoint is one model."""
    yield from _check_group(store, f"cells/{cell.checkpoint}", {})
    yield from _check_group(store, f"cells/{cell}", stamp("cell"))
    first = next(layer for layer in store.cells if layer.checkpoint == cell.checkpoint)
    models = [
        (read_group(store.folder(layer) / "sae") or {}).get("lm_fingerprint")
        for layer in (first, cell)
    ]
    if None not in models and models[0] != models[1]:
        what = f"is from another language model than {first}"
        yield Finding(f"bisae.zarr/cells/{cell}/sae", what)


def _check_group(
    store: Store, path: str, attributes: dict[str, Any]
) -> Iterator[Finding]:
    """Check a group that holds parts, whose metadata are always the same."""
    file = store.zarr / path / DOCUMENT
    if file.exists() and read(file) != document(attributes).encode():
        yield Finding(relative(file, store.path), "is not what was written")
