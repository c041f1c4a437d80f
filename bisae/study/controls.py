"""The section [[controls]] of a study file: cells in which something is random.

A control is built like any other cell, under a size of its own: that of its model, a
dot and its kind, such as `1M.shuffled-weights`.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from bisae.errors import StudyError
from bisae.study.model import ControlKind, Model, list_of_layers
from bisae.study.section import Count, Layer, Section


def _ascending(steps: tuple[int, ...]) -> tuple[int, ...]:
    if list(steps) != sorted(set(steps)):
        msg = "steps must be in ascending order without repetition"
        raise ValueError(msg)
    return steps


Sizes = Annotated[tuple[str, ...], Field(min_length=1)]
Steps = Annotated[tuple[Count, ...], Field(min_length=1), AfterValidator(_ascending)]
Layers = Annotated[Literal["all"] | tuple[Layer, ...], BeforeValidator(list_of_layers)]


class Control(Section):
    """Cells to compare with the trained ones of the same model, step and layer."""

    kind: ControlKind
    """`random decoder`: the decoder keeps its random start while the rest is trained.
    `shuffled weights`: the numbers within each weight of the language model are
    permuted. `random tokens`: every text is replaced by tokens drawn independently."""
    sizes: Sizes | None = None
    """All sizes by default."""
    steps: Steps | None = None
    """By default the last step of each size."""
    layers: Layers | None = None
    """By default the middle layer of each size; "all" are all that the size lists."""


class ControlModel(Model):
    """The controls of one kind and size, as the checkpoints of a size of their own."""

    kind: ControlKind
    of: str
    """The size of the model."""

    @property
    def control(self) -> ControlKind:
        """The kind of the controls."""
        return self.kind

    @property
    def control_of(self) -> str:
        """The size of the model."""
        return self.of


def control_models(
    models: Sequence[Model], controls: Sequence[Control]
) -> Iterator[ControlModel]:
    """Yield the controls of each kind and size; those of models whose layers are not
    listed yet may have no layers.

    Raises StudyError for a control of what is not in the grid.
    """
    by_size = {model.size: model for model in models}
    for control in controls:
        for size in control.sizes or by_size:
            if size not in by_size:
                msg = f"[[controls]] sizes: {size!r} is none of the models' sizes"
                raise StudyError(msg)
            yield _control_model(by_size[size], control)


def listed_controls(controls: Sequence[ControlModel]) -> tuple[Control, ...]:
    """Return the sections that name sizes, steps and layers of controls."""
    return tuple(
        Control(
            kind=model.kind, sizes=(model.of,), steps=model.steps, layers=model.layers
        )
        for model in controls
    )


def _control_model(model: Model, control: Control) -> ControlModel:
    if model.sae is not None:
        msg = f"[[controls]] {model.size} imports its autoencoders, and a control "
        msg += f"trains its own; leave {model.size} out of its sizes"
        raise StudyError(msg)
    steps = control.steps or model.steps[-1:]
    if absent := set(steps) - set(model.steps):
        msg = f"[[controls]] {model.size} has no step {min(absent)}"
        raise StudyError(msg)
    layers = _layers(model, control)
    index = [model.steps.index(step) for step in steps]
    tokens_seen = model.tokens_seen and tuple(model.tokens_seen[i] for i in index)
    revisions = model.revisions and tuple(model.revisions[i] for i in index)
    changed = {
        "size": f"{model.size}.{control.kind.replace(' ', '-')}",
        "steps": steps,
        "layers": layers,
        "tokens_seen": tokens_seen,
        "revisions": revisions,
    }
    described = {"kind": control.kind, "of": model.size}
    return ControlModel.model_construct(**{**dict(model), **changed, **described})


def _layers(model: Model, control: Control) -> Literal["all"] | tuple[int, ...]:
    """Return the layers of a control, none if they are not known yet."""
    if model.layers == "all":
        return control.layers or ()
    if control.layers is None:
        return (model.middle_cell.layer,)
    if control.layers == "all":
        return model.layers
    if absent := set(control.layers) - set(model.layers):
        msg = f"[[controls]] {model.size} has no layer {min(absent)}"
        raise StudyError(msg)
    return control.layers
