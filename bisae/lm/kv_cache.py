"""The KV cache of a batch that a model is reading."""

import inspect
from typing import Any

from torch import Tensor
from transformers import DynamicCache


class KVCache:
    """The keys and values of one batch, and the arguments of a pass over new tokens."""

    def __init__(self, model: Any) -> None:
        self._cache = DynamicCache(config=model.config)
        self._parameters = inspect.signature(model.forward).parameters.keys()

    def arguments(self, mask: Tensor, n: int) -> dict[str, Any]:
        """Return keyword arguments for the last `n` tokens of a (b, all tokens) mask.

        Positions are counted from each document's first token. Some models derive them
        from the mask and do not accept them.
        """
        position = mask.long().cumsum(1).sub(1).clamp(min=0)[:, -n:]
        available = {"position_ids": position, "logits_to_keep": 1}
        accepted = {k: v for k, v in available.items() if k in self._parameters}
        return {"use_cache": True, "past_key_values": self._cache} | accepted
