"""Test on a model whether reusing cached results changes its output.

Recurrent models have another kind of state, some models take no cache at all, left
padding changes what some compute, and with a cache some run their upper blocks on the
last token alone. In some, blocks read more than the states of the block below.
"""

import weakref
from contextlib import ExitStack

import torch
from torch import Tensor

from bisae.lm.lockstep import Lockstep, next_logits
from bisae.lm.model import LanguageModel

LOSS_TOKENS = 12
SHORTER = 3
"""Tokens by which the second of two texts is shorter, so that it is padded."""


def can_cache(
    lm: LanguageModel, lockstep: Lockstep | None, n_prompt: int, n_new: int
) -> bool:
    """Say if models can continue `n_prompt` tokens by `n_new` from their KV caches.

    Tested once for the longest texts; must be called before any edits are active.
    """
    key = (weakref.ref(lockstep.full), lockstep.layer) if lockstep else None
    exact, *tried = lm.cache_trials.get(key, (True, 0, 0))
    if exact and (n_prompt > tried[0] or n_new > tried[1]):
        exact = caching_is_exact(lm, lockstep, n_prompt, n_new)
        lm.cache_trials[key] = (exact, n_prompt, n_new)
    return exact


@torch.no_grad()
def caching_is_exact(
    lm: LanguageModel, lockstep: Lockstep | None, n_prompt: int, n_new: int
) -> bool:
    """Say if logits from KV caches equal those of whole passes, up to rounding.

    Compares them at the first two new tokens and the last one, steering with the full
    model's states themselves.
    """
    lockstep = lockstep and lockstep._replace(steer=Tensor.float)
    ids = (7 * torch.arange(n_prompt + n_new) + 5).remainder(lm.vocab_size)
    prompts = [ids[:n_prompt].tolist(), ids[-max(2, n_prompt - SHORTER) :].tolist()]
    texts = [[*prompt, *ids[: n_new - 1].tolist()] for prompt in prompts]
    try:
        cached = _from_cache(lm, texts, lockstep, n_new)
        for n_read in {0, min(1, n_new - 1), n_new - 1}:
            n_unread = n_new - 1 - n_read
            whole = _without_cache(
                lm, [text[: len(text) - n_unread] for text in texts], lockstep
            )
            if not _is_close(cached[n_read], whole, lm.dtype):
                return False
    except Exception:  # a model that takes no such cache may raise anything
        return False
    return True


def _from_cache(
    lm: LanguageModel, texts: list[list[int]], lockstep: Lockstep | None, n_new: int
) -> list[Tensor]:
    """Return the logits after all but `n_new` - 1 tokens, and after each of these."""
    length = max(map(len, texts))
    token_id = torch.tensor([[-1] * (length - len(text)) + text for text in texts])
    mask, first, logits = token_id >= 0, 0, []
    with ExitStack() as stack:
        for model in [lm, *([lockstep.full] if lockstep else [])]:
            stack.enter_context(model.with_kv_cache())
        for end in range(length - n_new + 1, length + 1):
            logits.append(
                next_logits(lm, token_id[:, first:end], mask[:, :end], lockstep)
            )
            first = end
    return logits


def _without_cache(
    lm: LanguageModel, texts: list[list[int]], lockstep: Lockstep | None
) -> Tensor:
    """Return the logits after each text, one text at a time."""
    rows = [torch.tensor([text]) for text in texts]
    return torch.cat(
        [next_logits(lm, row, torch.ones_like(row) > 0, lockstep) for row in rows]
    )


def _is_close(values: Tensor, exact: Tensor, dtype: torch.dtype) -> bool:
    """Say if rows differ only by rounding, relative to their spread."""
    scale = (exact - exact.mean(1, keepdim=True)).abs().amax(1, keepdim=True)
    rounding = 1e-3 if dtype == torch.float32 else 0.1
    return bool(((values - exact).abs() <= rounding * scale).all())


@torch.no_grad()
def can_skip(lm: LanguageModel, layer: int) -> bool:
    """Say if passes from `layer` on give the losses of whole passes; tested once."""
    if layer not in lm.skip_trials:
        lm.skip_trials[layer] = _skipping_is_exact(lm, layer)
    return lm.skip_trials[layer]


def _skipping_is_exact(lm: LanguageModel, layer: int) -> bool:
    """Compare losses with the layer's states doubled, on texts of two lengths."""
    n_tokens = min(LOSS_TOKENS, lm.max_tokens or LOSS_TOKENS)
    token_id = (7 * torch.arange(2 * n_tokens) + 5).remainder(lm.vocab_size)
    token_id = token_id.reshape(2, n_tokens)
    mask = torch.ones_like(token_id) > 0
    mask[1, -1] = False
    with lm.edited(layer, lambda state: 2 * state):
        whole = lm.token_losses(token_id, mask)
    try:
        with lm.caching(layer) as cached:
            lm.token_losses(token_id, mask)
        with lm.skipping(layer, cached, 2 * cached.state):
            skipped = lm.token_losses(token_id, mask)
    except Exception:  # a block that needs a skipped one may raise anything
        return False
    rounding = 1e-4 if lm.dtype == torch.float32 else 1e-2
    return bool(((skipped - whole).abs() <= rounding * (1 + whole)).all())
