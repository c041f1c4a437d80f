"""The section [pretrain] of a study file: small language models to train."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bisae.study.corpus import Source
from bisae.study.model import Model
from bisae.study.section import MOST_LAYERS, Count, Positive, Section, Seed, Width


class PretrainModel(Section):
    """The shape of one small language model."""

    size: str
    d_model: Width
    n_layers: Annotated[int, Field(gt=0, le=MOST_LAYERS)]
    n_heads: Positive

    @model_validator(mode="after")
    def _heads(self) -> Self:
        if self.d_model % (2 * self.n_heads):
            msg = f"size {self.size} has d_model = {self.d_model} and n_heads = "
            msg += f"{self.n_heads}: a head needs an even number of dimensions; make "
            msg += f"d_model a multiple of {2 * self.n_heads}"
            raise ValueError(msg)
        return self


class ParallelText(Section):
    """Documents that hold a text and its translation, for pretraining only."""

    files: Annotated[tuple[str, ...], Field(min_length=1)]
    """JSON Lines or Parquet with a field for each language. Rows with a text of another
    split than the training split are left out."""
    share: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of the pretraining windows."""
    pairing: Literal["translations", "unrelated"] = "translations"
    """`unrelated` joins each text with the next row's translation: the same text in the
    same proportions, without parallel documents."""


class Pretrain(Section):
    """Small language models, pretrained on the training split."""

    models: Annotated[tuple[PretrainModel, ...], Field(min_length=1)]
    vocab_size: Annotated[int, Field(gt=0, lt=2**31)] = 8_000
    batch_windows: Positive = 32
    lr: Annotated[float, Field(gt=0)] = 3e-3
    warmup_steps: Count = 50
    extra: tuple[Source, ...] = ()
    """Text for pretraining only."""
    extra_share: Annotated[float, Field(ge=0, lt=1)] = 0.15
    """Share of the pretraining windows that come from `extra`."""
    parallel: ParallelText | None = None
    seed: Seed = 0

    @model_validator(mode="after")
    def _sizes(self) -> Self:
        sizes = [model.size for model in self.models]
        if repeated := {size for size in sizes if sizes.count(size) > 1}:
            msg = f"size = {min(repeated)!r} appears twice in [[pretrain.models]]"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _shares(self) -> Self:
        extra_share = self.extra_share if self.extra else 0.0
        if self.parallel and self.parallel.share + extra_share > 1:
            msg = "extra_share and [pretrain.parallel] share are more than all windows"
            raise ValueError(msg)
        return self


def check_pretrain(pretrain: Pretrain, models: Sequence[Model]) -> None:
    """Compare the shapes with the sections [[models]]. Raises ValueError."""
    by_size = {model.size: model for model in models}
    for shape in pretrain.models:
        if shape.size not in by_size:
            msg = f"[pretrain] size = {shape.size!r} is none of the models' sizes"
            raise ValueError(msg)
        model = by_size[shape.size]
        if model.d_model not in (None, shape.d_model):
            msg = f"size {shape.size} has d_model = {model.d_model} in [[models]] and "
            msg += f"{shape.d_model} in [[pretrain.models]]"
            raise ValueError(msg)
        if model.n_layers not in (None, shape.n_layers):
            msg = (
                f"size {shape.size} has n_layers = {model.n_layers} in [[models]] and "
            )
            msg += f"{shape.n_layers} in [[pretrain.models]]"
            raise ValueError(msg)
        if model.layers != "all" and max(model.layers) > shape.n_layers:
            msg = (
                f"size {shape.size} has no layer {max(model.layers)}: its n_layers in "
            )
            msg += f"[[pretrain.models]] is {shape.n_layers}"
            raise ValueError(msg)
