"""SAELens: a folder with cfg.json and sae_weights.safetensors.

Written by SAELens 3 to 6; formats before 6 keep the hook's name outside `metadata`.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.numpy import save_file

from bisae.errors import AutoencoderError
from bisae.grid import Cell
from bisae.interop.exported import ExportedAutoencoder, exactly
from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder, scalar
from bisae.interop.hooks import hook_of, layer_of, refuse_transcoder
from bisae.sae import Input

NAME = "saelens"
SPECIFIES_INPUT = True
CONFIG, WEIGHTS = "cfg.json", "sae_weights.safetensors"
ARCHITECTURES = {
    "standard": "relu",
    "topk": "topk",
    "jumprelu": "jumprelu",
    "batchtopk": "jumprelu",
}
"""BatchTopK keeps a threshold, which is all it needs without a batch."""
VERSION = "6.54.12"
"""The version whose format is written; without one, it is read as that of version 3."""
NORMALISATIONS = {
    "none": "none",
    "l2": "constant_norm_rescale",
    "layernorm": "layer_norm",
}


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    return files.has(CONFIG, WEIGHTS)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    config, file = files.json(CONFIG), files.folder / WEIGHTS
    architecture = _architecture(config, file)
    sae_input, gain = _input(config, file)
    names = ["W_enc", "W_dec", "b_dec", "b_enc"]
    thresholds = {"jumprelu": ["threshold"], "batchtopk": ["topk_threshold"]}
    names += thresholds.get(architecture, [])
    tensors = files.tensors(file)
    W_enc, W_dec, b_dec, b_enc, *rest = take(tensors, file, names)
    metadata = config.get("metadata") or {}
    hook = metadata.get("hook_name") or config.get(
        "hook_name", config.get("hook_point")
    )
    by_norm = bool(config.get("rescale_acts_by_decoder_norm"))
    threshold = rest[0] if rest else None
    if architecture == "batchtopk":
        threshold = torch.full_like(b_enc, scalar(rest[0]))
        if by_norm:
            threshold = threshold / W_dec.norm(dim=1)
    return ForeignAutoencoder(
        file=file,
        activation=ARCHITECTURES[architecture],  # type: ignore[arg-type]
        W_enc=W_enc.T,
        W_dec=W_dec,
        b_dec=b_dec,
        b_enc=b_enc,
        top_k=_k(config),
        threshold=threshold,
        subtracts_b_dec=bool(config.get("apply_b_dec_to_input", True)),
        ranks_by_norm=by_norm,
        input=sae_input,
        gain=gain,
        layer=layer_of(hook, str(file)) if hook else None,
    )


def _architecture(config: dict[str, Any], file: Path) -> str:
    """Return the architecture. Raises AutoencoderError for one that does not fit."""
    architecture = str(config.get("architecture", "standard"))
    activation = config.get("activation_fn") or config.get("activation_fn_str")
    if architecture == "standard" and activation == "topk":
        architecture = "topk"
    if "transcoder" in architecture:
        raise refuse_transcoder(str(file))
    if architecture not in ARCHITECTURES:
        msg = f"{file}: architecture {architecture[:40]!r} cannot be imported; known "
        msg += f"are {', '.join(ARCHITECTURES)}"
        raise AutoencoderError(msg)
    if config.get("reshape_activations", "none") not in (None, "none"):
        msg = f"{file}: it reads attention heads; only autoencoders of the residual "
        msg += "stream can be imported"
        raise AutoencoderError(msg)
    return architecture


def _k(config: dict[str, Any]) -> int | None:
    """Return K, which formats before 6 nest."""
    k = config.get("k", (config.get("activation_fn_kwargs") or {}).get("k"))
    return None if k is None else int(k)


def _input(config: dict[str, Any], file: Path) -> tuple[Input, float]:
    """Return input and gain of a normalisation. Raises AutoencoderError.

    `expected_average_only_in` is of training alone: the factor is in the weights when
    they are saved.
    """
    name = config.get("normalize_activations")
    if name in (None, "none", False, "expected_average_only_in"):
        return Input("none"), 1.0
    if name == "layer_norm":
        return Input("layernorm"), 1.0
    if name == "constant_norm_rescale":
        return Input("l2"), math.sqrt(int(config["d_in"]))
    msg = f"{file}: normalize_activations {str(name)[:40]!r} cannot be imported"
    raise AutoencoderError(msg)


def cell_folder(cell: Cell) -> str:
    """Return the name of a cell's folder."""
    return str(cell.layer)


def write(folder: Path, exported: ExportedAutoencoder) -> None:
    """Write the files; unit states become states of norm sqrt(d), with the same codes.

    Weights that this changes are float64, so that they can be changed back exactly.
    """
    n, d = exported.size
    scaled = exported.times(d**-0.5) if exported.input.kind == "l2" else exported
    architectures = {
        ours: theirs for theirs, ours in ARCHITECTURES.items() if theirs != "batchtopk"
    }
    arrays = {
        "W_enc": scaled.W_enc.T,
        "W_dec": scaled.W_dec,
        "b_enc": scaled.b_enc,
        "b_dec": scaled.b_dec,
    }
    arrays |= {} if scaled.threshold is None else {"threshold": scaled.threshold}
    save_file({k: exactly(array) for k, array in arrays.items()}, folder / WEIGHTS)
    config: dict[str, Any] = {
        "architecture": architectures[exported.architecture],
        "d_in": d,
        "d_sae": n,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": NORMALISATIONS[exported.input.kind],
        "reshape_activations": "none",
        "metadata": _metadata(exported),
    }
    if exported.architecture == "topk":
        config |= {"k": exported.k, "rescale_acts_by_decoder_norm": False}
    (folder / CONFIG).write_text(json.dumps(config, indent=2))


def _metadata(exported: ExportedAutoencoder) -> dict[str, Any]:
    attributes = exported.attributes
    return {
        "sae_lens_version": VERSION,
        "sae_lens_training_version": None,
        "model_name": attributes["model"],
        "model_from_pretrained_kwargs": {"revision": attributes["revision"]}
        if attributes["revision"]
        else {},
        "hook_name": hook_of(exported.cell.layer),
        "context_size": exported.context,
        "prepend_bos": True,
        "exclude_special_tokens": [exported.bos],
        "bisae_fingerprint": attributes["fingerprint"],
    }
