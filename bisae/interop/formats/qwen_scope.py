"""Qwen-Scope: one .pt file a layer. TopK; the file does not say its K."""

from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder

NAME = "qwen_scope"
TENSORS = ["W_enc", "W_dec", "b_enc", "b_dec"]


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    file = files.pickle()
    return file is not None and {"W_enc", "W_dec"} <= files.tensors(file).keys()


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    file = files.pickle() or files.path
    W_enc, W_dec, b_enc, b_dec = take(files.tensors(file), file, TENSORS)
    return ForeignAutoencoder(
        file=file,
        activation="topk",
        W_enc=W_enc,
        W_dec=W_dec.T,
        b_dec=b_dec,
        b_enc=b_enc,
        subtracts_b_dec=False,
    )
