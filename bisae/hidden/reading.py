"""May a model go on from what it has read? Tried on the model itself.

Recurrent models keep a state of another kind, some take no cache at all, and padding on
the left changes what some compute.
"""

import torch
from torch import Tensor

from bisae.hidden.model import LanguageModel

TEXTS = ((5, 12, 19, 26, 33, 40, 47), (11, 4, 25, 18))
"""Two texts, so that one is padded; their last two tokens are read one by one."""


@torch.no_grad()
def reading_on_is_exact(lm: LanguageModel) -> bool:
    """Whether reading on gives the logits of reading all anew, up to rounding."""
    texts = [[token % lm.vocab_size for token in text] for text in TEXTS]
    try:
        logits = _reading_on(lm, texts)
    except Exception:  # whatever a model raises that takes no such cache
        return False
    narrow = next(lm._model.parameters()).dtype != torch.float32
    for number in range(len(logits)):
        anew = _anew(lm, [text[: len(text) - 2 + number] for text in texts])
        scale = (anew - anew.mean(1, keepdim=True)).abs().amax(1, keepdim=True)
        if bool(
            ((logits[number] - anew).abs() > (0.1 if narrow else 1e-3) * scale).any()
        ):
            return False
    return True


def _reading_on(lm: LanguageModel, texts: list[list[int]]) -> list[Tensor]:
    """The logits after all but two tokens, after all but one, and after all."""
    length = max(map(len, texts))
    rows = [[-1] * (length - len(text)) + text for text in texts]
    token_id = torch.tensor(rows)
    mask = token_id >= 0
    with lm.reading_on():
        logits = [lm.next_logits(token_id[:, :-2], mask[:, :-2])]
        for end in (length - 1, length):
            logits.append(lm.next_logits(token_id[:, end - 1 : end], mask[:, :end]))
    return logits


def _anew(lm: LanguageModel, texts: list[list[int]]) -> Tensor:
    """The logits after each text, one text at a time."""
    rows = [torch.tensor([text]) for text in texts]
    return torch.cat([lm.next_logits(row, torch.ones_like(row) > 0) for row in rows])
