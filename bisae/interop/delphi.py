"""Write codes in the layout of Delphi's cache of latents.

Reads `codes/` of a cell and the evaluation text; writes RUN/latents/<hookpoint>/, with
a file for each range of features, and RUN/log/. One range is in memory at a time.
"""

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from bisae.errors import AutoencoderError
from bisae.grid import Cell
from bisae.interop.hooks import hookpoint_of
from bisae.store import Array, Store

NAME = "delphi"
SPLITS = 5
"""The least number of ranges of features, Delphi's default."""
CODES_AT_ONCE = 2**24
"""Codes of a range of features, about: 8 or 14 bytes each."""
NARROW = 2**16


def write_codes(store: Store, cell: Cell, run: Path) -> Path:
    """Write the codes of a cell below a run's folder; return the hookpoint's folder.

    Positions count BOS, which has no codes. Raises AutoencoderError if it exists.
    """
    folder = run / "latents" / hookpoint_of(cell.layer)
    if folder.exists():
        msg = f"{folder} exists already; remove it, or choose another --output"
        raise AutoencoderError(msg)
    folder.mkdir(parents=True)
    tokens = _tokens(store)
    n, attributes = store.study.sae.n_features, store.attributes(cell, "codes")
    n_codes = attributes["n_eval_tokens"] * min(attributes["l0"], store.study.sae.k)
    splits = max(SPLITS, -(-int(n_codes) // CODES_AT_ONCE))
    bounds = np.linspace(0, n, splits + 1).astype(int)
    counts = np.zeros(n, np.int64)
    for start, stop in pairwise(bounds):
        locations, values = _range_of(store, cell, start, stop, tokens.shape)
        counts[start:stop] = np.bincount(locations[:, 2], minlength=stop - start)
        arrays = {"locations": locations, "activations": values, "tokens": tokens}
        save_file(arrays, folder / f"{start}_{stop - 1}.safetensors")
    _write_configs(store, cell, run, folder, tokens.shape, splits)
    _add_counts(run / "log" / "hookpoint_firing_counts.pt", cell, counts)
    return folder


def _tokens(store: Store) -> Array:
    """Return the evaluation text with BOS: (documents, context) int64."""
    bos = store.corpus_attributes()["bos_token_id"]
    rows = [block.token_id for block in store.documents("eval")]
    token_id = np.concatenate(rows).astype(np.int64)
    tokens = np.pad(token_id, ((0, 0), (1, 0)), constant_values=bos)
    return np.where(tokens < 0, bos, tokens)


def _range_of(
    store: Store, cell: Cell, start: int, stop: int, shape: tuple[int, ...]
) -> tuple[Array, Array]:
    """Return locations (codes, 3) and values of features from `start` to `stop`."""
    documents, context = shape
    narrow = documents <= NARROW and store.study.sae.n_features <= NARROW
    dtype = np.uint16 if narrow else np.uint32
    parts = list(_parts_of(store, cell, start, stop, context, dtype))
    locations = np.concatenate([location for location, _ in parts])
    values = np.concatenate([value for _, value in parts])
    return locations, values


def _parts_of(
    store: Store, cell: Cell, start: int, stop: int, context: int, dtype: type
) -> Iterator[tuple[Array, Array]]:
    for block in store.codes(cell):
        chosen = (block.value > 0) & (block.index >= start) & (block.index < stop)
        row, slot = chosen.nonzero()
        document, position = np.divmod(block.first + row, context - 1)
        columns = document, position + 1, block.index[row, slot] - start
        yield np.stack(columns, axis=1).astype(dtype), block.value[row, slot]


def _write_configs(
    store: Store,
    cell: Cell,
    run: Path,
    folder: Path,
    shape: tuple[int, ...],
    splits: int,
) -> None:
    attributes = store.attributes(cell, "sae")
    config = {
        "dataset_repo": store.study.name,
        "dataset_split": "eval",
        "dataset_name": "",
        "dataset_column": "text",
        "batch_size": store.study.lm.batch_documents,
        "cache_ctx_len": shape[1],
        "n_tokens": shape[0] * shape[1],
        "n_splits": splits,
        "model_name": attributes["model"],
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2))
    (run / "run_config.json").write_text(json.dumps(config, indent=2))


def _add_counts(file: Path, cell: Cell, counts: Array) -> None:
    """Add a hookpoint's number of codes of each feature to the run's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    saved = torch.load(file, weights_only=True) if file.exists() else {}
    saved[hookpoint_of(cell.layer)] = torch.from_numpy(counts)
    torch.save(saved, file)
