"""Estimate the cost of a study: cells, passes, bytes, memory, hours. Builds nothing.

Reads the study and, if they are available, its text and the models' configurations.
"""

from typing import NamedTuple

import torch

from bisae.corpus import (
    count_tokens,
    list_files,
    load_tokenizer,
    misfits,
    with_numbers,
)
from bisae.errors import BisaeError, CorpusError, OutOfMemory, StudyError
from bisae.lm import ModelShape, chosen_dtype, read_config
from bisae.lm.configurations import check_local
from bisae.memory import (
    Need,
    available,
    device_of,
    divide_into_passes,
    host_bytes,
    kv_cache_bytes,
    measuring_bytes,
    need,
    translating_bytes,
)
from bisae.pipeline.devices import Device, choose_device, on_device
from bisae.sae import product_dtype
from bisae.study import Model, Study

CODE_BYTES = 2.2
"""Bytes of a stored code, index and value, as measured on real codes."""
TABLE_BYTES = 0.4
"""Bytes of tables for each stored code, mostly of `firings`."""
BLOCK_WEIGHTS = 14
"""Weights of a block in d^2: four for attention, ten for a gated MLP of 10/3 d."""
TYPICAL_VOCABULARY = 100_000
"""The vocabulary assumed for a model without a configuration."""


class SizePlan(NamedTuple):
    """The cost of the cells of one size."""

    size: str
    d_model: int
    layers: int
    steps: int
    cells: int
    passes: int
    """Runs of one checkpoint over the training text, with as many layers at once as
    fit; 0 if not even one fits, or if autoencoders are imported."""
    layers_at_once: int
    """Layers of the largest pass, or all if they are only encoded."""
    room_gb: float
    """The memory that training may use, which determines the passes."""
    fixed_gb: float
    """The memory of the model and the steps, for any number of layers."""
    layer_gb: float
    """The memory of each layer that trains at once: buffer, weights, Adam."""
    device_gb: float
    """Peak of the GPU's memory; 0 without a GPU."""
    host_gb: float
    """Peak of the host's memory, libraries included."""
    weights_gb: float
    codes_gb: float
    tables_gb: float
    hours: float
    """Training and encoding on one device: the language model's products and the
    autoencoders' steps, at the device's assumed speed."""


class TaskMemory(NamedTuple):
    """The memory of a process that builds one checkpoint."""

    host_bytes: int
    training_bytes: int | None
    """What training may use of it; None on a GPU, which is another memory."""


class InterventionPlan(NamedTuple):
    """The memory that [intervention] takes on a device."""

    size: str
    measuring_gb: float
    """One model at a time, the autoencoder and a batch."""
    translating_gb: float | None
    """Both models and the autoencoder; None if nothing is translated."""
    token_mb: float
    """The KV cache of each token that is read, of prompts and translations."""


def count_text(study: Study) -> tuple[Study, list[str]]:
    """Return the study with numbers of tokens from its text, and what does not fit.

    Raises CorpusError for text that cannot be read, at least without a download, and
    CheckpointError without a tokenizer.
    """
    for source in study.corpus.text:
        if source.dataset:
            msg = f"{source.dataset} is on the hub, and only `bisae build` reads it"
            raise CorpusError(msg)
        list_files(source)
    counts = count_tokens(study, load_tokenizer(study))
    return with_numbers(study, counts), misfits(study, counts)


def plan(study: Study, device: Device | None = None) -> list[SizePlan]:
    """Plan each size on a device, by default on the study's.

    Raises StudyError if a size's shape is unknown, and as `check_local` if a local
    configuration does not fit the study.
    """
    check_local(study)
    device = device or choose_device(study)
    placed = on_device(study, device)
    return [_size_plan(placed, model, device) for model in study.grid]


def task_memory(study: Study, size: str) -> TaskMemory:
    """Plan the memory of a process that builds one checkpoint of a size.

    On a GPU its layers may all be trained at once, on a CPU as many as fit on this
    machine. Raises StudyError, and OutOfMemory if not even one fits.
    """
    shape, layers = _shape(study, study.model(size))
    needed = need(study, shape, _n_params(shape))
    if device_of(study).type == "cuda":
        return TaskMemory(host_bytes(study, shape, layers, 0), None)
    passes = divide_into_passes(range(layers), needed, available(study), layers=True)
    largest = max(map(len, passes))
    peak = needed.of(largest, largest)
    return TaskMemory(host_bytes(study, shape, largest, peak), peak)


def plan_intervention(study: Study) -> InterventionPlan | None:
    """Plan [intervention]; None for a study without it. Raises StudyError."""
    section = study.intervention
    if section is None:
        return None
    shape, _ = _shape(study, study.model(section.size))
    n_params = _n_params(shape)
    translating = translating_bytes(study, shape, n_params) / 1e9
    return InterventionPlan(
        size=section.size,
        measuring_gb=measuring_bytes(study, shape, n_params) / 1e9,
        translating_gb=translating if section.translation else None,
        token_mb=kv_cache_bytes(study, shape) / 1e6,
    )


def _size_plan(study: Study, model: Model, device: Device) -> SizePlan:
    shape, layers = _shape(study, model)
    sae, corpus = study.sae, study.corpus
    d_model, n_steps = shape.d_model, len(model.steps)
    cells = n_steps * layers
    codes = corpus.tokens["eval"] * sae.k
    trains = model.sae is None
    needed = need(study, shape, _n_params(shape), trains=trains)
    room = available(study)
    passes = _passes(layers, needed, room) if trains else []
    largest = max(map(len, passes), default=1) if trains else layers
    peak = needed.of(largest, largest)
    return SizePlan(
        size=model.size,
        d_model=d_model,
        layers=layers,
        steps=n_steps,
        cells=cells,
        passes=len(passes),
        layers_at_once=largest if passes or not trains else 0,
        room_gb=room / 1e9,
        fixed_gb=needed.once / 1e9,
        layer_gb=(needed.layer + needed.sae) / 1e9,
        device_gb=peak / 1e9 if device_of(study).type == "cuda" else 0.0,
        host_gb=host_bytes(study, shape, largest, peak) / 1e9,
        weights_gb=cells * 2 * sae.n_features * d_model * 4 / 1e9,
        codes_gb=cells * codes * CODE_BYTES / 1e9,
        tables_gb=cells * codes * TABLE_BYTES / 1e9,
        hours=n_steps
        * _seconds(study, shape, layers, len(passes), device, trains=trains)
        / 3600,
    )


def _seconds(
    study: Study,
    shape: ModelShape,
    layers: int,
    passes: int,
    device: Device,
    *,
    trains: bool,
) -> float:
    """Estimate the seconds to train, if any, and encode a checkpoint's layers."""
    torch_device = device_of(study)
    # Operations per token: two for each weight.
    lm = (
        2
        * _block_weights(shape)
        / device.rates[chosen_dtype(study.lm.dtype, torch_device)]
    )
    encoder = 2 * study.sae.n_features * shape.d_model * layers
    step = device.step_seconds(encoder, product_dtype(study.sae, torch_device))
    train = study.corpus.tokens["train"] * (max(1, passes) * lm + step)
    # Codes are computed in float32, whatever the encoder learned in.
    encode = study.corpus.tokens["eval"] * (lm + encoder / device.rates[torch.float32])
    return train * trains + encode


def _block_weights(shape: ModelShape) -> int:
    return BLOCK_WEIGHTS * shape.d_model**2 * shape.n_layers


def _n_params(shape: ModelShape) -> int:
    """Count parameters, with input and output embeddings."""
    return _block_weights(shape) + 2 * shape.vocab_size * shape.d_model


def _passes(layers: int, needed: Need, room: int) -> list[list[int]]:
    try:
        return divide_into_passes(range(layers), needed, room, layers=True)
    except OutOfMemory:
        return []


def _shape(study: Study, model: Model) -> tuple[ModelShape, int]:
    """Return a model's shape and number of layers, from the study or its config."""
    shape = _shape_of(study, study.model(model.control_of or model.size))
    if model.layers == "all":
        return shape, shape.n_layers
    return shape, len(model.layers) or 1  # a control's middle layer, unknown as yet


def _shape_of(study: Study, model: Model) -> ModelShape:
    if model.d_model and model.layers != "all":
        n_layers = model.n_layers or max(model.layers)
        return ModelShape(n_layers, model.d_model, TYPICAL_VOCABULARY)
    if pretrain := study.pretrain:
        for pretrained in pretrain.models:
            if pretrained.size == model.size:
                return ModelShape(
                    pretrained.n_layers, pretrained.d_model, pretrain.vocab_size
                )
    checkpoint, revision = model.checkpoint_at(model.steps[-1])
    trust = study.lm.trust_remote_code
    try:
        return read_config(checkpoint, revision, trust_remote_code=trust)
    except BisaeError as error:
        msg = f"{error}; or give [[models]] d_model and layers"
        raise StudyError(msg) from error
