"""The section [intervention] of a study file: equation 7, and what it is tried with."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bisae.errors import StudyError
from bisae.study.model import Model
from bisae.study.section import Count, Layer, Positive, Section, Seed

Strength = Annotated[float, Field(ge=0)]
Number = Positive | Literal["all"]


def _listed(value: Any) -> Any:
    """One value, or several."""
    return value if isinstance(value, list | tuple) else (value,)


class Translation(Section):
    """What the mid-training model translates while features are added to it."""

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    """Pairs: JSON Lines with a field for each language, or data sets of LLM-jp-eval."""
    pairs: Positive = 100
    """How many are translated, each direction."""
    shots: Count = 4
    """Pairs that the prompt shows."""
    max_new_tokens: Positive = 128
    batch_pairs: Positive = 32
    comet: str | None = None
    """A folder or checkpoint file with COMET-22's weights."""


class Intervention(Section):
    """Features of a fully trained model, added to one that is halfway (equation 7)."""

    size: str
    layer: Layer
    mid_step: Count
    full_step: Count | None = None
    """By default the last step of the size."""
    classes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """Whose features are added: by default every language's, and the mixed ones."""
    alpha: Annotated[
        tuple[Strength, ...], Field(min_length=1), BeforeValidator(_listed)
    ] = (0.1,)
    m: Annotated[tuple[Number, ...], Field(min_length=1), BeforeValidator(_listed)] = (
        5000,
    )
    """How many features of a class are added, or "all"."""
    draws: Positive = 5
    seed: Seed = 0
    scale_back: bool = False
    """Whether what translates is scaled by the full model's norm; losses try both."""
    b_pre: bool = True
    documents: Positive | None = None
    """Held-out documents of each language; by default all."""
    batch_documents: Positive | None = None
    """By default as many as of the language-model section."""
    translation: Translation | None = None


def check_intervention(
    asked: Intervention, models: Sequence[Model], languages: Sequence[str], name: str
) -> None:
    """What one section alone cannot tell: sizes, steps and languages that there are.

    Raises StudyError, naming the study.
    """
    if wrong := _wrong(asked, models, languages):
        msg = f"{name}: [intervention] {wrong}"
        raise StudyError(msg)


def _wrong(
    asked: Intervention, models: Sequence[Model], languages: Sequence[str]
) -> str | None:
    size, mid = asked.size, asked.mid_step
    model = next((one for one in models if one.size == size), None)
    if model is None:
        return f"size = {size!r} is none of the models' sizes"
    full = model.steps[-1] if asked.full_step is None else asked.full_step
    if unknown := {mid, full} - set(model.steps):
        return f"{size} has no step {min(unknown)}"
    if mid >= full:
        return (
            f"mid_step = {mid} is not before full_step = {full}: features of a later "
            "step are added to an earlier one"
        )
    known = (*languages, "mixed")
    if strange := set(asked.classes or ()) - set(known):
        return f"classes: {min(strange)!r} is none of {', '.join(known)}"
    if model.layers != "all" and asked.layer not in model.layers:
        layers = ", ".join(map(str, model.layers))
        return f"{size} has no autoencoder at layer {asked.layer}; its layers: {layers}"
    return None
