"""Hidden states of a causal language model, and edits of them while it runs.

Reads checkpoints of `transformers` and token ids; gives states of any layers, token
losses and a fingerprint of the weights.
"""

from bisae.hidden.kept import Kept
from bisae.hidden.load import (
    chosen_device,
    chosen_dtype,
    load_lm,
    quiet,
    read_config,
)
from bisae.hidden.model import (
    LanguageModel,
    ModelShape,
    directions,
    undirected,
    unit_states,
)

__all__ = [
    "Kept",
    "LanguageModel",
    "ModelShape",
    "chosen_device",
    "chosen_dtype",
    "directions",
    "load_lm",
    "quiet",
    "read_config",
    "undirected",
    "unit_states",
]
