"""Gemma Scope 1: a folder with params.npz. JumpReLU, b_dec is not subtracted."""

from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder
from bisae.sae import Input

NAME = "gemma_scope"
WEIGHTS = "params.npz"
TENSORS = ["W_enc", "W_dec", "b_enc", "b_dec", "threshold"]


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    return files.has(WEIGHTS)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError.

    Those of the embeddings read them before Gemma multiplies them by sqrt(d).
    """
    file = files.folder / WEIGHTS
    W_enc, W_dec, b_enc, b_dec, threshold = take(files.tensors(file), file, TENSORS)
    unscaled = Input("scale", len(b_dec) ** -0.5)
    return ForeignAutoencoder(
        file=file,
        activation="jumprelu",
        W_enc=W_enc.T,
        W_dec=W_dec,
        b_dec=b_dec,
        b_enc=b_enc,
        threshold=threshold,
        subtracts_b_dec=False,
        input=unscaled if files.layer == 0 else Input("none"),
    )
