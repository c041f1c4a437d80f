"""The registry of a store's tables, the file of each, and its provenance.

Reads sql/tables.toml and the metadata of Parquet files.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from bisae.assets import asset_dir
from bisae.errors import Damaged, one_line
from bisae.files import AnyPath
from bisae.grid import Cell
from bisae.store.store import Store
from bisae.study import Study

Provenance = Mapping[str, Any]
"""The inputs that a table was made from; equal provenance means equal rows."""
KEY = "bisae"
"""The key of the Parquet metadata under which the provenance is stored as JSON."""


class Table(NamedTuple):
    """One table of sql/tables.toml, which documents each field."""

    level: str
    command: str
    needs: tuple[str, ...] = ()
    section: str = ""
    optional: bool = False
    title: str = ""
    grain: str = ""
    added: Mapping[str, str] = MappingProxyType({})
    columns: Mapping[str, str] = MappingProxyType({})


@lru_cache(maxsize=1)
def registry() -> Mapping[str, Table]:
    """Return all tables by name, in the order in which they are made."""
    entries = tomllib.loads((asset_dir("sql") / "tables.toml").read_text("utf-8"))
    return {
        name: Table(**{key: _immutable(value) for key, value in entry.items()})
        for name, entry in entries.items()
    }


def _immutable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def table_names(level: str, command: str = "") -> list[str]:
    """List the tables of a level, in the order in which they are made.

    With `command`, only the tables that this command makes.
    """
    return [
        name
        for name, table in registry().items()
        if table.level == level and command in ("", table.command)
    ]


def study_tables(study: Study, level: str, command: str) -> list[str]:
    """List the tables that a command makes for a study, given its sections."""
    sections = {name: registry()[name].section for name in table_names(level, command)}
    return [
        name
        for name, section in sections.items()
        if not section or getattr(study, section)
    ]


def table_file(store: Store, name: str, cell: Cell | None = None) -> AnyPath:
    """Return the file of a table of one cell, or of the study."""
    folders = (name, cell.partition) if cell else (name,)
    return store.tables.joinpath(*folders, "rows.parquet")


def vector_files(store: Store) -> dict[str, AnyPath]:
    """Return the files of token vectors that the study names, by their source.

    `embeddings` are the input embeddings of a checkpoint; `states`, the mean hidden
    states of tokens in a cell, if the study names one.
    """
    folder = store.tables / "embeddings"
    size, step = store.study.embeddings()
    files = {"embeddings": folder / f"{size}-{step}.npy"}
    if cell := store.study.states_cell():
        files["states"] = folder / f"{cell.size}-{cell.step}.layer{cell.layer}.npy"
    return files


def command_of(file: AnyPath) -> str:
    """Return the command that makes the table of a file below `tables`."""
    names = [name for name in file.parts if name in registry()]
    return registry()[names[-1]].command if names else "export"


def provenance_of(file: AnyPath) -> Provenance:
    """Read a table's provenance; empty if its file has none.

    Raises Damaged, or FileNotFoundError.
    """
    try:
        with file.open("rb") as opened:
            metadata = pq.read_metadata(opened).metadata or {}
        provenance: Provenance = json.loads(metadata.get(KEY.encode(), b"{}"))
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        remedy = f"remove it, and `bisae {command_of(file)}` makes it again"
        raise Damaged(str(file), one_line(error), remedy) from error
    return provenance


def serialized(provenance: Provenance) -> str:
    """Return a provenance as JSON, the same text for equal provenance."""
    return json.dumps(provenance, sort_keys=True)


def is_current(file: AnyPath, provenance: Provenance) -> bool:
    """Say if a table's file exists and has this provenance."""
    if not file.exists():
        return False
    return serialized(provenance_of(file)) == serialized(provenance)


def dependency_files(
    store: Store, names: Iterable[str], cell: Cell | None = None
) -> dict[str, AnyPath]:
    """Return the file of every table that some tables depend on, by name.

    Tables that do not exist, such as those of a missing lexicon, are left out.
    """
    tables = registry()
    needs = sorted({need for name in names for need in tables[name].needs})
    files = {
        need: table_file(store, need, cell if tables[need].level == "cell" else None)
        for need in needs
    }
    return {need: file for need, file in files.items() if file.exists()}


def dependency_digests(
    store: Store, name: str, cell: Cell | None = None
) -> dict[str, str]:
    """Return the digest of the provenance of every table that a table depends on."""
    files = dependency_files(store, [name], cell)
    return {need: digest(serialized(provenance_of(f))) for need, f in files.items()}


def digest(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()
