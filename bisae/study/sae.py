"""The section [sae] of a study file: the autoencoders and their training."""

import math
from reprlib import repr as short
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from bisae.study.section import MOST_CODES, Count, Positive, Section, Seed, Share

Rate = Annotated[float, Field(gt=0)]
Weight = Annotated[float, Field(ge=0)]


def _rate(value: Any) -> Any:
    number = isinstance(value, float | int) and not isinstance(value, bool)
    if value != "search" and not (number and 0 < value < math.inf):
        msg = f'give a rate above 0, or "search", not {short(value)}'
        raise ValueError(msg)
    return value


class Sae(Section):
    """Settings of every cell's autoencoder; equations 1 to 3."""

    architecture: Literal["topk", "relu"] = "topk"
    """`relu` is the slides' baseline: every positive pre-activation, and an L1 loss."""
    n_features: Annotated[int, Field(gt=0, lt=2**31)] = 32_768
    k: Annotated[int, Field(gt=0, le=MOST_CODES)] = 32
    """Features kept per token; for a ReLU autoencoder, features stored per token."""
    encoder_bias: bool = False
    l1: Weight = 0.0
    """Weight of the summed activations in the loss of a ReLU autoencoder."""
    start: Literal["random", "previous"] = "random"
    """`previous` starts from the same layer's autoencoder at the previous step."""
    start_seed: Literal["shared", "per cell"] = "shared"
    """`per cell` gives each cell random directions of its own to start from."""
    lr: Annotated[float | Literal["search"], BeforeValidator(_rate)] = 1e-3
    """`search`: the best of `lr_grid` for each size, as `bisae lr-search` finds it."""
    lr_grid: Annotated[tuple[Rate, ...], Field(min_length=1)] = (
        *(1e-4, 2e-4, 5e-4),
        *(1e-3, 2e-3, 5e-3),
    )
    batch_tokens: Positive = 32_768
    warmup_steps: Count = 500
    adam_beta1: Share = 0.9
    adam_beta2: Share = 0.999
    adam_eps: Rate = 6.25e-10
    remove_parallel: bool = False
    """Remove from each direction's gradient the part parallel to it, before Adam."""
    aux_weight: Weight = 0.0
    """Weight of AuxK, the loss that revives dead features; 0 leaves it out."""
    aux_k: Positive = 512
    """Dead features that AuxK uses for a token."""
    dead_tokens: Positive = 10_000_000
    """Training tokens without an activation after which AuxK calls a feature dead."""
    product: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the encoder's matrix product; auto is bfloat16 on a GPU."""
    buffer_batches: Annotated[int, Field(ge=2)] = 8
    """Batches of hidden states that are mixed before training."""
    log_every: Positive = 10
    """Optimiser steps between two logged losses."""
    seed: Seed = 0

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.k > self.n_features:
            msg = f"k = {self.k} is more than n_features = {self.n_features}; lower k"
            raise ValueError(msg)
        if (self.architecture == "relu") != (self.l1 > 0):
            msg = 'l1 is the loss of architecture = "relu": give both, or neither'
            raise ValueError(msg)
        if self.architecture == "relu" and self.aux_weight:
            msg = 'aux_weight is for architecture = "topk"; leave it out'
            raise ValueError(msg)
        if self.start == "previous" and self.start_seed == "per cell":
            msg = 'start_seed is for start = "random"; leave one of the two out'
            raise ValueError(msg)
        if sorted(set(self.lr_grid)) != list(self.lr_grid):
            msg = "lr_grid must be in ascending order without repetition"
            raise ValueError(msg)
        return self
