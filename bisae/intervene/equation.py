"""Equation 7: what is added to a hidden state of the mid-training model.

X_mid <- X_mid + alpha s (W_dec^T (mask * z) + b_pre), z = E(X_full / |X_full|), with s
= 1, or |X_full| where it is scaled back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

import torch
from torch import Tensor

from bisae.intervene.additions import RANDOM_DIRECTIONS, Addition
from bisae.lm import Steer, unit_states
from bisae.sae import Autoencoder, Code, kernels


class Encoded(NamedTuple):
    """What is known of the full model's states at some tokens."""

    code: Code
    norm: Tensor
    """(tokens,): the L2 norm of the raw state."""


def encoded(sae: Autoencoder, raw: Tensor) -> Encoded:
    """Encode raw states (tokens, d). Raises StateError for one without a direction."""
    norm: Tensor = torch.linalg.vector_norm(raw, dim=1, dtype=torch.float32)
    return Encoded(sae.encode(unit_states(raw)), norm)


@dataclass(frozen=True)
class Masked:
    """An addition's features over one autoencoder: mask, and rows to decode with."""

    chosen: Tensor
    """(n,) bool"""
    rows: Tensor
    """(n, d) of the decoder, or (features, d) in its place."""
    position: Tensor | None
    """(n,): a feature's row, where those are not the decoder's."""

    def decode(self, code: Code) -> Tensor:
        """W_dec^T (mask * z): (tokens, d)."""
        index = code.index if self.position is None else self.position[code.index]
        return kernels.decode(index, code.value * self.chosen[code.index], self.rows)

    def n_active(self, code: Code) -> Tensor:
        """How many of the features are active: (tokens,)."""
        return ((code.value > 0) & self.chosen[code.index]).sum(1)


def masks(additions: Sequence[Addition], sae: Autoencoder, seed: int) -> list[Masked]:
    """Every addition over an autoencoder; `seed` is for random directions.

    Those of one draw share them: what has fewer features has the first of the others'.
    """
    drawn: dict[int, tuple[Tensor, Tensor]] = {}
    found = []
    for one in sorted(additions, key=lambda one: -len(one.features)):
        rows, position = sae.W_dec, None
        if one.added == RANDOM_DIRECTIONS:
            if one.draw not in drawn:
                drawn[one.draw] = _directions(one, sae, seed)
            rows, position = drawn[one.draw]
        chosen = torch.zeros(len(sae.W_dec), dtype=torch.bool)
        chosen[list(one.features)] = True
        found.append((one, Masked(chosen.to(rows.device), rows, position)))
    by_addition = dict(found)
    return [by_addition[one] for one in additions]


def _directions(
    addition: Addition, sae: Autoencoder, seed: int
) -> tuple[Tensor, Tensor]:
    """Random unit rows for an addition's features, and which row is whose."""
    n, d = sae.W_dec.shape
    features = torch.tensor(addition.features, dtype=torch.long)
    drawn = Random(f"{seed}/directions/{addition.draw}").getrandbits(63)
    rows = torch.randn(len(features), d, generator=torch.Generator().manual_seed(drawn))
    position = torch.zeros(n, dtype=torch.long)
    position[features] = torch.arange(len(features))
    unit = rows / rows.norm(dim=1, keepdim=True)
    return unit.to(sae.W_dec.device), position.to(sae.W_dec.device)


def strengthless(
    part: Tensor, norm: Tensor, bias: Tensor | None, *, scale_back: bool
) -> Tensor:
    """s (part + b_pre): equation 7 but for alpha, (tokens, d)."""
    whole = part if bias is None else part + bias
    return whole * norm[:, None] if scale_back else whole


def adding(
    sae: Autoencoder,
    of: Masked,
    alpha: float,
    bias: Tensor | None,
    *,
    scale_back: bool,
) -> Steer:
    """What is added at each token, from the full model's raw states there."""

    def add(raw: Tensor) -> Tensor:
        code, norm = encoded(sae, raw)
        part = of.decode(code)
        return alpha * strengthless(part, norm, bias, scale_back=scale_back)

    return add
