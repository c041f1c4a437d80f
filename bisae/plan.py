"""What a study will cost: cells, passes over the models, bytes, hours. Builds nothing.

Reads the study and, where they are at hand, the models' configurations.
"""

import time
from typing import NamedTuple

import torch

from bisae.errors import BisaeError, StudyError
from bisae.hidden import read_config
from bisae.study import Model, Study

CODE_BYTES = 2.7
"""Bytes of a stored code, index and value, as measured on real codes."""
TABLE_BYTES = 0.4
"""Bytes of tables for each stored code, mostly of `firings`."""
STEP_PRODUCTS = 2.0
"""A training step in encoder products: forward, sparse gradients, Adam."""


class SizePlan(NamedTuple):
    """What the cells of one size cost."""

    size: str
    d_model: int
    layers: int
    steps: int
    cells: int
    lm_passes: int
    """Runs over the training or evaluation text, all layers at once."""
    weights_gb: float
    codes_gb: float
    tables_gb: float
    hours: float
    """Arithmetic over the speed of a matrix product on this machine: a lower bound."""


def plan(study: Study) -> list[SizePlan]:
    """One row for each size. Raises StudyError where a size's shape is unknown."""
    rate = matmul_rate(study.lm.device)
    return [_size_plan(study, model, rate) for model in study.models]


def matmul_rate(device: str) -> float:
    """Floating-point operations a second of a large matrix product here."""
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    side = 2048
    left = torch.randn(side, side, device=device)
    (left @ left).sum().item()
    began = time.perf_counter()
    (left @ left).sum().item()
    return 2 * side**3 / (time.perf_counter() - began)


def _size_plan(study: Study, model: Model, rate: float) -> SizePlan:
    d_model, layers, blocks = _shape(study, model)
    sae, corpus = study.sae, study.corpus
    cells = len(model.steps) * layers
    codes = corpus.eval_tokens * sae.k
    # Operations a token: twelve d^2 weights a block, and the encoder's product.
    lm = 2 * 12 * d_model**2 * blocks
    encoder = 2 * sae.n_features * d_model * layers
    train = corpus.train_tokens * (lm + STEP_PRODUCTS * encoder)
    evaluate = corpus.eval_tokens * (lm + encoder)
    return SizePlan(
        size=model.size,
        d_model=d_model,
        layers=layers,
        steps=len(model.steps),
        cells=cells,
        lm_passes=2 * len(model.steps),
        weights_gb=cells * 2 * sae.n_features * d_model * 4 / 1e9,
        codes_gb=cells * codes * CODE_BYTES / 1e9,
        tables_gb=cells * codes * TABLE_BYTES / 1e9,
        hours=len(model.steps) * (train + evaluate) / rate / 3600,
    )


def _shape(study: Study, model: Model) -> tuple[int, int, int]:
    """d_model, layers and blocks: from the study where it says, else the checkpoint."""
    if model.d_model and model.layers != "all":
        return model.d_model, len(model.layers), max(model.layers)
    for made in study.pretrain.models if study.pretrain else ():
        if made.size == model.size:
            layers = made.n_layers if model.layers == "all" else len(model.layers)
            return made.d_model, layers, made.n_layers
    place, revision = model.checkpoint_at(model.steps[-1])
    trust = study.lm.trust_remote_code
    try:
        shape = read_config(place, revision, trust_remote_code=trust)
    except BisaeError as error:
        msg = f"{error}; or give [[models]] d_model and layers"
        raise StudyError(msg) from error
    layers = shape.n_layers if model.layers == "all" else len(model.layers)
    return shape.d_model, layers, shape.n_layers
