"""Greedy continuation of prompts, token by token, while states are added to.

One model writes; another may read the same tokens beside it, only up to a layer, and
what is made of its states there is added to those of the one that writes.
"""

from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from bisae.hidden.model import LanguageModel

Add = Callable[[Tensor], Tensor]
"""Raw states of the full model, (tokens, d), to what is added to the other's there."""


class Lockstep(NamedTuple):
    """The model that reads beside the one that writes, and what comes of it."""

    full: LanguageModel
    layer: int
    add: Add


@torch.no_grad()
def generate(
    lm: LanguageModel,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    ends: Collection[int],
    beside: Lockstep | None = None,
) -> list[list[int]]:
    """Continue each prompt to its first token of `ends`, that one included.

    A prompt begins with BOS, to whose states nothing is added. Both models read every
    token once.
    """
    token_id, mask = _padded(prompts)
    end = torch.tensor(sorted(ends), dtype=torch.int64)
    written = torch.empty(len(prompts), 0, dtype=torch.int64)
    with ExitStack() as stack:
        stack.enter_context(lm.reading_on())
        if beside:
            stack.enter_context(beside.full.reading_on())
        while written.shape[1] < max_new_tokens:
            token_id = _next(lm, token_id, mask, beside)
            written = torch.cat([written, token_id], dim=1)
            mask = F.pad(mask, (0, 1), value=True)
            if torch.isin(written, end).any(1).all():
                break
    return [_ended(row, end) for row in written]


def _padded(prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Ids and mask, (b, t), each prompt at the right."""
    length = max(map(len, prompts))
    rows = [[-1] * (length - len(prompt)) + list(prompt) for prompt in prompts]
    token_id = torch.tensor(rows)
    return token_id, token_id >= 0


def _next(
    lm: LanguageModel, token_id: Tensor, mask: Tensor, beside: Lockstep | None
) -> Tensor:
    """Read what is new, with what is beside added; give the next tokens, (b, 1)."""
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
        logits = lm.next_logits(token_id, mask)
    return logits.argmax(1, keepdim=True).cpu()


def _ended(row: Tensor, end: Tensor) -> list[int]:
    """What was written up to the first end."""
    found = torch.isin(row, end).nonzero()
    return row[: int(found[0]) + 1 if len(found) else None].tolist()
