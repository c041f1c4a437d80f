"""May a model skip what it has computed before? Tried on the model, as it will run.

Recurrent models keep a state of another kind, some models take no cache at all, padding
on the left changes what some compute, and with a cache some run their upper blocks on
the last token alone. In some, blocks read more than the states of the block below.
"""

import weakref
from contextlib import ExitStack

import torch
from torch import Tensor

from bisae.lm.lockstep import Lockstep, next_logits
from bisae.lm.model import LanguageModel

LOSS_TOKENS = 12
SHORTER = 3
"""By how many tokens the second of two texts is shorter, so that it is padded."""


def can_cache(
    lm: LanguageModel, beside: Lockstep | None, n_prompt: int, n_new: int
) -> bool:
    """Whether models may continue `n_prompt` tokens by `n_new` from their caches.

    Tried once for the longest texts; asked before edits are in force.
    """
    key = (weakref.ref(beside.full), beside.layer) if beside else None
    exact, *tried = lm.cache_trials.get(key, (True, 0, 0))
    if exact and (n_prompt > tried[0] or n_new > tried[1]):
        exact = caching_is_exact(lm, beside, n_prompt, n_new)
        lm.cache_trials[key] = (exact, n_prompt, n_new)
    return exact


@torch.no_grad()
def caching_is_exact(
    lm: LanguageModel, beside: Lockstep | None, n_prompt: int, n_new: int
) -> bool:
    """Whether the logits from caches are those of reading all anew, up to rounding.

    Compared where the first two tokens and the last one are chosen; what is added are
    the full model's states themselves.
    """
    beside = beside and beside._replace(add=Tensor.float)
    ids = (7 * torch.arange(n_prompt + n_new) + 5).remainder(lm.vocab_size)
    prompts = [ids[:n_prompt].tolist(), ids[-max(2, n_prompt - SHORTER) :].tolist()]
    texts = [[*prompt, *ids[: n_new - 1].tolist()] for prompt in prompts]
    try:
        cached = _from_cache(lm, texts, beside, n_new)
        for n_read in {0, min(1, n_new - 1), n_new - 1}:
            n_left = n_new - 1 - n_read
            whole = _anew(lm, [text[: len(text) - n_left] for text in texts], beside)
            if not _is_close(cached[n_read], whole, lm.dtype):
                return False
    except Exception:  # whatever a model raises that takes no such cache
        return False
    return True


def _from_cache(
    lm: LanguageModel, texts: list[list[int]], beside: Lockstep | None, n_new: int
) -> list[Tensor]:
    """Return the logits after all but `n_new` - 1 tokens, and after each of these."""
    length = max(map(len, texts))
    token_id = torch.tensor([[-1] * (length - len(text)) + text for text in texts])
    mask, first, logits = token_id >= 0, 0, []
    with ExitStack() as stack:
        for model in [lm, *([beside.full] if beside else [])]:
            stack.enter_context(model.reading_on())
        for end in range(length - n_new + 1, length + 1):
            logits.append(
                next_logits(lm, token_id[:, first:end], mask[:, :end], beside)
            )
            first = end
    return logits


def _anew(lm: LanguageModel, texts: list[list[int]], beside: Lockstep | None) -> Tensor:
    """Return the logits after each text, one text at a time."""
    rows = [torch.tensor([text]) for text in texts]
    return torch.cat(
        [next_logits(lm, row, torch.ones_like(row) > 0, beside) for row in rows]
    )


def _is_close(values: Tensor, exact: Tensor, dtype: torch.dtype) -> bool:
    """Whether rows differ by rounding alone, in proportion to how they vary."""
    scale = (exact - exact.mean(1, keepdim=True)).abs().amax(1, keepdim=True)
    rounding = 1e-3 if dtype == torch.float32 else 0.1
    return bool(((values - exact).abs() <= rounding * scale).all())


@torch.no_grad()
def can_skip(lm: LanguageModel, layer: int) -> bool:
    """Whether passes that start at `layer` give whole ones' losses; tried once."""
    if layer not in lm.skip_trials:
        lm.skip_trials[layer] = _skipping_is_exact(lm, layer)
    return lm.skip_trials[layer]


def _skipping_is_exact(lm: LanguageModel, layer: int) -> bool:
    """Compare losses with doubled states of the layer, of two texts of two lengths."""
    n_tokens = min(LOSS_TOKENS, lm.max_tokens or LOSS_TOKENS)
    token_id = (7 * torch.arange(2 * n_tokens) + 5).remainder(lm.vocab_size)
    token_id = token_id.reshape(2, n_tokens)
    mask = torch.ones_like(token_id) > 0
    mask[1, -1] = False
    with lm.edited(layer, lambda state: 2 * state):
        whole = lm.token_losses(token_id, mask)
    try:
        with lm.keeping(layer) as kept:
            lm.token_losses(token_id, mask)
        with lm.skipping(layer, kept, 2 * kept.state):
            skipped = lm.token_losses(token_id, mask)
    except Exception:  # whatever a block raises that misses one below it
        return False
    rounding = 1e-4 if lm.dtype == torch.float32 else 1e-2
    return bool(((skipped - whole).abs() <= rounding * (1 + whole)).all())
