"""Import the autoencoders of a checkpoint's cells instead of training them.

Reads the files that the study names, the `eval` split and the language model; writes
`sae/` of each cell, `train/` without a loss, and the table `lm_weights`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bisae.errors import AutoencoderError
from bisae.files import sha256
from bisae.grid import Cell, at
from bisae.interop.files import Files
from bisae.interop.foreign import (
    ConvertedAutoencoder,
    ForeignAutoencoder,
    check_tensors,
    convert,
)
from bisae.interop.formats import detect, read_autoencoder
from bisae.interop.layer_check import check_layer, sample_states
from bisae.interop.source import find_files, licence_of
from bisae.lm import LanguageModel
from bisae.progress import note, track
from bisae.query import write_weights
from bisae.sae import from_attributes
from bisae.store import Store
from bisae.study import portable_sae
from bisae.train import inspect_model


class Imported(NamedTuple):
    """An autoencoder of another project, and where it is from."""

    foreign: ForeignAutoencoder
    converted: ConvertedAutoencoder
    format_name: str
    files: Files
    home: Path
    """A folder that all its files are below."""


def import_checkpoint(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Import the autoencoders of the cells of one checkpoint that have none yet.

    All of them are read and checked before the first is written, and then read again,
    since together they may not fit in memory. Raises AutoencoderError; CheckpointError
    if other layers are of another model; LeaseLost.
    """
    store.check_leases()
    missing = [cell for cell in cells if not store.cell_status(cell).sae]
    if not missing:
        return
    with store.lease(missing[0].checkpoint):
        weights, model = inspect_model(store, lm, missing[0], lm.fingerprint())
        title = str(missing[0].checkpoint)
        _check(store, lm, missing, title)
        for cell in track(missing, len(missing), f"import {title}", "cells"):
            with at(cell):
                imported = _read(store, lm, cell)
                write_weights(store, cell, weights)
                store.write_sae(
                    cell,
                    imported.converted.weights,
                    np.empty(0, np.float32),
                    _attributes(store, cell, imported) | model,
                    newest=True,
                )


def _check(
    store: Store, lm: LanguageModel, cells: Sequence[Cell], checkpoint: str
) -> None:
    """Read all autoencoders, and compare the layers of those trained on this step."""
    _, trained_on = store.study.model(cells[0].size).sae_at(*cells[0][1:])
    is_applied = trained_on != cells[0].step
    if is_applied:
        note(
            f"{checkpoint}: applying autoencoders that were trained on step "
            f"{trained_on}; `fvu` in `cells` tells how well they fit"
        )
    sample = {} if is_applied else sample_states(store, lm, cells)
    for cell in track(cells, len(cells), f"check {checkpoint}", "cells"):
        with at(cell):
            imported = _read(store, lm, cell)
            if sample:
                weights, attributes = imported.converted
                k = store.study.sae.k
                sae = from_attributes(weights, attributes, k, lm.device)
                check_layer(sae, cell, sample, str(imported.foreign.file))


def _read(store: Store, lm: LanguageModel, cell: Cell) -> Imported:
    """Read, check and convert the autoencoder of a cell. Raises AutoencoderError."""
    settings, model = store.study.sae, store.study.model(cell.size)
    files, home = find_files(store.study, cell)
    form = detect(files, model.sae_format)
    foreign = read_autoencoder(form, files)
    where = str(foreign.file)
    if foreign.layer not in (None, cell.layer):
        msg = f"{where}: its files say that it is of layer {foreign.layer}, and it is "
        msg += f"imported for layer {cell.layer}; layers are counted from 1, which "
        msg += "{block} in the path of sae is for"
        raise AutoencoderError(msg)
    check_tensors(foreign, settings.n_features, lm.d_model, where)
    return Imported(foreign, convert(foreign, settings.k), form.NAME, files, home)


def _attributes(store: Store, cell: Cell, imported: Imported) -> dict[str, Any]:
    """Return the attributes of a cell, without those of its model.

    Reads the file of the weights once more, for its checksum.
    """
    n, d = imported.foreign.W_enc.shape
    sizes = {"n_features": n, "d_model": d, "k": store.study.sae.k}
    _, trained_on = store.study.model(cell.size).sae_at(cell.step, cell.layer)
    files, weights_file = imported.files, imported.foreign.file
    provenance = {
        "sae_step": trained_on,
        "sae_format": imported.format_name,
        "source": portable_sae(store.study, cell),
        "source_file": str(weights_file.relative_to(files.folder)),
        "source_sha256": sha256(weights_file),
        "source_licence": licence_of(files, imported.home),
    }
    return sizes | imported.converted.attributes | provenance
