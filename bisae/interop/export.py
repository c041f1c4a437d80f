"""Write the autoencoders of cells for other projects, one folder a cell.

Reads `sae/` and `codes/` of cells.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from bisae.errors import AutoencoderError, Unfinished
from bisae.grid import Cell, at
from bisae.interop import delphi
from bisae.interop.exported import ExportedAutoencoder, export_of, readme
from bisae.interop.formats import dictionary_learning, llm_jp, saelens, sparsify
from bisae.progress import note, track
from bisae.store import Store


class WritableFormat(Protocol):
    """A format that autoencoders can be written in."""

    NAME: str
    SPECIFIES_INPUT: bool
    """True if files say, or their format implies, how states must be scaled."""

    def cell_folder(self, cell: Cell) -> str:
        """Return the name of a cell's folder."""

    def write(self, folder: Path, exported: ExportedAutoencoder) -> None:
        """Write the files. Raises AutoencoderError for what they cannot hold."""


WRITABLE: dict[str, WritableFormat] = {
    form.NAME: form for form in (saelens, sparsify, dictionary_learning, llm_jp)
}
TARGETS = (*WRITABLE, delphi.NAME)
UNSTATED = "These files cannot say so: whoever loads them must scale states beforehand."


def export_saes(
    store: Store, cells: Sequence[Cell], target: str, output: Path
) -> Iterator[Path]:
    """Write cells for another project, and yield each one's folder.

    `target` is one of TARGETS: a format of autoencoders, or `delphi`, which takes their
    codes. Raises Unfinished for a cell without codes, and AutoencoderError.
    """
    for cell in cells:
        if not store.cell_status(cell).codes:
            msg = f"{store.path}: cell {cell} is not encoded; `bisae build` first"
            raise Unfinished(msg)
    is_noted = False
    for cell in track(cells, len(cells), "export", "cells"):
        with at(cell):
            parent = output / cell.size / str(cell.step)
            if target == delphi.NAME:
                yield delphi.write_codes(store, cell, parent)
                continue
            form, exported = WRITABLE[target], export_of(store, cell)
            folder = parent / form.cell_folder(cell)
            is_stated = form.SPECIFIES_INPUT or exported.input.kind == "none"
            input_note = "" if is_stated else UNSTATED
            if input_note and not is_noted:
                note(f"{target}: {input_note} README.md says so next to each")
                is_noted = True
            _write(folder, form, exported, input_note)
            yield folder


def _write(
    folder: Path, form: WritableFormat, exported: ExportedAutoencoder, input_note: str
) -> None:
    """Write a folder that appears when it is complete."""
    if folder.exists():
        msg = f"{folder} exists already; remove it, or choose another --output"
        raise AutoencoderError(msg)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    form.write(partial, exported)
    text = readme(exported, form.NAME, input_note)
    (partial / "README.md").write_text(text, encoding="utf-8")
    partial.rename(folder)
