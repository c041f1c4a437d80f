"""The input of an autoencoder: hidden states, scaled as it was trained on them.

Autoencoders that `bisae` trains read unit states; those of other projects may not.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from bisae.lm import unit_states
from bisae.store import is_imported

InputKind = Literal["l2", "none", "scale", "layernorm"]
EPSILON = 1e-5
"""Added to the standard deviation, as OpenAI's autoencoders and SAELens do."""


class Input(NamedTuple):
    """The scaling of a hidden state h, (d,), to the input x of an autoencoder.

    l2: x = h / norm(h). none: x = h. scale: x = scale h. layernorm: x = (h - mean) /
    (std + 1e-5), over the d numbers of the state, with the unbiased deviation.
    """

    kind: InputKind = "l2"
    scale: float = 1.0

    def of(self, states: Tensor) -> Tensor:
        """Return the inputs of raw hidden states: (tokens, d) -> (tokens, d), float32.

        Raises StateError for a state without direction, if inputs are unit states.
        """
        if self.kind == "l2":
            return unit_states(states)
        states = states.float()
        if self.kind == "layernorm":
            mean, std = _moments(states)
            return (states - mean) / (std + EPSILON)
        return states * self.scale

    def restore(self, x: Tensor, states: Tensor) -> Tensor:
        """Scale reconstructed inputs back to hidden states: (tokens, d), float32.

        `states` are the raw hidden states that the inputs were made from.
        """
        states = states.float()
        if self.kind == "l2":
            norm: Tensor = torch.linalg.vector_norm(states, dim=1, keepdim=True)
            return x * norm
        if self.kind == "layernorm":
            mean, std = _moments(states)
            return x * std + mean
        return x / self.scale

    @classmethod
    def recorded(cls, attributes: Mapping[str, Any]) -> "Input":
        """Return the input of a cell; all but imported ones have unit states."""
        return cls.stated(attributes) if is_imported(attributes) else UNIT_STATES

    @classmethod
    def stated(cls, attributes: Mapping[str, Any]) -> "Input":
        """Return the input that the attributes of an imported autoencoder state."""
        return cls(attributes["input"], attributes.get("input_scale", 1.0))


UNIT_STATES = Input()


def _moments(states: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and unbiased standard deviation of each row: (tokens, 1)."""
    return states.mean(1, keepdim=True), states.std(1, keepdim=True)
