"""Greedy continuation of prompts, token by token, while states are added to.

One model writes; another may read the same tokens beside it, only up to a layer, and
what is made of its states there is added to those of the one that writes.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from bisae.lm.lockstep import Lockstep, next_logits
from bisae.lm.model import LanguageModel
from bisae.lm.reading import can_cache


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
    token once, if both are shown to go on from their cache; else all for each token.
    """
    models = [lm, *([beside.full] if beside else [])]
    caches = can_cache(lm, beside, max(map(len, prompts)), max_new_tokens)
    texts, end = [list(prompt) for prompt in prompts], torch.tensor(sorted(ends))
    written = torch.empty(len(prompts), 0, dtype=torch.int64)
    with ExitStack() as stack:
        for model in models if caches else ():
            stack.enter_context(model.reading_on())
        while written.shape[1] < max_new_tokens:
            token_id, mask = _padded(texts, on_the_left=caches)
            n_new = 1 if caches and written.shape[1] else token_id.shape[1]
            logits = next_logits(lm, token_id[:, -n_new:], mask, beside)
            following = logits.argmax(1, keepdim=True).cpu()
            written = torch.cat([written, following], dim=1)
            for text, token in zip(texts, following[:, 0].tolist(), strict=True):
                text.append(token)
            if torch.isin(written, end).any(1).all():
                break
    return [_ended(row, end) for row in written]


def _padded(
    texts: Sequence[Sequence[int]], *, on_the_left: bool
) -> tuple[Tensor, Tensor]:
    """Ids and mask, (b, t), padded with -1."""
    length = max(map(len, texts))
    rows = []
    for text in texts:
        padding = [-1] * (length - len(text))
        rows.append([*padding, *text] if on_the_left else [*text, *padding])
    token_id = torch.tensor(rows)
    return token_id, token_id >= 0


def _ended(row: Tensor, end: Tensor) -> list[int]:
    """What was written up to the first end."""
    found = torch.isin(row, end).nonzero()
    return row[: int(found[0]) + 1 if len(found) else None].tolist()
