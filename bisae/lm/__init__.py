"""Hidden states of a causal language model, and edits of them while it runs.

Reads checkpoints of `transformers` and token ids; gives states of any layers, token
losses and a fingerprint of the weights.
"""

from bisae.lm.directions import directions, undirected, unit_states
from bisae.lm.generate import generate
from bisae.lm.kept import Kept
from bisae.lm.load import (
    chosen_device,
    chosen_dtype,
    load_lm,
    read_config,
)
from bisae.lm.lockstep import Add, Lockstep
from bisae.lm.model import LanguageModel
from bisae.lm.shape import ModelShape

__all__ = [
    "Add",
    "Kept",
    "LanguageModel",
    "Lockstep",
    "ModelShape",
    "chosen_device",
    "chosen_dtype",
    "directions",
    "generate",
    "load_lm",
    "read_config",
    "undirected",
    "unit_states",
]
