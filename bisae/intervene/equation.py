"""Equation 7: the steering of the mid-training model's hidden states.

X_mid <- X_mid + alpha s (W_dec^T (mask * z) + b_pre), z = E(X_full / |X_full|), with s
= 1, or |X_full| with `scale_back`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor

from bisae.intervene.steering import RANDOM_DIRECTIONS, SteeringVector
from bisae.lm import Steer, unit_states
from bisae.sae import Autoencoder, Code, kernels


class EncodedStates(NamedTuple):
    """The full model's states at some tokens: their codes and norms."""

    code: Code
    norm: Tensor
    """(tokens,): the L2 norm of the raw state."""


def encode_states(sae: Autoencoder, raw: Tensor) -> EncodedStates:
    """Encode raw states (tokens, d). Raises StateError if one has no direction."""
    norm: Tensor = torch.linalg.vector_norm(raw, dim=1, dtype=torch.float32)
    return EncodedStates(sae.encode(unit_states(raw)), norm)


@dataclass(frozen=True)
class MaskedDecoder:
    """A decoder that sees only a steering vector's features."""

    chosen: Tensor
    """(n,) bool"""
    rows: Tensor
    """(n, d): W_dec, or (features, d): random directions instead."""
    position: Tensor | None
    """(n,): each feature's row, where `rows` is not W_dec."""

    def decode(self, code: Code) -> Tensor:
        """W_dec^T (mask * z): (tokens, d)."""
        index = code.index if self.position is None else self.position[code.index]
        return kernels.decode(index, code.value * self.chosen[code.index], self.rows)

    def n_active(self, code: Code) -> Tensor:
        """Count the active features at each token: (tokens,)."""
        return ((code.value > 0) & self.chosen[code.index]).sum(1)


def masked_decoders(
    vectors: Sequence[SteeringVector], sae: Autoencoder, seed: int
) -> list[MaskedDecoder]:
    """Return each steering vector's decoder; `seed` draws the random directions.

    Vectors of one draw share these: one with fewer features uses the first rows.
    """
    drawn: dict[int, tuple[Tensor, Tensor]] = {}
    decoders = []
    for vector in sorted(vectors, key=lambda vector: -len(vector.features)):
        rows, position = sae.W_dec, None
        if vector.added == RANDOM_DIRECTIONS:
            if vector.draw not in drawn:
                drawn[vector.draw] = _directions(vector, sae, seed)
            rows, position = drawn[vector.draw]
        chosen = torch.zeros(len(sae.W_dec), dtype=torch.bool)
        chosen[list(vector.features)] = True
        decoders.append((vector, MaskedDecoder(chosen.to(rows.device), rows, position)))
    by_vector = dict(decoders)
    return [by_vector[vector] for vector in vectors]


def _directions(
    vector: SteeringVector, sae: Autoencoder, seed: int
) -> tuple[Tensor, Tensor]:
    """Draw a random unit row for each feature; return rows and each feature's row."""
    n, d = sae.W_dec.shape
    features = torch.tensor(vector.features, dtype=torch.long)
    drawn = Random(f"{seed}/directions/{vector.draw}").getrandbits(63)
    rows = torch.randn(len(features), d, generator=torch.Generator().manual_seed(drawn))
    position = torch.zeros(n, dtype=torch.long)
    position[features] = torch.arange(len(features))
    unit = rows / rows.norm(dim=1, keepdim=True)
    return unit.to(sae.W_dec.device), position.to(sae.W_dec.device)


def unscaled_steering(
    decoded: Tensor, norm: Tensor, bias: Tensor | None, *, scale_back: bool
) -> Tensor:
    """Return s (decoded + b_pre), equation 7 without alpha: (tokens, d)."""
    vector = decoded if bias is None else decoded + bias
    return vector * norm[:, None] if scale_back else vector


def steering_function(
    sae: Autoencoder,
    decoder: MaskedDecoder,
    alpha: float,
    bias: Tensor | None,
    *,
    scale_back: bool,
) -> Steer:
    """Return the steering as a function of the full model's raw states."""

    def add(raw: Tensor) -> Tensor:
        code, norm = encode_states(sae, raw)
        decoded = decoder.decode(code)
        return alpha * unscaled_steering(decoded, norm, bias, scale_back=scale_back)

    return add
