"""The sections [[models]] of a study file: the checkpoints of one size."""

import re
from reprlib import repr as short
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bisae.grid import Cell
from bisae.study.section import MOST_LAYERS, Count, Layer, Positive, Section, Width

MOST_LETTERS = 128
"""Of a size: it is a part of file names."""
MOST_TOKENS = 2**62
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]


def _layers(value: Any) -> Any:
    layers = value
    if isinstance(value, str) and (span := re.fullmatch(r"(\d+)-(\d+)", value)):
        first, last = int(span[1]), int(span[2])
        _check_layer(last)
        layers = list(range(first, last + 1))
    if layers == "all":
        return layers
    listed = isinstance(layers, list | tuple) and len(layers) > 0
    if not listed or not all(isinstance(one, int) and one >= 0 for one in layers):
        msg = 'give "all", a range such as "1-12", or a list of layers, not '
        raise ValueError(msg + short(value))
    _check_layer(max(layers))
    if list(layers) != sorted(set(layers)):
        msg = "layers must rise, each once"
        raise ValueError(msg)
    return tuple(layers)


def _check_layer(layer: int) -> None:
    if layer > MOST_LAYERS:
        msg = f"a layer is above {MOST_LAYERS:,}, more than a model can have"
        raise ValueError(msg)


class Model(Section):
    """The checkpoints of one size."""

    size: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=MOST_LETTERS)
    ]
    checkpoint: str
    """A path, `{step}` and `{size}` filled in, or a name on the hub."""
    revision: str | None = None
    """A hub revision, `{step}` filled in."""
    steps: Annotated[tuple[Count, ...], Field(min_length=1)]
    tokens_per_step: Positive | None = None
    tokens_seen: tuple[Tokens, ...] | None = None
    """Tokens seen at each step, where they are no multiple of it."""
    layers: Annotated[
        Literal["all"] | tuple[Layer, ...],
        BeforeValidator(_layers),
    ] = "all"
    """A list, a range such as "1-12", or "all" blocks; 0 is the first one's input."""
    d_model: Width | None = None
    """Checked against the checkpoint's configuration; lets `plan` work without it."""
    lr: Annotated[float, Field(gt=0)] | None = None
    """This size's learning rate, instead of the autoencoder section's."""

    @model_validator(mode="after")
    def _steps(self) -> Self:
        if list(self.steps) != sorted(set(self.steps)):
            msg = "steps must rise, each once"
            raise ValueError(msg)
        if (self.tokens_per_step is None) == (self.tokens_seen is None):
            msg = "give either tokens_per_step or tokens_seen"
            raise ValueError(msg)
        if self.tokens_seen is not None and len(self.tokens_seen) != len(self.steps):
            msg = f"tokens_seen has {len(self.tokens_seen)} of {len(self.steps)} steps"
            raise ValueError(msg)
        if self.tokens_at(self.steps[-1]) > MOST_TOKENS:
            msg = f"tokens_per_step gives step {self.steps[-1]} more tokens than a "
            msg += "table can hold"
            raise ValueError(msg)
        if sorted(self.tokens_seen or ()) != list(self.tokens_seen or ()):
            msg = "tokens_seen must not fall"
            raise ValueError(msg)
        return self

    def tokens_at(self, step: int) -> int:
        """Tokens that the model had seen at `step`."""
        if self.tokens_per_step is not None:
            return step * self.tokens_per_step
        return (self.tokens_seen or ())[self.steps.index(step)]

    @property
    def middle_cell(self) -> Cell:
        """The last step at half of the highest layer, or the nearest. Needs layers."""
        listed = [layer for layer in self.layers if isinstance(layer, int)]
        half = max(listed) // 2
        middle = min(listed, key=lambda layer: (layer == 0, abs(layer - half), layer))
        return Cell(self.size, self.steps[-1], middle)

    def checkpoint_at(self, step: int) -> tuple[str, str | None]:
        """The checkpoint of `step` and its revision."""
        revision = self.revision and self.revision.replace("{step}", str(step))
        place = self.checkpoint.replace("{size}", self.size)
        return place.replace("{step}", str(step)), revision
