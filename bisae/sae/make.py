"""Make autoencoders: newly initialized ones, and those of a store.

Reads `sae/` of cells.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisae.grid import Cell
from bisae.sae import kernels
from bisae.sae.autoencoder import Autoencoder
from bisae.sae.inputs import Input
from bisae.sae.ranked import RankedAutoencoder
from bisae.sae.relu import ReluAutoencoder
from bisae.store import Store, is_imported
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
        return ReluAutoencoder(W_enc, W_dec, b_pre, b_enc, k, l1=settings.l1)
    return Autoencoder(W_enc, W_dec, b_pre, b_enc, k)


def load_autoencoder(
    store: Store, cell: Cell, device: torch.device | str
) -> Autoencoder:
    """Load the autoencoder of a cell. Raises what `Store.weights` raises."""
    attributes = store.attributes(cell, "sae")
    weights, settings = store.weights(cell), store.study.sae
    if is_imported(attributes):
        return from_attributes(weights, attributes, settings.k, device)
    return from_numpy(weights, settings, device)


def from_numpy(
    weights: Mapping[str, NDArray[np.float32]],
    settings: Sae,
    device: torch.device | str,
) -> Autoencoder:
    """Make an autoencoder of the study's architecture from arrays by name."""
    return from_tensors(_tensors(weights, device), settings)


def from_attributes(
    weights: Mapping[str, NDArray[np.float32]],
    attributes: Mapping[str, Any],
    k: int,
    device: torch.device | str,
) -> Autoencoder:
    """Make an imported autoencoder from its arrays and attributes by name.

    Its codes keep the k largest values.
    """
    tensors, sae_input = _tensors(weights, device), Input.stated(attributes)
    W_enc, W_dec, b_pre = tensors["W_enc"], tensors["W_dec"], tensors["b_pre"]
    parts = W_enc, W_dec, b_pre, tensors.get("b_enc"), k, sae_input
    if attributes["architecture"] != "topk":
        return ReluAutoencoder(*parts, threshold=tensors.get("threshold"))
    top_k, rank_scale = attributes["top_k"], tensors.get("rank_scale")
    if top_k == k and rank_scale is None:
        return Autoencoder(*parts)
    return RankedAutoencoder(*parts, top_k, rank_scale)


def _tensors(
    weights: Mapping[str, NDArray[np.float32]], device: torch.device | str
) -> dict[str, Tensor]:
    return {name: torch.from_numpy(w).to(device) for name, w in weights.items()}
