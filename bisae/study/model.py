"""The sections [[models]] of a study file, each for the checkpoints of one size."""

import re
from collections.abc import Sequence
from pathlib import Path
from reprlib import repr as short
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bisae.errors import StudyError
from bisae.grid import Cell
from bisae.study.section import MOST_LAYERS, Count, Layer, Positive, Section, Width
from bisae.study.template import fields_of, fill_in

MOST_LETTERS = 128
"""Maximum length of a size, which becomes part of file names."""
MOST_TOKENS = 2**62
Tokens = Annotated[int, Field(ge=0, le=MOST_TOKENS)]

FIELDS = ("step", "size", "tokens")
SAE_FIELDS = ("step", "size", "layer", "block")
SaeFormat = Literal[
    "auto",
    "saelens",
    "sparsify",
    "dictionary_learning",
    "llm-jp",
    "openai",
    "gemma_scope",
    "gemma_scope_2",
    "llama_scope",
    "qwen_scope",
    "goodfire",
]


ControlKind = Literal["random decoder", "shuffled weights", "random tokens"]


def list_of_layers(value: Any) -> Any:
    """Return a list of layers, or "all", from what a study file says of them."""
    layers = value
    if isinstance(value, str) and (span := re.fullmatch(r"(\d+)-(\d+)", value)):
        first, last = int(span[1]), int(span[2])
        _check_layer(last)
        layers = list(range(first, last + 1))
    if layers == "all":
        return layers
    listed = isinstance(layers, list | tuple) and len(layers) > 0
    if not listed or not all(isinstance(layer, int) and layer >= 0 for layer in layers):
        msg = 'give "all", a range such as "1-12", or a list of layers, not '
        raise ValueError(msg + short(value))
    _check_layer(max(layers))
    if list(layers) != sorted(set(layers)):
        msg = "layers must be in ascending order without repetition"
        raise ValueError(msg)
    return tuple(layers)


def _check_layer(layer: int) -> None:
    if layer > MOST_LAYERS:
        msg = f"a layer is above the maximum of {MOST_LAYERS:,}"
        raise ValueError(msg)


class Model(Section):
    """The checkpoints of one size."""

    size: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=MOST_LETTERS)
    ]
    checkpoint: str
    """A path or hub name; `{size}`, `{step}` and `{tokens}` (seen so far) are filled
    in, also with a format as in `{step:06d}`."""
    revision: str | None = None
    """A hub revision, filled in likewise."""
    revisions: tuple[str, ...] | None = None
    """Alternatively, the hub revision of each step."""
    steps: Annotated[tuple[Count, ...], Field(min_length=1)]
    tokens_per_step: Positive | None = None
    tokens_seen: tuple[Tokens, ...] | None = None
    """Tokens seen at each step, if they are not a multiple of the step."""
    layers: Annotated[
        Literal["all"] | tuple[Layer, ...],
        BeforeValidator(list_of_layers),
    ] = "all"
    """A list, a range such as "1-12", or "all" blocks; 0 is the first one's input."""
    d_model: Width | None = None
    """Checked against the checkpoint's configuration; lets `plan` work without it."""
    n_layers: Annotated[int, Field(gt=0, le=MOST_LAYERS)] | None = None
    """The model's number of blocks, checked likewise; a build fills it in."""
    lr: Annotated[float, Field(gt=0)] | None = None
    """This size's learning rate, instead of the autoencoder section's."""
    sae: str | None = None
    """Autoencoders to import instead of training: a path or hub name; `{step}`,
    `{layer}`, `{block}` (the layer counted from 0, as most projects do) and `{size}`
    are filled in, and `*` stands for the rest of a single name."""
    sae_format: SaeFormat = "auto"
    """`auto` detects the format from files and keys."""
    sae_step: Count | None = None
    """The step whose autoencoders are applied to every step of this size."""

    @model_validator(mode="after")
    def _steps(self) -> Self:
        if list(self.steps) != sorted(set(self.steps)):
            msg = "steps must be in ascending order without repetition"
            raise ValueError(msg)
        if (self.tokens_per_step is None) == (self.tokens_seen is None):
            msg = "give either tokens_per_step or tokens_seen"
            raise ValueError(msg)
        if self.tokens_seen is not None and len(self.tokens_seen) != len(self.steps):
            msg = f"tokens_seen has {len(self.tokens_seen)} values for "
            msg += f"{len(self.steps)} steps"
            raise ValueError(msg)
        if self.tokens_at(self.steps[-1]) > MOST_TOKENS:
            msg = f"tokens_per_step gives step {self.steps[-1]} more tokens than a "
            msg += "table can hold"
            raise ValueError(msg)
        if self.revision is not None and self.revisions is not None:
            msg = "give either revision or revisions"
            raise ValueError(msg)
        if self.revisions is not None and len(self.revisions) != len(self.steps):
            msg = f"revisions has {len(self.revisions)} values for "
            msg += f"{len(self.steps)} steps"
            raise ValueError(msg)
        if sorted(self.tokens_seen or ()) != list(self.tokens_seen or ()):
            msg = "tokens_seen must not decrease"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _imported(self) -> Self:
        if self.sae is None:
            if self.sae_step is not None or self.sae_format != "auto":
                msg = "sae_step and sae_format describe imported autoencoders: give sae"
                raise ValueError(msg)
            return self
        fields = fields_of(self.sae)
        if unknown := fields - set(SAE_FIELDS):
            msg = f"sae has an unknown field {{{min(unknown)}}}; known are "
            msg += ", ".join(f"{{{name}}}" for name in SAE_FIELDS)
            raise ValueError(msg)
        if len(self.layers) > 1 and not fields & {"layer", "block"}:
            msg = f"sae = {short(self.sae)} is the same for every layer; put {{layer}} "
            msg += "or {block} in it, or list one layer"
            raise ValueError(msg)
        if len(self.steps) > 1 and self.sae_step is None and "step" not in fields:
            msg = f"sae = {short(self.sae)} is the same for every step; put {{step}} "
            msg += "in it, or give sae_step, the step of the model it was trained on"
            raise ValueError(msg)
        return self

    def sae_at(self, step: int, layer: int) -> tuple[str, int]:
        """Return the path of the autoencoder of a cell, and the step it was trained on.

        A cell of another step than that only applies it.
        """
        trained_on = step if self.sae_step is None else self.sae_step
        values: dict[str, int | str] = {"step": trained_on, "size": self.size}
        values |= {"layer": layer, "block": layer - 1}
        return fill_in(self.sae or "", values), trained_on

    def tokens_at(self, step: int) -> int:
        """Return the tokens that the model had seen at `step`."""
        if self.tokens_per_step is not None:
            return step * self.tokens_per_step
        return (self.tokens_seen or ())[self.steps.index(step)]

    @property
    def control(self) -> ControlKind | None:
        """The kind of control that these cells are, None if they are none."""
        return None

    @property
    def control_of(self) -> str | None:
        """The size of the model that these cells are controls of, if they are."""
        return None

    @property
    def middle_cell(self) -> Cell:
        """The last step at the middle layer, as sql/grid/grid_cells.sql defines it.

        Needs explicit layers.
        """
        listed = [layer for layer in self.layers if isinstance(layer, int)]
        half = (self.n_layers or max(listed)) // 2
        middle = min(listed, key=lambda layer: (layer == 0, abs(layer - half), layer))
        return Cell(self.size, self.steps[-1], middle)

    def checkpoint_at(self, step: int) -> tuple[str, str | None]:
        """Return the checkpoint of `step` and its revision."""
        revision = self.revision
        if self.revisions is not None:
            revision = self.revisions[self.steps.index(step)]
        return self._fill(self.checkpoint, step), revision and self._fill(
            revision, step
        )

    def has_folder(self, step: int) -> bool:
        """Say if the checkpoint of `step` is a folder on this machine."""
        path, _ = self.checkpoint_at(step)
        return Path(path).expanduser().is_dir()

    def _fill(self, text: str, step: int) -> str:
        size = self.control_of or self.size
        values: dict[str, int | str] = {"step": step, "size": size}
        if "tokens" in fields_of(text):
            values["tokens"] = self.tokens_at(step)
        return fill_in(text, values)


def check_checkpoints(models: Sequence[Model], name: str) -> None:
    """Raise StudyError if two steps have the same checkpoint."""
    cells: dict[tuple[str, str | None], str] = {}
    for model in models:
        for step in model.steps:
            address = _address(model, step, name)
            this = f"{model.size} at step {step}"
            if previous := cells.get(address):
                where = " at revision ".join(filter(None, address))
                msg = (
                    f"{name}: models: {previous} and {this} have the same checkpoint, "
                )
                msg += f"{where}; "
                msg += "put {step} or {size} in checkpoint or revision"
                raise StudyError(msg)
            cells[address] = this


def _address(model: Model, step: int, name: str) -> tuple[str, str | None]:
    """Return a step's checkpoint. Raises StudyError for an unfit template."""
    templates = [model.checkpoint, model.revision or "", *(model.revisions or ())]
    for template in templates:
        for field in fields_of(template):
            if field not in FIELDS:
                msg = f"{name}: models: {template!r} has an unknown field {{{field}}}; "
                msg += f"known are {', '.join(f'{{{field}}}' for field in FIELDS)}"
                raise StudyError(msg)
    try:
        return model.checkpoint_at(step)
    except ValueError as error:
        msg = f"{name}: models: {model.size}: {templates} cannot be filled in: {error}"
        raise StudyError(msg) from error
