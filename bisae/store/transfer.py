"""Copy finished cells to another store, or remove cells.

Reads and writes the files of stores, in folders or object stores; checks every copy as
`bisae verify` does.
"""

from collections.abc import Iterable

from bisae.errors import StoreError, Unfinished
from bisae.files import (
    AnyPath,
    below,
    checksum_file,
    copy,
    listing,
    matches_checksum,
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
    forget_failure,
    is_store,
    open_store,
    table_file,
    table_names,
)
from bisae.store.format import stamp
from bisae.store.nodes import ensure_group
from bisae.store.staging import Staging, discard
from bisae.store.verify import PARTS, cell_files, check, is_finished, study_files


def copy_cells(source: Store, target: AnyPath, only: Selection) -> tuple[Store, int]:
    """Copy the selected finished cells; return the target store and their number.

    A store is created at `target` if there is none; finished parts of it are kept.
    Raises StoreError if it holds another study or a copy is damaged; Unfinished if
    there is nothing to copy.
    """
    cells = [cell for cell in only.of(source.cells) if source.cell_status(cell).codes]
    if not cells:
        msg = f"{source.path}: none of these cells is finished; see `bisae status`"
        raise Unfinished(msg)
    target_store = _open_target(source, target, cells)
    exists = listing(source.tables)
    with target_store.lease(SHARED, wait=True) as staging:
        _copy_part(source, target_store, "corpus", staging)
        _copy_tables(source, target_store, study_files(source, exists))
    with bar(len(cells), "copy", "cells") as shown:
        for group in checkpoints(cells):
            with target_store.lease(group[0].checkpoint) as staging:
                for cell in group:
                    _copy_cell(source, target_store, cell, staging)
                    _copy_tables(source, target_store, cell_files(source, cell, exists))
                    shown.update()
    return target_store, len(cells)


def remove_cells(store: Store, cells: Iterable[Cell]) -> None:
    """Remove cells: their tables, codes and weights. Raises LeaseHeld."""
    for group in checkpoints(cells):
        with store.lease(group[0].checkpoint):
            for cell in group:
                _remove(store, cell)
            forget_failure(store, group[0].checkpoint)


def _remove(store: Store, cell: Cell) -> None:
    for table in table_names("cell"):
        store.check_leases()
        remove(table_file(store, table, cell).parent)
    for name in reversed(PARTS):
        store.check_leases()
        discard(store.folder(cell) / name)
    remove(store.folder(cell))


def _open_target(source: Store, target: AnyPath, cells: list[Cell]) -> Store:
    """Open or create the target: a store of the same study whose grid has the cells."""
    study = source.study.model_copy(update={"store": str(target)})
    if is_store(target):
        existing = open_store(target)
        check_same_study(existing.study, study)
        if set(cells) <= set(existing.cells):
            study = existing.study
        elif lost := set(existing.cells) - set(source.cells):
            msg = f"{target} has cells that {source.path} lacks, such as {min(lost)}: "
            msg += "build it with a study that lists the cells of both"
            raise StoreError(msg)
    target_store = create_store(study)
    if target_store.has_corpus():
        corpus, target_corpus = (
            store.corpus_attributes() for store in (source, target_store)
        )
        if corpus["fingerprint"] != target_corpus["fingerprint"]:
            msg = f"{target} was built from another corpus; choose another target"
            raise StoreError(msg)
    return target_store


def _copy_cell(source: Store, target: Store, cell: Cell, staging: Staging) -> None:
    ensure_group(target.folder(cell).parent, {})
    ensure_group(target.folder(cell), stamp("cell"))
    for name in PARTS:
        _copy_part(source, target, f"cells/{cell}/{name}", staging)


def _copy_part(source: Store, target: Store, path: str, staging: Staging) -> None:
    """Copy a part and verify the copy. Raises LeaseLost."""
    if is_finished(target, path):
        return
    original, copied = source.zarr / path, target.zarr / path
    staged = staging.path_of(copied)
    for file in below(original):
        copy(file, staged / relative(file, original))
    copy(checksum_file(original), checksum_file(staged))
    staging.publish(copied)
    if findings := check(target, path):
        staging.lease.check()
        discard(copied)
        msg = f"the copy of {path} is damaged: {findings[0].where} {findings[0].what}; "
        msg += f"it was removed; run the copy again, or `bisae verify {source.path}`"
        raise StoreError(msg)


def _copy_tables(source: Store, target: Store, files: Iterable[AnyPath]) -> None:
    for file in files:
        copied = target.tables / relative(file, source.tables)
        if not _is_intact(copied):
            target.check_leases()
            copy(checksum_file(file), checksum_file(copied))
            copy(file, copied, target.check_leases)


def _is_intact(file: AnyPath) -> bool:
    """Say if a table exists and matches its checksum, as a partial copy does not."""
    try:
        return matches_checksum(file)
    except FileNotFoundError:
        return False
