"""Say what a build of a changed study would do in its store, and why.

Reads the study, the store's own study.toml, and what is in the store; writes nothing.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from bisae.errors import StoreError
from bisae.files import any_path
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.lm import chosen_device, chosen_dtype
from bisae.lm.configurations import list_layers
from bisae.store import Store, check_same_study, is_store, open_store, registry
from bisae.study import Study, portable_checkpoint
from bisae.tables import outdated_tables

KEPT = "nothing"
"""The command in rows about cells that are kept as they are."""


class Change(NamedTuple):
    """An action of a build on some cells, and the reason for it."""

    command: str
    """The stage or other command that does it; KEPT if none does."""
    what: str
    cells: int
    """0 for a table that all cells share."""
    why: str


def changes(study: Study) -> Rows:
    """List what a build would do in the study's store. Raises StoreError without one.

    Finished cells are never trained again, whatever has changed.
    """
    where = any_path(study.store)
    if not is_store(where):
        msg = f"there is no store at {where} yet: everything would be built"
        raise StoreError(msg)
    old = open_store(where).study
    check_same_study(old, study)
    study = _with_layers(study, old)
    store = Store(where, study)
    counts: Counter[tuple[str, str, str]] = Counter()
    encoded = []
    for cell in study.cells:
        status = store.cell_status(cell)
        if status.codes:
            encoded.append(cell)
        if not status.sae:
            counts["train", "autoencoders, and all that follows", _new(cell, old)] += 1
        elif not status.codes:
            counts["encode", "codes, and all that follows", "is trained only"] += 1
        if status.sae:
            attributes = store.attributes(cell, "sae")
            for why in _built_otherwise(study, cell, attributes):
                counts[KEPT, "cells built otherwise; `bisae rm` them to redo", why] += 1
    for cell in _removed(old, study):
        if Store(where, old).cell_status(cell).sae:
            why = f"{_absent(cell, study)} is not in the study any more"
            counts[KEPT, "cells that stay in the store, unseen", why] += 1
    for name, of_cell, why in outdated_tables(store, encoded):
        counts[registry()[name].command, name, why] += of_cell is not None
    rows = [Change(command, what, n, why) for (command, what, why), n in counts.items()]
    return Rows(list(Change._fields), [tuple(row) for row in rows])


def _with_layers(study: Study, old: Study) -> Study:
    """List the layers of every model: those of the store, or of its configuration."""
    listed = {model.size: model.layers for model in old.models}
    models = tuple(
        model
        if model.layers != "all"
        else model.model_copy(update={"layers": listed[model.size]})
        if model.size in listed
        else list_layers(study, model)
        for model in study.models
    )
    return study.model_copy(update={"models": models})


def _new(cell: Cell, old: Study) -> str:
    """Return why a cell is not in the store."""
    if cell in old.cells:
        return "is not built yet"
    return f"{_absent(cell, old)} is new"


def _absent(cell: Cell, study: Study) -> str:
    """Return the largest part of a cell's address that a study does not have."""
    if cell.size not in {model.size for model in study.grid}:
        return f"size {cell.size}"
    if cell.step not in study.model(cell.size).steps:
        return f"step {cell.step} of {cell.size}"
    return f"layer {cell.layer} of {cell.size}"


def _removed(old: Study, study: Study) -> Iterator[Cell]:
    current = set(study.cells)
    return (cell for cell in old.cells if cell not in current)


def _built_otherwise(
    study: Study, cell: Cell, attributes: dict[str, Any]
) -> Iterator[str]:
    """Yield what a finished cell was built with that the study says differently."""
    model = study.model(cell.size)
    path, revision = model.checkpoint_at(cell.step)
    # Earlier versions recorded the absolute path, and no dtype.
    is_absolute = Path(attributes["model"]).is_absolute()
    expected = {
        "model": path if is_absolute else portable_checkpoint(study, *cell[:2]),
        "revision": revision,
        "tokens_seen": model.tokens_at(cell.step),
        "lr": model.lr or study.sae.lr,
    }
    if attributes.get("dtype"):
        dtype = chosen_dtype(study.lm.dtype, chosen_device(study.lm.device))
        expected["dtype"] = str(dtype).removeprefix("torch.")
    for name, value in expected.items():
        if value not in (attributes[name], "search"):
            yield f"{name} was {attributes[name]}, is {value}"
