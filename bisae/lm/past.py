"""What a model has read, as keys and values, so that it need not read it again."""

import inspect
from typing import Any

from torch import Tensor
from transformers import DynamicCache


class Past:
    """The keys and values of one batch, and what else a pass over new tokens needs."""

    def __init__(self, model: Any) -> None:
        self._cache = DynamicCache(config=model.config)
        self._takes = inspect.signature(model.forward).parameters.keys()

    def arguments(self, mask: Tensor, n: int) -> dict[str, Any]:
        """Named arguments of a pass over the last `n` tokens of a (b, all) mask.

        Positions are counted from each document's first token. Some models count them
        themselves, from the mask, and take none.
        """
        position = mask.long().cumsum(1).sub(1).clamp(min=0)[:, -n:]
        named = {"position_ids": position, "logits_to_keep": 1}
        taken = {name: value for name, value in named.items() if name in self._takes}
        return {"use_cache": True, "past_key_values": self._cache} | taken
