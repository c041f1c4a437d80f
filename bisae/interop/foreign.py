"""Autoencoders in the conventions of other projects, and their exact conversion.

Takes tensors as a format's reader returns them; returns the arrays and attributes of a
cell. Sums and products are computed in float64 and rounded once.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from bisae.errors import AutoencoderError
from bisae.sae import Input
from bisae.store import Array

UNIT_ERROR = 1e-4
"""Difference of a row's norm from 1 that the store allows; such rows stay as they are,
so that an autoencoder of unit directions keeps its very numbers."""
RAW = Input("none")
SAME_NORM = 1e-6
"""Relative spread of norms below which they do not change the order of features."""


@dataclass(frozen=True)
class ForeignAutoencoder:
    """z = act(W_enc (gain x - s b_dec) + b_enc); gain x^ = W_dec^T z + b_dec.

    x is the hidden state as `input` scales it; s is 1 if `subtracts_b_dec`, else 0.
    """

    file: Path
    """The file of its weights."""
    activation: Literal["topk", "relu", "jumprelu"]
    W_enc: Tensor
    """(n, d)"""
    W_dec: Tensor
    """(n, d): rows of any norm."""
    b_dec: Tensor
    """(d,)"""
    b_enc: Tensor
    """(n,)"""
    top_k: int | None = None
    """Features that a TopK autoencoder keeps per token; None if no file says."""
    threshold: Tensor | None = None
    """(n,): pre-activations above it are active; for JumpReLU."""
    subtracts_b_dec: bool = True
    ranks_by_norm: bool = False
    """True if TopK chooses after multiplying by the norms of W_dec's rows."""
    input: Input = RAW
    gain: float = 1.0
    layer: int | None = None
    """The layer that its files name, counted as here; None if they name none."""


class ConvertedAutoencoder(NamedTuple):
    """An autoencoder as a cell holds it."""

    weights: dict[str, Array]
    attributes: dict[str, Any]
    """Those that follow from its files alone: architecture, top_k, input, ..."""


def check_tensors(
    sae: ForeignAutoencoder, n_features: int, d_model: int, where: str
) -> None:
    """Raise AutoencoderError for a shape or a K that does not fit, or a NaN."""
    n, d = sae.W_enc.shape if sae.W_enc.ndim == 2 else (0, 0)
    if d != d_model:
        msg = f"{where}: it reads states of width {d}, the model's have {d_model}"
        raise AutoencoderError(msg)
    if n != n_features:
        msg = f"{where}: it has {n:,} features, [sae] n_features is {n_features:,}; "
        msg += "all layers of a study have the same number"
        raise AutoencoderError(msg)
    shapes = {"W_enc": (n, d), "W_dec": (n, d), "b_dec": (d,), "b_enc": (n,)}
    shapes |= {"threshold": (n,)} if sae.threshold is not None else {}
    for name, shape in shapes.items():
        tensor: Tensor = getattr(sae, name)
        if tensor.shape != shape:
            msg = f"{where}: {name} has shape {tuple(tensor.shape)}, not {shape}"
            raise AutoencoderError(msg)
        if not bool(torch.isfinite(tensor).all()):
            msg = f"{where}: {name} has values that are not finite"
            raise AutoencoderError(msg)
    if sae.top_k is not None and not 1 <= sae.top_k <= n:
        msg = f"{where}: its K is {sae.top_k:,}, of {n:,} features"
        raise AutoencoderError(msg)
    if empty := int((sae.W_dec.norm(dim=1) == 0).sum()):
        msg = f"{where}: the direction of {empty:,} features is zero"
        raise AutoencoderError(msg)


def convert(sae: ForeignAutoencoder, default_k: int) -> ConvertedAutoencoder:
    """Convert an autoencoder to the conventions of a cell.

    Directions get unit norm, and the encoder their norms, so that values grow by them;
    b_dec is subtracted from the input, and b_enc compensates for it if it was not.
    A TopK autoencoder that does not say its K gets `default_k`.
    """
    changes = []
    if sae.W_enc.dtype in (torch.bfloat16, torch.float16):
        changes.append(f"{str(sae.W_enc.dtype).removeprefix('torch.')} to float32")
    W_dec, b_pre = sae.W_dec.double() / sae.gain, sae.b_dec.double() / sae.gain
    W_enc, b_enc = sae.W_enc.double() * sae.gain, sae.b_enc.double()
    if sae.gain != 1:
        changes.append(f"inputs of norm {sae.gain:.6g} to unit norm")
    if not sae.subtracts_b_dec and bool(b_pre.any()):
        b_enc = b_enc + W_enc @ b_pre
        changes.append("b_dec is subtracted from the input, which b_enc compensates")
    norm, threshold = W_dec.norm(dim=1), sae.threshold
    threshold = None if threshold is None else threshold.double().clamp_min(0)
    rank_scale = None
    if bool((norm - 1).abs().max() > UNIT_ERROR):
        W_dec, W_enc = W_dec / norm[:, None], W_enc * norm[:, None]
        b_enc = b_enc * norm
        threshold = None if threshold is None else threshold * norm
        is_ranked = sae.activation == "topk" and not sae.ranks_by_norm
        if is_ranked and bool(norm.max() / norm.min() - 1 > SAME_NORM):
            rank_scale = 1 / norm
        changes.append("directions to unit norm, which values are multiplied by")
    tensors = {"W_enc": W_enc, "W_dec": W_dec, "b_pre": b_pre}
    optional = {"b_enc": b_enc if bool(b_enc.any()) else None}
    optional |= {"threshold": threshold, "rank_scale": rank_scale}
    tensors |= {name: tensor for name, tensor in optional.items() if tensor is not None}
    weights = {
        name: tensor.float().contiguous().numpy() for name, tensor in tensors.items()
    }
    top_k = (sae.top_k or default_k) if sae.activation == "topk" else None
    attributes = {
        "architecture": sae.activation,
        "top_k": top_k,
        "input": sae.input.kind,
        "input_scale": sae.input.scale,
        "conversions": "; ".join(changes),
    }
    return ConvertedAutoencoder(weights, attributes)


def scalar(value: object) -> float:
    """Return a number that a file holds as a number or as a tensor of one."""
    return float(np.asarray(value).reshape(()))
