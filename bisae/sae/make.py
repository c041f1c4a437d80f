"""Make autoencoders: newly initialized ones, and those of a store."""

import hashlib
from collections.abc import Iterable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisae.grid import Cell
from bisae.sae import kernels
from bisae.sae.autoencoder import Autoencoder
from bisae.sae.relu import ReluAutoencoder
from bisae.study import Sae

MEDIAN_TOKENS = 8192
"""Tokens of the sample whose geometric median initializes b_pre."""


def start(x: Tensor, settings: Sae) -> Autoencoder:
    """Initialize an autoencoder for inputs like the sample x, (tokens, d).

    Directions are random unit vectors, encoder rows equal them, b_pre is the geometric
    median of x.
    """
    rows = start_directions(settings, x.shape[1]).to(x.device)
    weights = {
        "W_enc": rows.clone(),
        "W_dec": rows,
        "b_pre": kernels.geometric_median(x[:MEDIAN_TOKENS]),
    }
    if settings.encoder_bias:
        weights["b_enc"] = torch.zeros(settings.n_features, device=x.device)
    return from_tensors(weights, settings)


def seeded(settings: Sae, cell: Cell) -> Sae:
    """Return the settings with the seed that a cell starts from."""
    if settings.start_seed == "shared":
        return settings
    digest = hashlib.sha256(f"{settings.seed}/{cell}".encode()).digest()
    seed = int.from_bytes(digest[:8], "big") >> 1  # below 2**63
    return settings.model_copy(update={"seed": seed})


def start_directions(settings: Sae, d: int) -> Tensor:
    """Return the random unit directions of a start, (n, d).

    They depend on the seed alone, so all cells of one width that share it start from
    the same ones.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    rows = torch.randn(settings.n_features, d, generator=generator)
    rows /= rows.norm(dim=1, keepdim=True)
    return rows


def start_cosines(
    directions: Iterable[NDArray[np.float32]], settings: Sae, d: int
) -> NDArray[np.float32]:
    """Return the cosine of each direction with the random one of its index, (n,).

    `directions` are consecutive rows of W_dec, some at a time, each (rows, d).
    """
    starts, first = start_directions(settings, d).numpy(), 0
    cosines = np.empty(settings.n_features, np.float32)
    for rows in directions:
        last = first + len(rows)
        cosines[first:last] = np.einsum("nd,nd->n", rows, starts[first:last])
        first = last
    return cosines


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
