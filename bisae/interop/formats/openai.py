"""OpenAI's autoencoders of GPT-2: one .pt file; TopK ones read layer-normed states."""

from bisae.errors import AutoencoderError
from bisae.interop.files import Files, take
from bisae.interop.foreign import ForeignAutoencoder, scalar
from bisae.sae import Input

NAME = "openai"
TENSORS = ["encoder.weight", "latent_bias", "decoder.weight", "pre_bias"]
STATE = ("activation", "activation_state_dict", "stats_last_nonzero")
ACTIVATIONS = {"TopK": "topk", "ReLU": "relu"}


def matches(files: Files) -> bool:
    """Say if the files are of this format."""
    file = files.pickle()
    return file is not None and "latent_bias" in files.tensors(file)


def read(files: Files) -> ForeignAutoencoder:
    """Read the autoencoder. Raises AutoencoderError."""
    file = files.pickle() or files.path
    tensors = files.tensors(file)
    W_enc, b_enc, W_dec, b_dec = take(tensors, file, TENSORS, STATE)
    activation = str(tensors.get("activation"))
    if activation not in ACTIVATIONS:
        msg = f"{file}: activation {activation[:40]!r} cannot be imported; known are "
        raise AutoencoderError(msg + ", ".join(ACTIVATIONS))
    state = tensors.get("activation_state_dict") or {}
    is_topk = activation == "TopK"
    return ForeignAutoencoder(
        file=file,
        activation=ACTIVATIONS[activation],  # type: ignore[arg-type]
        W_enc=W_enc,
        W_dec=W_dec.T,
        b_dec=b_dec,
        b_enc=b_enc,
        top_k=int(scalar(state["k"])) if is_topk and "k" in state else None,
        input=Input("layernorm" if is_topk else "none"),
    )
