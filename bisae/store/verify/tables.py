"""The exported tables: is each file what was written, and of the codes it claims?"""

from collections.abc import Callable, Iterator
from typing import Any

from bisae.files import Place, beside, has_its_sum, relative
from bisae.grid import Cell
from bisae.store import Store, command_of, provenance_of, table_file, table_names
from bisae.store.verify.findings import Finding

IsThere = Callable[[Place], bool]


def study_files(store: Store, is_there: IsThere) -> list[Place]:
    """The files that all cells share, the embeddings among them."""
    size, step = store.study.embeddings()
    files = [store.tables / "embeddings" / f"{size}-{step}.npy"]
    files += [table_file(store, table) for table in table_names("study")]
    return [file for file in files if is_there(file)]


def cell_files(store: Store, cell: Cell, is_there: IsThere) -> list[Place]:
    """The files of a cell."""
    files = [table_file(store, name, cell) for name in table_names("cell")]
    return [file for file in files if is_there(file)]


def check_study_files(store: Store, files: list[Place]) -> Iterator[Finding]:
    """What is wrong with files that all cells share."""
    made_from = {"corpus": store.corpus_attributes()} if files else {}
    yield from _check(store, files, made_from)


def check_cell_files(store: Store, cell: Cell, files: list[Place]) -> Iterator[Finding]:
    """What is wrong with the files of a cell."""
    made_from = {"codes": store.attributes(cell, "codes")} if files else {}
    yield from _check(store, files, made_from)


def _check(
    store: Store, files: list[Place], made_from: dict[str, dict[str, Any]]
) -> Iterator[Finding]:
    for file in files:
        where = relative(file, store.place)
        again = f"remove it, and `bisae {command_of(file)}` makes it again"
        try:
            if not has_its_sum(file):
                yield Finding(where, f"is not what {beside(file).name} says; {again}")
            elif file.suffix == ".parquet":
                provenance = provenance_of(file)
                for name, part in made_from.items():
                    if provenance.get(name, part["fingerprint"]) != part["fingerprint"]:
                        yield Finding(where, f"was made from other {name}; {again}")
        except FileNotFoundError:
            yield Finding(where, f"has no {beside(file).name} beside it; {again}")
