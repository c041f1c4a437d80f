"""sparsify: a folder with cfg.json and sae.safetensors, named after its hookpoint."""

import json
from pathlib import Path

from safetensors.numpy import save_file

from bisae.errors import AutoencoderError
from bisae.grid import Cell
from bisae.interop.exported import ExportedAutoencoder, narrow, only_topk
from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder
from bisae.interop.hooks import (
    EMBEDDINGS,
    hookpoint_of,
    layer_of,
    refuse_transcoder,
)

NAME = "sparsify"
SPECIFIES_INPUT = False
CONFIG, WEIGHTS = "cfg.json", "sae.safetensors"


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    return files.has(CONFIG, WEIGHTS)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    config, file = files.json(CONFIG), files.folder / WEIGHTS
    tensors = files.tensors(file)
    if config.get("transcode") or config.get("skip_connection") or "W_skip" in tensors:
        raise refuse_transcoder(str(file))
    if config.get("activation", "topk") != "topk" or config.get("signed"):
        msg = f"{file}: only its activation 'topk', unsigned, can be imported"
        raise AutoencoderError(msg)
    names = ["encoder.weight", "encoder.bias", "W_dec", "b_dec"]
    W_enc, b_enc, W_dec, b_dec = take(tensors, file, names)
    hookpoint = files.folder.name
    is_named = "." in hookpoint or EMBEDDINGS.fullmatch(hookpoint)
    return ForeignAutoencoder(
        file=file,
        activation="topk",
        W_enc=W_enc,
        W_dec=W_dec,
        b_dec=b_dec,
        b_enc=b_enc,
        top_k=int(config["k"]) if "k" in config else None,
        layer=layer_of(hookpoint, str(file)) if is_named else None,
    )


def cell_folder(cell: Cell) -> str:
    """Return the name of a cell's folder, which is its hookpoint."""
    return hookpoint_of(cell.layer)


def write(folder: Path, exported: ExportedAutoencoder) -> None:
    """Write the files. Raises AutoencoderError for another architecture than TopK."""
    only_topk(exported, NAME)
    n, d = exported.size
    arrays = {
        "encoder.weight": exported.W_enc,
        "encoder.bias": exported.b_enc,
        "W_dec": exported.W_dec,
        "b_dec": exported.b_dec,
    }
    save_file({name: narrow(array) for name, array in arrays.items()}, folder / WEIGHTS)
    config = {
        "activation": "topk",
        "expansion_factor": n // d,
        "normalize_decoder": exported.has_unit_directions,
        "num_latents": n,
        "k": exported.k,
        "multi_topk": False,
        "skip_connection": False,
        "transcode": False,
        "d_in": d,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2))
