"""The shape and the blocks of a `transformers` model."""

from typing import Any, NamedTuple

from torch import nn

from bisae.errors import CheckpointError
from bisae.study import MOST_LAYERS


class ModelShape(NamedTuple):
    """The shape of a model, known from its configuration without reading weights."""

    n_layers: int
    d_model: int
    vocab_size: int
    max_tokens: int | None = None
    """Maximum positions; None if the configuration gives no number."""


def shape_of(config: Any) -> ModelShape:
    """Read the shape from a `transformers` configuration. Raises ValueError."""
    text = config.get_text_config(decoder=True)
    positions = getattr(text, "max_position_embeddings", None)
    room = positions if isinstance(positions, int) and positions > 0 else None
    shape = ModelShape(text.num_hidden_layers, text.hidden_size, text.vocab_size, room)
    for name, number in zip(("layers", "width", "tokens"), shape[:3], strict=True):
        if not isinstance(number, int) or number < 1:
            msg = f"its configuration gives {number!r} as its number of {name}"
            raise ValueError(msg)
    check_layers({"layers": shape.n_layers})
    return shape


def check_layers(config: Any) -> None:
    """Refuse more layers than a model can have, as `transformers` would list them all.

    Checks every number whose key contains "layer", also in sections. Raises ValueError.
    """
    if isinstance(config, list):
        config = dict(enumerate(config))
    if not isinstance(config, dict):
        return
    for key, value in config.items():
        if isinstance(value, int) and "layer" in str(key) and value > MOST_LAYERS:
            msg = (
                f"{key} = {value:,} in its configuration is more than a model can have"
            )
            raise ValueError(msg)
        check_layers(value)


def find_blocks(model: Any) -> nn.ModuleList:
    """Find the only outermost list of n_layers different modules in the decoder."""
    n_layers = shape_of(model.config).n_layers
    for root in (model.get_decoder(), model.base_model):
        lists = [
            (name.count("."), module)
            for name, module in root.named_modules()
            if isinstance(module, nn.ModuleList)
            and len(module) == len(set(module)) == n_layers
        ]
        outermost = min((depth for depth, _ in lists), default=0)
        candidates = [module for depth, module in lists if depth == outermost]
        if len(candidates) == 1:
            return candidates[0]
    msg = f"cannot tell which modules of {type(model).__name__} are its {n_layers} "
    msg += "blocks; use a decoder-only model that keeps them in one nn.ModuleList"
    raise CheckpointError(msg)
