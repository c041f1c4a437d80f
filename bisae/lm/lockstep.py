"""One pass of a model that writes, while another's states are added to its own."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import NamedTuple

from torch import Tensor

from bisae.lm.model import LanguageModel

Add = Callable[[Tensor], Tensor]
"""Raw states of the full model, (tokens, d), to what is added to the other's there."""


class Lockstep(NamedTuple):
    """The model that reads beside the one that writes, and what comes of it."""

    full: LanguageModel
    layer: int
    add: Add


def next_logits(
    lm: LanguageModel, token_id: Tensor, mask: Tensor, beside: Lockstep | None
) -> Tensor:
    """Read what is new, with what is beside added; return (b, vocab) logits."""
    with ExitStack() as stack:
        if beside:
            full, layer, add = beside
            edited = (mask & (mask.cumsum(1) > 1))[:, -token_id.shape[1] :]
            states = full.hidden_states(token_id, mask, [layer])[layer]
            added = add(states[edited.to(states.device)])

            def edit(state: Tensor) -> Tensor:
                where = (edited.to(state.device),)
                more = added.to(state.device)
                return state.float().index_put(where, more, accumulate=True)

            stack.enter_context(lm.edited(layer, edit))
        return lm.next_logits(token_id, mask)
