"""Run one pass of a model steered by the states of a second model."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from torch import Tensor

from bisae.lm.model import LanguageModel

Steer = Callable[[Tensor], Tensor]
"""Maps raw states of the full model, (tokens, d), to steering vectors, (tokens, d)."""


class Lockstep(NamedTuple):
    """The full model that reads in lockstep, and the steering computed from it."""

    full: LanguageModel
    layer: int
    steer: Steer


def next_logits(
    lm: LanguageModel, token_id: Tensor, mask: Tensor, lockstep: Lockstep | None
) -> Tensor:
    """Read the new tokens, steered by `lockstep`; return the logits, (b, vocab)."""
    with ExitStack() as stack:
        if lockstep:
            full, layer, steer = lockstep
            edited = (mask & (mask.cumsum(1) > 1))[:, -token_id.shape[1] :]
            states = full.hidden_states(token_id, mask, [layer])[layer]
            steering = steer(states[edited.to(states.device)])

            def edit(state: Tensor) -> Tensor:
                where = (edited.to(state.device),)
                vectors = steering.to(state.device)
                return state.float().index_put(where, vectors, accumulate=True)

            stack.enter_context(lm.edited(layer, edit))
        return lm.next_logits(token_id, mask)
