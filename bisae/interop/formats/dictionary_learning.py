"""dictionary_learning: a folder with ae.pt and config.json."""

import json
from pathlib import Path
from typing import Any

import torch

from bisae.errors import AutoencoderError
from bisae.grid import Cell
from bisae.interop.exported import ExportedAutoencoder, only_topk
from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder, scalar

NAME = "dictionary_learning"
SPECIFIES_INPUT = False
CONFIG, WEIGHTS = "config.json", "ae.pt"
TENSORS = ["encoder.weight", "encoder.bias", "decoder.weight", "b_dec"]


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    return files.has(CONFIG, WEIGHTS)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    file = files.folder / WEIGHTS
    trainer: Any = files.json(CONFIG).get("trainer")
    trainer = trainer if isinstance(trainer, dict) else {}
    name, tensors = trainer.get("dict_class"), files.tensors(file)
    W_enc, b_enc, W_dec, b_dec = take(tensors, file, TENSORS, ("k", "threshold"))
    layer = trainer.get("layer")
    parts: dict[str, Any] = {
        "file": file,
        "W_enc": W_enc,
        "W_dec": W_dec.T,
        "b_dec": b_dec,
        "b_enc": b_enc,
        "layer": layer + 1 if isinstance(layer, int) else None,
    }
    if name == "AutoEncoderTopK":
        top_k = int(scalar(tensors.get("k", trainer.get("k"))))
        return ForeignAutoencoder(activation="topk", top_k=top_k, **parts)
    threshold = scalar(tensors.get("threshold", -1.0))
    if name == "BatchTopKSAE" and threshold >= 0:
        thresholds = torch.full_like(b_enc, threshold, dtype=torch.float32)
        return ForeignAutoencoder(activation="jumprelu", threshold=thresholds, **parts)
    msg = f"{file}: dict_class {str(name)[:40]!r} cannot be imported; AutoEncoderTopK "
    msg += "can, and BatchTopKSAE with a threshold"
    raise AutoencoderError(msg)


def cell_folder(cell: Cell) -> str:
    """Return the name of a cell's folder."""
    return str(cell.layer)


def write(folder: Path, exported: ExportedAutoencoder) -> None:
    """Write the files. Raises AutoencoderError for another architecture than TopK."""
    only_topk(exported, NAME)
    n, d = exported.size
    arrays = [exported.W_enc, exported.b_enc, exported.W_dec.T, exported.b_dec]
    state = {
        name: torch.tensor(array, dtype=torch.float32).contiguous()
        for name, array in zip(TENSORS, arrays, strict=True)
    }
    state["k"] = torch.tensor(exported.k, dtype=torch.int)
    state["threshold"] = torch.tensor(-1.0)  # not set
    torch.save(state, folder / WEIGHTS)
    block = exported.cell.layer - 1
    trainer = {
        "dict_class": "AutoEncoderTopK",
        "trainer_class": "TopKTrainer",
        "k": exported.k,
        "activation_dim": d,
        "dict_size": n,
        "layer": block,
        "lm_name": exported.attributes["model"],
        "submodule_name": f"resid_post_layer_{block}",
    }
    config = {"trainer": trainer, "buffer": {"ctx_len": exported.context}}
    (folder / CONFIG).write_text(json.dumps(config, indent=2))
