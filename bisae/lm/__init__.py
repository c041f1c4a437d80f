"""Read and edit the hidden states of a causal language model while it runs.

Reads checkpoints of `transformers` and token ids; returns states of any layers, token
losses and a fingerprint of the weights.
"""

from bisae.lm.activations import CachedActivations
from bisae.lm.directions import directions, has_no_direction, unit_states
from bisae.lm.generate import generate
from bisae.lm.load import (
    chosen_device,
    chosen_dtype,
    load_lm,
    read_config,
)
from bisae.lm.lockstep import Lockstep, Steer
from bisae.lm.model import LanguageModel
from bisae.lm.shape import ModelShape
from bisae.lm.weights import describe_weights

__all__ = [
    "CachedActivations",
    "LanguageModel",
    "Lockstep",
    "ModelShape",
    "Steer",
    "chosen_device",
    "chosen_dtype",
    "describe_weights",
    "directions",
    "generate",
    "has_no_direction",
    "load_lm",
    "read_config",
    "unit_states",
]
