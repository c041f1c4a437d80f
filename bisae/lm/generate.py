"""Generate greedily from prompts, optionally steered by a second model.

A second model may read the same tokens in lockstep, up to a layer; steering vectors
computed from its states there are added to the states of the generating model.
"""

from collections.abc import Collection, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from bisae.lm.cache_checks import can_cache
from bisae.lm.lockstep import Lockstep, next_logits
from bisae.lm.model import LanguageModel


@torch.no_grad()
def generate(
    lm: LanguageModel,
    prompts: Sequence[Sequence[int]],
    max_new_tokens: int,
    ends: Collection[int],
    lockstep: Lockstep | None = None,
) -> list[list[int]]:
    """Continue each prompt up to and including its first token of `ends`.

    A prompt begins with BOS, whose states are not steered. Both models read every token
    once if their KV caches are shown to be exact, else the whole text for every token.
    """
    models = [lm, *([lockstep.full] if lockstep else [])]
    caches = can_cache(lm, lockstep, max(map(len, prompts)), max_new_tokens)
    texts, end = [list(prompt) for prompt in prompts], torch.tensor(sorted(ends))
    written = torch.empty(len(prompts), 0, dtype=torch.int64)
    with ExitStack() as stack:
        for model in models if caches else ():
            stack.enter_context(model.with_kv_cache())
        while written.shape[1] < max_new_tokens:
            token_id, mask = _pad(texts, pad_left=caches)
            n_new = 1 if caches and written.shape[1] else token_id.shape[1]
            logits = next_logits(lm, token_id[:, -n_new:], mask, lockstep)
            following = logits.argmax(1, keepdim=True).cpu()
            written = torch.cat([written, following], dim=1)
            for text, token in zip(texts, following[:, 0].tolist(), strict=True):
                text.append(token)
            if torch.isin(written, end).any(1).all():
                break
    return [_cut_at_end(row, end) for row in written]


def _pad(texts: Sequence[Sequence[int]], *, pad_left: bool) -> tuple[Tensor, Tensor]:
    """Return ids and mask, (b, t), padded with -1."""
    length = max(map(len, texts))
    rows = []
    for text in texts:
        padding = [-1] * (length - len(text))
        rows.append([*padding, *text] if pad_left else [*text, *padding])
    token_id = torch.tensor(rows)
    return token_id, token_id >= 0


def _cut_at_end(row: Tensor, end: Tensor) -> list[int]:
    """Cut the generated tokens after the first end token."""
    end_positions = torch.isin(row, end).nonzero()
    return row[: int(end_positions[0]) + 1 if len(end_positions) else None].tolist()
