"""Directions of hidden states, the input of the autoencoders."""

import torch
from torch import Tensor

from bisae.errors import StateError


def unit_states(states: Tensor) -> Tensor:
    """Scale each row of (tokens, d) to norm 1, as float32.

    Raises StateError that names the first row whose norm is zero or not finite.
    """
    bad = has_no_direction(states)
    if bad.any():
        row = int(bad.nonzero()[0])
        norm = float(torch.linalg.vector_norm(states[row], dtype=torch.float32))
        msg = f"hidden state {row} has norm {norm:g}, so it has no direction; "
        msg += "check the checkpoint, or load it in a wider dtype"
        raise StateError(msg)
    return directions(states)


def has_no_direction(states: Tensor) -> Tensor:
    """Mark rows of (tokens, d) whose norm is zero or not finite: (tokens,) bool."""
    norm: Tensor = torch.linalg.vector_norm(states, dim=-1, dtype=torch.float32)
    return ~(norm.isfinite() & (norm > 0))


def directions(states: Tensor) -> Tensor:
    """`unit_states` for rows known to have a direction; never waits for the GPU."""
    states = states.float()
    norm: Tensor = torch.linalg.vector_norm(states, dim=-1, keepdim=True)
    return states.div(norm)
