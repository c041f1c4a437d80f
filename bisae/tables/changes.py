"""Say which tables of a store would be written again for a changed study, and why.

Reads the provenance of every table; writes nothing.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from bisae.grid import Cell
from bisae.progress import track
from bisae.store import (
    Provenance,
    Store,
    dependency_digests,
    dependency_files,
    provenance_of,
    registry,
    serialized,
    study_tables,
    table_file,
    table_names,
    vector_files,
)
from bisae.tables.antipodes import antipode_provenances
from bisae.tables.cell import cell_provenance
from bisae.tables.coherence import coherence_provenances
from bisae.tables.context import ExportContext, prepare_export
from bisae.tables.pairs import pair_provenances
from bisae.tables.study_tables import study_provenances

DIGESTED = ("export", "check")
"""Commands whose tables of cells record the provenance of what they depend on."""


class StaleTable(NamedTuple):
    """A table that would be written again."""

    name: str
    cell: Cell | None
    """None for a table of the study."""
    why: str


def outdated_tables(store: Store, cells: Sequence[Cell]) -> Iterator[StaleTable]:
    """Yield the tables that differ from what the store's study would give.

    `cells` are the encoded ones. Tables of other commands than a build are included if
    they exist.
    """
    file = vector_files(store)["embeddings"]
    if not file.exists():
        why = f"the embeddings of {file.stem} ([semantic]) are not in the store"
        yield from (
            StaleTable(name, cell, why)
            for cell in cells
            for name in study_tables(store.study, "cell", "export")
        )
        return
    context = prepare_export(store)
    changed: dict[str, str] = {}
    for name, provenance in study_provenances(context).items():
        if why := _why(store, name, None, provenance, changed):
            changed[name] = why
            yield StaleTable(name, None, why)
    provenances = _cell_provenances(context)
    for cell in track(cells, len(cells), "compare tables", "cells"):
        yield from _outdated_of_cell(store, cell, provenances, changed)


def _cell_provenances(context: ExportContext) -> dict[str, Provenance]:
    """Return the provenance of the tables of cells, apart from what they depend on.

    Of tables that a build does not export, it is empty: only dependencies count.
    """
    exported: dict[str, Provenance] = {
        **{name: cell_provenance(context, name) for name in context.cell_tables},
        **coherence_provenances(context),
        **pair_provenances(context),
        **antipode_provenances(context),
    }
    return {
        name: exported.get(name, {})
        for name in table_names("cell")
        if name in exported or registry()[name].needs
    }


def _outdated_of_cell(
    store: Store,
    cell: Cell,
    provenances: Mapping[str, Provenance],
    of_study: Mapping[str, str],
) -> Iterator[StaleTable]:
    changed = dict(of_study)
    codes = store.attributes(cell, "codes")["fingerprint"]
    for name, provenance in provenances.items():
        whole = {**provenance, "codes": codes} if provenance else {}
        if why := _why(store, name, cell, whole, changed):
            changed[name] = why
            yield StaleTable(name, cell, why)


def _why(
    store: Store,
    name: str,
    cell: Cell | None,
    provenance: Provenance,
    changed: Mapping[str, str],
) -> str:
    """Return why a table would be written again, or ""."""
    file, table = table_file(store, name, cell), registry()[name]
    if not file.exists():
        existing = dependency_files(store, [name], cell)
        is_computable = bool(provenance) and existing.keys() == {*table.needs}
        is_due = table.command == "export" and (is_computable or not table.optional)
        return "is not in the store" if is_due else ""
    old = provenance_of(file)
    if reasons := list(_differences(old, json.loads(serialized(provenance)))):
        return "; ".join(reasons)
    if needed := [need for need in table.needs if need in changed]:
        return f"is computed from {needed[0]}"
    if cell and table.command in DIGESTED:
        digests = dependency_digests(store, name, cell)
        for need in digests:
            if old.get(need) != digests[need]:
                return f"is older than {need}"
    return ""


def _differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """Yield a reason for each part of a provenance that differs."""
    for key, value in new.items():
        before = old.get(key)
        if before == value:
            continue
        if isinstance(value, dict):
            yield from _differences(before if isinstance(before, dict) else {}, value)
        elif key in ("sql", "vocab"):
            yield "its SQL has changed"
        elif isinstance(value, str) and len(value) == 64:
            yield f"the {key} have changed"
        else:
            yield f"{key} was {before}, is {value}"
