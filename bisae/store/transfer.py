"""Copy finished cells to another store, or remove cells.

Reads and writes the files of stores, in folders or object stores; looks at what was
copied as `bisae verify` does.
"""

from collections.abc import Iterable

from bisae.errors import StoreError, Unfinished
from bisae.files import (
    Place,
    below,
    beside,
    copy,
    has_its_sum,
    listing,
    relative,
    remove,
)
from bisae.grid import Cell, Selection, checkpoints
from bisae.progress import bar
from bisae.store import (
    SHARED,
    Store,
    check_same_study,
    create_store,
    is_store,
    open_store,
    table_file,
    table_names,
)
from bisae.store.format import stamp
from bisae.store.nodes import ensure_group
from bisae.store.staging import Staging, discard
from bisae.store.verify import PARTS, cell_files, check, is_finished, study_files


def copy_cells(source: Store, target: Place, only: Selection) -> tuple[Store, int]:
    """Copy the selected cells that are finished; gives the other store and how many.

    A store is made at `target` if there is none; what is finished there is left alone.
    Raises StoreError where another study is there, or a copy is not what was written;
    Unfinished if there is nothing to copy.
    """
    cells = [cell for cell in only.of(source.cells) if source.progress(cell).codes]
    if not cells:
        msg = f"{source.place}: none of these cells is finished; `bisae status`"
        raise Unfinished(msg)
    other = _other(source, target, cells)
    is_there = listing(source.tables)
    with other.lease(SHARED, wait=True) as staging:
        _copy_part(source, other, "corpus", staging)
        _copy_tables(source, other, study_files(source, is_there))
    with bar(len(cells), "copy", "cells") as shown:
        for group in checkpoints(cells):
            with other.lease(group[0].checkpoint) as staging:
                for cell in group:
                    _copy_cell(source, other, cell, staging)
                    _copy_tables(source, other, cell_files(source, cell, is_there))
                    shown.update()
    return other, len(cells)


def remove_cells(store: Store, cells: Iterable[Cell]) -> None:
    """Remove cells: their tables, codes and weights. Raises Held."""
    for group in checkpoints(cells):
        with store.lease(group[0].checkpoint):
            for cell in group:
                _remove(store, cell)


def _remove(store: Store, cell: Cell) -> None:
    for table in table_names("cell"):
        store.check_leases()
        remove(table_file(store, table, cell).parent)
    for part in reversed(PARTS):
        store.check_leases()
        discard(store.folder(cell) / part)
    remove(store.folder(cell))


def _other(source: Store, target: Place, cells: list[Cell]) -> Store:
    """The store to copy to: one of the same study, whose grid has the cells."""
    study = source.study.model_copy(update={"store": str(target)})
    if is_store(target):
        there = open_store(target)
        check_same_study(there.study, study)
        if set(cells) <= set(there.cells):
            study = there.study
        elif lost := set(there.cells) - set(source.cells):
            msg = f"{target} has cells that {source.place} has not, {min(lost)} for "
            msg += "one: build it with a study that lists both"
            raise StoreError(msg)
    other = create_store(study)
    if other.has_corpus():
        mine, its = (one.corpus_attributes() for one in (source, other))
        if mine["fingerprint"] != its["fingerprint"]:
            msg = f"{target} is of another corpus; choose another place"
            raise StoreError(msg)
    return other


def _copy_cell(source: Store, other: Store, cell: Cell, staging: Staging) -> None:
    ensure_group(other.folder(cell).parent, {})
    ensure_group(other.folder(cell), stamp("cell"))
    for part in PARTS:
        _copy_part(source, other, f"cells/{cell}/{part}", staging)


def _copy_part(source: Store, other: Store, path: str, staging: Staging) -> None:
    """Copy a part, and look at the copy. Raises LeaseLost."""
    if is_finished(other, path):
        return
    here, there = source.zarr / path, other.zarr / path
    staged = staging.of(there)
    for file in below(here):
        copy(file, staged / relative(file, here))
    copy(beside(here), beside(staged))
    staging.publish(there)
    if wrong := check(other, path):
        staging.lease.check()
        discard(there)
        msg = f"the copy of {path} is damaged: {wrong[0].where} {wrong[0].what}; "
        msg += f"it is removed; run it again, or `bisae verify {source.place}`"
        raise StoreError(msg)


def _copy_tables(source: Store, other: Store, files: Iterable[Place]) -> None:
    for file in files:
        target = other.tables / relative(file, source.tables)
        if not _is_whole(target):
            other.check_leases()
            copy(beside(file), beside(target))
            copy(file, target, other.check_leases)


def _is_whole(file: Place) -> bool:
    """Whether a table is there; of a copy that was cut short half may be."""
    try:
        return has_its_sum(file)
    except FileNotFoundError:
        return False
