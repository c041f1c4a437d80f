"""Gemma Scope 2: a folder with config.json and params.safetensors. JumpReLU."""

from bisae.errors import AutoencoderError
from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder
from bisae.interop.hooks import layer_of, refuse_transcoder

NAME = "gemma_scope_2"
CONFIG, WEIGHTS = "config.json", "params.safetensors"
TENSORS = ["w_enc", "w_dec", "b_enc", "b_dec", "threshold"]


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    return files.has(CONFIG, WEIGHTS)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    config, file = files.json(CONFIG), files.folder / WEIGHTS
    tensors = files.tensors(file)
    hook = config.get("hf_hook_point_in")
    is_transcoder = config.get("hf_hook_point_out", hook) != hook
    if is_transcoder or "affine_skip_connection" in tensors:
        raise refuse_transcoder(str(file))
    if config.get("architecture") != "jump_relu":
        msg = (
            f"{file}: architecture {str(config.get('architecture'))[:40]!r} cannot be "
        )
        raise AutoencoderError(msg + "imported; 'jump_relu' can")
    W_enc, W_dec, b_enc, b_dec, threshold = take(tensors, file, TENSORS)
    return ForeignAutoencoder(
        file=file,
        activation="jumprelu",
        W_enc=W_enc.T,
        W_dec=W_dec,
        b_dec=b_dec,
        b_enc=b_enc,
        threshold=threshold,
        subtracts_b_dec=False,
        layer=layer_of(str(hook), str(file)) if hook else None,
    )
