"""Test whether a model is causal by running it, whatever its class is called."""

import torch

from bisae.errors import CheckpointError
from bisae.lm.model import LanguageModel

TOKENS = 8
"""Length of the two texts, which differ only in their last token."""


def check_causal(lm: LanguageModel, name: str) -> None:
    """Raise CheckpointError if a token changes the states of those before it.

    Masked tokens contribute exact zeros, so a causal model's states are equal up to the
    rounding of products of another shape, as in a mixture of experts.
    """
    n_tokens = min(TOKENS, lm.max_tokens or TOKENS)
    token_id = (7 * torch.arange(n_tokens) + 5).remainder(lm.vocab_size)[None]
    changed = token_id.clone()
    changed[0, -1] = (changed[0, -1] + lm.vocab_size // 2) % lm.vocab_size
    mask = torch.ones_like(token_id, dtype=torch.bool)
    before, after = (
        lm.hidden_states(text, mask, [lm.n_layers])[lm.n_layers][0, :-1]
        for text in (token_id, changed)
    )
    norm = torch.linalg.vector_norm(before.float(), dim=-1)
    leak = torch.linalg.vector_norm((after - before).float(), dim=-1) / norm
    if bool((leak > (1e-4 if before.dtype == torch.float32 else 1e-2)).any()):
        msg = f"{name} is not a causal language model: changing a token changes the "
        msg += f"states before it, by {100 * float(leak.max()):.2g} % of their norm; "
        msg += "use a decoder-only model, or set is_decoder in its config.json"
        raise CheckpointError(msg)
