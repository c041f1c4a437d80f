"""Goodfire: one .pt or .pth file. ReLU; b_dec is not subtracted."""

from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder

NAME = "goodfire"
LAYERS = ("encoder_linear", "decoder_linear")
TENSORS = [f"{layer}.{kind}" for layer in LAYERS for kind in ("weight", "bias")]


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    file = files.pickle()
    return file is not None and "encoder_linear.weight" in files.tensors(file)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    file = files.pickle() or files.path
    W_enc, b_enc, W_dec, b_dec = take(files.tensors(file), file, TENSORS)
    return ForeignAutoencoder(
        file=file,
        activation="relu",
        W_enc=W_enc,
        W_dec=W_dec.T,
        b_dec=b_dec,
        b_enc=b_enc,
        subtracts_b_dec=False,
    )
