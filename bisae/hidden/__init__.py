"""Hidden states of a causal language model, and edits of them while it runs.

Reads checkpoints of `transformers` and token ids; gives states of any layers, token
losses and a fingerprint of the weights.
"""

from bisae.hidden.directions import directions, undirected, unit_states
from bisae.hidden.generate import generate
from bisae.hidden.kept import Kept
from bisae.hidden.load import (
    chosen_device,
    chosen_dtype,
    load_lm,
    quiet,
    read_config,
)
from bisae.hidden.lockstep import Add, Lockstep
from bisae.hidden.model import LanguageModel
from bisae.hidden.shape import ModelShape

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
    "quiet",
    "read_config",
    "undirected",
    "unit_states",
]
