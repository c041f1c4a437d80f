"""Directions of hidden states: what an autoencoder sees of them."""

import torch
from torch import Tensor

from bisae.errors import StateError


def unit_states(states: Tensor) -> Tensor:
    """Scale each row of (tokens, d) to norm 1, as float32.

    Raises StateError that names the first row whose norm is zero or not finite.
    """
    bad = undirected(states)
    if bad.any():
        row = int(bad.nonzero()[0])
        norm = float(torch.linalg.vector_norm(states[row], dtype=torch.float32))
        msg = f"hidden state {row} has norm {norm:g}, so no direction; "
        msg += "check the checkpoint, or load it in a wider dtype"
        raise StateError(msg)
    return directions(states)


def undirected(states: Tensor) -> Tensor:
    """Which rows of (tokens, d) have a norm that is zero or not finite: (tokens,)."""
    norm: Tensor = torch.linalg.vector_norm(states, dim=-1, dtype=torch.float32)
    return ~(norm.isfinite() & (norm > 0))


def directions(states: Tensor) -> Tensor:
    """`unit_states` of rows known to have a direction; waits for no GPU to look."""
    states = states.float()
    norm: Tensor = torch.linalg.vector_norm(states, dim=-1, keepdim=True)
    return states.div(norm)
