"""Llama Scope: a folder with hyperparams.json and checkpoints/final.safetensors.

JumpReLU with one threshold; inputs are scaled so that their mean norm is sqrt(d), and
the threshold likewise, as SAELens does.
"""

import torch

from bisae.errors import AutoencoderError
from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder
from bisae.interop.hooks import layer_of, refuse_transcoder
from bisae.sae import Input

NAME = "llama_scope"
CONFIG, WEIGHTS = "hyperparams.json", "checkpoints/final.safetensors"
TENSORS = ["encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias"]
SETTINGS = ("act_fn", "jump_relu_threshold", "dataset_average_activation_norm")


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    return files.has(CONFIG, WEIGHTS)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    config, file = files.json(CONFIG), files.folder / WEIGHTS
    W_enc, b_enc, W_dec, b_dec = take(files.tensors(file), file, TENSORS)
    hook = config.get("hook_point_in")
    if config.get("hook_point_out", hook) != hook:
        raise refuse_transcoder(str(file))
    activation, threshold, norms = (config.get(name) for name in SETTINGS)
    if activation != "jumprelu" or threshold is None or not norms:
        msg = f"{file}: {CONFIG} must give act_fn 'jumprelu', jump_relu_threshold and "
        msg += (
            f"dataset_average_activation_norm, and has act_fn {str(activation)[:40]!r}"
        )
        raise AutoencoderError(msg)
    scale = len(b_dec) ** 0.5 / float(norms["in"])
    return ForeignAutoencoder(
        file=file,
        activation="jumprelu",
        W_enc=W_enc,
        W_dec=W_dec.T,
        b_dec=b_dec,
        b_enc=b_enc,
        threshold=torch.full((len(b_enc),), float(threshold) * scale),
        subtracts_b_dec=False,
        input=Input("scale", scale),
        layer=layer_of(str(hook), str(file)) if hook else None,
    )
