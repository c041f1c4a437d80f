"""llm-jp-sae: TopK autoencoders of unit states, in three generations of files.

Since September 2025 config.json and model.safetensors, with the decoder as PyTorch's
Linear has it; before, sae.pth with its transpose, at first without a config.
"""

import json
from pathlib import Path

from safetensors.numpy import save_file

from bisae.errors import AutoencoderError
from bisae.grid import Cell
from bisae.interop.exported import ExportedAutoencoder, narrow, only_topk
from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder
from bisae.sae import Input

NAME = "llm-jp"
SPECIFIES_INPUT = True
"""All of them read unit states."""
CONFIG, WEIGHTS, PICKLE = "config.json", "model.safetensors", "sae.pth"


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    if files.has(CONFIG, WEIGHTS):
        return files.json(CONFIG).get("model_type") == "topk_sae"
    file = files.pickle()
    if file is None or file.name != PICKLE:
        return False
    return "encoder.weight" in files.tensors(file)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    is_new = files.has(CONFIG, WEIGHTS)
    file = files.folder / (WEIGHTS if is_new else PICKLE)
    config = files.json(CONFIG) if files.has(CONFIG) else {}
    tensors = files.tensors(file)
    decoder = "decoder.weight" if "decoder.weight" in tensors else "W_dec"
    names = ["encoder.weight", "encoder.bias", decoder, "b_dec"]
    W_enc, b_enc, W_dec, b_dec = take(tensors, file, names)
    return ForeignAutoencoder(
        file=file,
        activation="topk",
        W_enc=W_enc,
        W_dec=W_dec if decoder == "W_dec" else W_dec.T,
        b_dec=b_dec,
        b_enc=b_enc,
        top_k=int(config["k"]) if "k" in config else None,
        input=Input("l2"),
    )


def cell_folder(cell: Cell) -> str:
    """Return the name of a cell's folder."""
    return f"layer{cell.layer}"


def write(folder: Path, exported: ExportedAutoencoder) -> None:
    """Write the files. Raises AutoencoderError for what llm-jp-sae does not train."""
    only_topk(exported, NAME)
    if exported.input.kind != "l2":
        msg = (
            f"cell {exported.cell}: {NAME} autoencoders read unit states, and this one "
        )
        raise AutoencoderError(msg + "does not; --to saelens holds it")
    n, d = exported.size
    arrays = {
        "encoder.weight": exported.W_enc,
        "encoder.bias": exported.b_enc,
        "decoder.weight": exported.W_dec.T,
        "b_dec": exported.b_dec,
    }
    save_file({name: narrow(array) for name, array in arrays.items()}, folder / WEIGHTS)
    config = {
        "architectures": ["TopKSAE"],
        "model_type": "topk_sae",
        "d_in": d,
        "num_latents": n,
        "k": exported.k,
        "dtype": "float32",
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=2))
