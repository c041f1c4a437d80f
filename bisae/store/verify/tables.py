"""Verify the exported tables: their checksums, and the codes they were made from."""

from collections.abc import Callable, Iterator
from typing import Any

from bisae.files import AnyPath, checksum_file, matches_checksum, relative
from bisae.grid import Cell
from bisae.store import (
    Store,
    command_of,
    provenance_of,
    table_file,
    table_names,
    vector_files,
)
from bisae.store.verify.findings import Finding

FileTest = Callable[[AnyPath], bool]


def study_files(store: Store, exists: FileTest) -> list[AnyPath]:
    """List the files that all cells share, token vectors included."""
    files = list(vector_files(store).values())
    files += [table_file(store, table) for table in table_names("study")]
    return [file for file in files if exists(file)]


def cell_files(store: Store, cell: Cell, exists: FileTest) -> list[AnyPath]:
    """List the files of a cell's tables."""
    files = [table_file(store, name, cell) for name in table_names("cell")]
    return [file for file in files if exists(file)]


def check_study_files(store: Store, files: list[AnyPath]) -> Iterator[Finding]:
    """Yield what is wrong with files that all cells share."""
    sources = {"corpus": store.corpus_attributes()} if files else {}
    yield from _check(store, files, sources)


def check_cell_files(
    store: Store, cell: Cell, files: list[AnyPath]
) -> Iterator[Finding]:
    """Yield what is wrong with the files of a cell; some are older than its codes."""
    codes: dict[str, Any] = {"fingerprint": None}
    if files and store.cell_status(cell).codes:
        codes = store.attributes(cell, "codes")
    yield from _check(store, files, {"codes": codes})


def _check(
    store: Store, files: list[AnyPath], sources: dict[str, dict[str, Any]]
) -> Iterator[Finding]:
    for file in files:
        where = relative(file, store.path)
        again = f"remove it, and `bisae {command_of(file)}` makes it again"
        try:
            if not matches_checksum(file):
                yield Finding(
                    where, f"is not what {checksum_file(file).name} says; {again}"
                )
            elif file.suffix == ".parquet":
                provenance = provenance_of(file)
                for name, attributes in sources.items():
                    if (
                        provenance.get(name, attributes["fingerprint"])
                        != attributes["fingerprint"]
                    ):
                        yield Finding(where, f"was made from other {name}; {again}")
        except FileNotFoundError:
            yield Finding(
                where, f"has no {checksum_file(file).name} next to it; {again}"
            )
