"""The section [intervention] of a study file: equation 7 and its settings."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bisae.errors import StudyError
from bisae.study.model import Model
from bisae.study.section import Count, Layer, Positive, Section, Seed

Strength = Annotated[float, Field(ge=0)]
Number = Positive | Literal["all"]


def _listed(value: Any) -> Any:
    """Return a list of values, also from a single one."""
    return value if isinstance(value, list | tuple) else (value,)


class Translation(Section):
    """Translation by the mid-training model while features are added to it."""

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    """Pairs: JSON Lines with a field for each language, or data sets of LLM-jp-eval."""
    pairs: Positive = 100
    """Number of pairs translated in each direction."""
    shots: Count = 4
    """Example pairs in the prompt."""
    max_new_tokens: Positive = 128
    batch_pairs: Positive = 32
    comet: str | None = None
    """A folder or checkpoint file with COMET-22's weights."""


class Intervention(Section):
    """Add features of a fully trained model to a half-trained one (equation 7)."""

    size: str
    layer: Layer
    mid_step: Count
    full_step: Count | None = None
    """By default the size's last step."""
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Classes whose features are added; by default every language and `mixed`."""
    alpha: Annotated[
        tuple[Strength, ...], Field(min_length=1), BeforeValidator(_listed)
    ] = (0.1,)
    m: Annotated[tuple[Number, ...], Field(min_length=1), BeforeValidator(_listed)] = (
        5000,
    )
    """Numbers of features of a class that are added, or "all"."""
    draws: Positive = 5
    seed: Seed = 0
    scale_back: bool = False
    """Scale by the full model's norm in translation; losses are measured with both."""
    b_pre: bool = True
    documents: Positive | None = None
    """Held-out documents of each language; by default all."""
    batch_documents: Positive | None = None
    """By default the value in the section [lm]."""
    translation: Translation | None = None


def check_intervention(
    intervention: Intervention,
    models: Sequence[Model],
    languages: Sequence[str],
    name: str,
) -> None:
    """Check that the sizes, steps and languages named in the section exist.

    Raises StudyError, naming the study.
    """
    if problem := _problem(intervention, models, languages):
        msg = f"{name}: [intervention] {problem}"
        raise StudyError(msg)


def _problem(
    intervention: Intervention, models: Sequence[Model], languages: Sequence[str]
) -> str | None:
    size, mid = intervention.size, intervention.mid_step
    model = next((candidate for candidate in models if candidate.size == size), None)
    if model is None:
        return f"size = {size!r} is none of the models' sizes"
    full = model.steps[-1] if intervention.full_step is None else intervention.full_step
    if unknown := {mid, full} - set(model.steps):
        return f"{size} has no step {min(unknown)}"
    if mid >= full:
        return (
            f"mid_step = {mid} is not before full_step = {full}: features of a later "
            "step are added to an earlier one"
        )
    classes = (*languages, "mixed")
    if strange := set(intervention.classes or ()) - set(classes):
        return f"classes: {min(strange)!r} is none of {', '.join(classes)}"
    if model.layers != "all" and intervention.layer not in model.layers:
        layers = ", ".join(map(str, model.layers))
        layer = intervention.layer
        return f"{size} has no autoencoder at layer {layer}; its layers: {layers}"
    return None
