"""A whole store, its parts and tables side by side."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

from bisae.files import listing
from bisae.grid import Cell, Selection
from bisae.progress import track
from bisae.store import Store
from bisae.store.format import DOCUMENT, document, stamp
from bisae.store.opening import STUDY, is_sealed
from bisae.verify import expected
from bisae.verify.findings import Finding, Verified
from bisae.verify.parts import check_part, is_finished
from bisae.verify.tables import (
    cell_files,
    check_cell_files,
    check_study_files,
    study_files,
)

PARTS = {"train": expected.train, "sae": expected.sae, "codes": expected.codes}
"""The parts of a cell, and what the format says of each."""


class Work(NamedTuple):
    """One thing to look at."""

    where: str
    look: Callable[[], Iterator[Finding]]


def verify(store: Store, only: Selection) -> Verified:
    """Look at the corpus, the selected cells, and the tables.

    What is unfinished is counted, not looked at.
    """
    cells = only.of(store.cells)
    is_there = listing(store.tables)
    shared = study_files(store, is_there)
    tables = {cell: cell_files(store, cell, is_there) for cell in cells}
    paths = ["corpus", *(f"cells/{cell}/{part}" for cell in cells for part in PARTS)]
    work = [Work("bisae.zarr", partial(_check_groups, store, cells))]
    parts = [_part(store, path) for path in paths if is_finished(store, path)]
    work += [*parts, Work("tables", partial(check_study_files, store, shared))]
    for cell, files in tables.items():
        work.append(Work("tables", partial(check_cell_files, store, cell, files)))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = track(pool.map(_all_of, work), len(work), "verify", "parts")
        findings = [finding for some in found for finding in some]
    return Verified(
        findings=findings,
        parts=len(parts),
        unfinished=len(paths) - len(parts),
        tables=len(shared) + sum(map(len, tables.values())),
    )


def check(store: Store, path: str) -> list[Finding]:
    """All that is wrong with a part, `corpus` or `cells/.../sae`, or what it needs."""
    return _all_of(_part(store, path))


def _part(store: Store, path: str) -> Work:
    expect = partial(_expected, store, path)
    return Work(f"bisae.zarr/{path}", partial(check_part, store, path, expect))


def _expected(store: Store, path: str) -> expected.Expected:
    if path == "corpus":
        return expected.corpus(store)
    _, size, step, layer, part = path.split("/")
    return PARTS[part](store, Cell(size, int(step), int(layer)))


def _all_of(work: Work) -> list[Finding]:
    """What one piece of work finds."""
    try:
        return list(work.look())
    except Exception as error:  # what it needs may itself be damaged, in any way
        reason = " ".join(str(error).split()) or type(error).__name__
        return [Finding(work.where, f"cannot be checked: {reason}")]


def _check_groups(store: Store, cells: list[Cell]) -> Iterator[Finding]:
    """study.toml, and the groups that hold parts: they are always the same."""
    if not is_sealed(store.place):
        yield Finding(STUDY, "is not what its last line says; build writes it again")
    told: dict[str, dict[str, Any]] = {"": stamp("store"), "cells": {}}
    for cell in cells:
        told |= {f"cells/{cell.size}": {}, f"cells/{cell.checkpoint}": {}}
        told[f"cells/{cell}"] = stamp("cell")
    for path, attributes in told.items():
        file = store.zarr / path / DOCUMENT
        if file.exists() and file.read_bytes() != document(attributes).encode():
            where = "/".join(["bisae.zarr", *([path] if path else []), DOCUMENT])
            yield Finding(where, "is not what was written")
    for cell in cells:
        yield from _other_model(store, cell)


def _other_model(store: Store, cell: Cell) -> Iterator[Finding]:
    """A cell of another model than the first layer of its checkpoint."""
    first = next(one for one in store.cells if one.checkpoint == cell.checkpoint)
    if store.progress(first).sae and store.progress(cell).sae:
        was, now = (
            store.attributes(one, "sae").get("lm_fingerprint") for one in (first, cell)
        )
        if was != now:
            what = f"is of another language model than {first}"
            yield Finding(f"bisae.zarr/cells/{cell}/sae", what)
