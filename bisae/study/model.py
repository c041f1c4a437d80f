"""The sections [[models]] of a study file: the checkpoints of one size."""

import re
from collections.abc import Sequence
from reprlib import repr as short
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bisae.errors import StudyError
from bisae.grid import Cell
from bisae.study.section import MOST_LAYERS, Count, Layer, Positive, Section, Width

MOST_LETTERS = 128
"""Of a size: it is a part of file names."""
MOST_TOKENS = 2**62
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]

FIELD = re.compile(r"(?<!\$)\{([^{}]*)\}")
"""A field of a template; `${HOME}` is a variable of the environment."""
FIELDS = ("step", "size", "tokens")


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
    """A path or a name on the hub; `{size}`, `{step}` and `{tokens}` (those seen) are
    filled in, also with a format as in `{step:06d}`."""
    revision: str | None = None
    """A hub revision, filled in alike."""
    revisions: tuple[str, ...] | None = None
    """Or the hub revision of each step."""
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
        if self.revision is not None and self.revisions is not None:
            msg = "give either revision or revisions"
            raise ValueError(msg)
        if self.revisions is not None and len(self.revisions) != len(self.steps):
            msg = f"revisions has {len(self.revisions)} of {len(self.steps)} steps"
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
        revision = self.revision
        if self.revisions is not None:
            revision = self.revisions[self.steps.index(step)]
        return self._fill(self.checkpoint, step), revision and self._fill(
            revision, step
        )

    def _fill(self, text: str, step: int) -> str:
        """Fill in a template; what is no field of it stays."""

        def value(field: re.Match[str]) -> str:
            name, _, form = field[1].partition(":")
            if name == "tokens":
                return format(self.tokens_at(step), form)
            values = {"step": step, "size": self.size}
            return format(values[name], form) if name in values else field[0]

        return FIELD.sub(value, text)


def check_checkpoints(models: Sequence[Model], name: str) -> None:
    """Each step's checkpoint has an address of its own. Raises StudyError."""
    cells: dict[tuple[str, str | None], str] = {}
    for model in models:
        for step in model.steps:
            address = _address(model, step, name)
            here = f"{model.size} at step {step}"
            if other := cells.get(address):
                where = " at revision ".join(filter(None, address))
                msg = (
                    f"{name}: models: {other} and {here} are one checkpoint, {where}; "
                )
                msg += "put {step} or {size} in checkpoint or revision"
                raise StudyError(msg)
            cells[address] = here


def _address(model: Model, step: int, name: str) -> tuple[str, str | None]:
    """A step's checkpoint. Raises StudyError where a template cannot be filled in."""
    templates = [model.checkpoint, model.revision or "", *(model.revisions or ())]
    for template in templates:
        for field in FIELD.findall(template):
            if field.partition(":")[0] not in FIELDS:
                msg = f"{name}: models: {template!r} has an unknown field {{{field}}}; "
                msg += f"known are {', '.join(f'{{{one}}}' for one in FIELDS)}"
                raise StudyError(msg)
    try:
        return model.checkpoint_at(step)
    except ValueError as error:
        msg = f"{name}: models: {model.size}: {templates} cannot be filled in: {error}"
        raise StudyError(msg) from error
