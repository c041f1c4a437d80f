"""Make autoencoders: newly initialized ones, and those of a store."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisae.sae import kernels
from bisae.sae.autoencoder import Autoencoder
from bisae.sae.relu import ReluAutoencoder
from bisae.study import Sae

MEDIAN_TOKENS = 8192
"""Tokens of the sample whose geometric median initializes b_pre."""


def start(x: Tensor, settings: Sae) -> Autoencoder:
    """Initialize an autoencoder for inputs like the sample x, (tokens, d).

    Directions are random unit vectors, encoder rows equal them, b_pre is the geometric
    median of x. Directions depend on the seed alone, so all cells of one width start
    from the same ones.
    """
    n, d = settings.n_features, x.shape[1]
    rows = torch.randn(n, d, generator=torch.Generator().manual_seed(settings.seed))
    rows = (rows / rows.norm(dim=1, keepdim=True)).to(x.device)
    weights = {
        "W_enc": rows.clone(),
        "W_dec": rows,
        "b_pre": kernels.geometric_median(x[:MEDIAN_TOKENS]),
    }
    if settings.encoder_bias:
        weights["b_enc"] = torch.zeros(n, device=x.device)
    return from_tensors(weights, settings)


def from_tensors(weights: Mapping[str, Tensor], settings: Sae) -> Autoencoder:
    """Make an autoencoder from parameters by name, without copying them."""
    W_enc, W_dec, b_pre = weights["W_enc"], weights["W_dec"], weights["b_pre"]
    b_enc, k = weights.get("b_enc"), settings.k
    if settings.architecture == "relu":
        return ReluAutoencoder(W_enc, W_dec, b_pre, b_enc, k, settings.l1)
    return Autoencoder(W_enc, W_dec, b_pre, b_enc, k)


def from_numpy(
    weights: Mapping[str, NDArray[np.float32]],
    settings: Sae,
    device: torch.device | str,
) -> Autoencoder:
    """Make an autoencoder from the arrays of a store."""
    tensors = {name: torch.from_numpy(w).to(device) for name, w in weights.items()}
    return from_tensors(tensors, settings)
