"""Check a study against the configurations of its checkpoints before any work.

Reads `config.json` of checkpoints and the study's tokenizer, no weights.
"""

from contextlib import suppress
from pathlib import Path

from bisae.corpus import batch_misfit, load_tokenizer, n_token_ids
from bisae.errors import AddressError, CheckpointError, StudyError
from bisae.grid import Selection
from bisae.lm import ModelShape, read_config
from bisae.study import (
    Model,
    Study,
    check_intervention,
    control_models,
    listed_controls,
)


def with_layers(study: Study, only: Selection | None = None) -> Study:
    """Check a study and return it with every model's layers listed.

    Checks the last step of each size and the selected steps; a configuration that
    cannot be read is skipped, and fails when the model is opened. Raises StudyError,
    AddressError, CheckpointError.
    """
    check_numbers(study)
    models = tuple(list_layers(study, model) for model in study.models)
    if study.intervention:
        check_intervention(
            study.intervention, models, study.corpus.languages, study.name
        )
    controls = control_models(models, study.controls or ())
    listed = listed_controls([*controls]) or None
    study = study.model_copy(update={"models": models, "controls": listed})
    study.states_cell()  # raises for a layer that is not listed
    vocabulary = _vocabulary(study)
    for model in models:
        if only is None or not only.sizes or model.size in only.sizes:
            steps = only.steps if only and only.steps else frozenset(model.steps)
            _check_steps(study, model, steps, vocabulary)
    return study


def check_local(study: Study) -> None:
    """Check the configurations on this machine, for a plan. Raises likewise."""
    tokenizer = Path(study.tokenizer()[0])
    vocabulary = _vocabulary(study) if tokenizer.is_dir() else None
    for model in study.models:
        folders = {step: model.checkpoint_at(step)[0] for step in model.steps}
        steps = frozenset(step for step in folders if Path(folders[step]).is_dir())
        _check_steps(study, model, steps, vocabulary)


def check_numbers(study: Study) -> None:
    """Raise StudyError if the study contradicts itself."""
    numbers = not study.corpus.asks_for_shares
    if numbers and (msg := batch_misfit(study, study.corpus.tokens["train"])):
        raise StudyError(msg)


def check_shape(
    study: Study, model: Model, path: str, shape: ModelShape, vocabulary: int | None
) -> None:
    """Check one checkpoint against a model whose layers and width are listed.

    `vocabulary` is one more than the tokenizer's largest id. Raises AddressError for a
    missing layer, StudyError for too long a context, else CheckpointError.
    """
    highest = max(layer for layer in model.layers if isinstance(layer, int))
    if highest > shape.n_layers:
        msg = f"{model.size} has no layer {highest}: {path} has 0 to {shape.n_layers}"
        raise AddressError(msg)
    if model.n_layers not in (None, shape.n_layers):
        msg = f"{path} has {shape.n_layers} blocks, size {model.size} has "
        msg += f"{model.n_layers}: they cannot be one size"
        raise CheckpointError(msg)
    if model.d_model not in (None, shape.d_model):
        msg = f"{path} has d_model {shape.d_model}, the study says {model.d_model}"
        raise CheckpointError(msg)
    if vocabulary is not None and vocabulary > shape.vocab_size:
        msg = f"{path} embeds {shape.vocab_size} tokens, the tokenizer has {vocabulary}"
        msg += ": they do not belong together; set [corpus] tokenizer"
        raise CheckpointError(msg)
    context, room = study.corpus.context, shape.max_tokens
    if room is not None and context > room:
        msg = f"[corpus] context = {context} is more than the {room} positions of "
        msg += f"{path}; lower it"
        raise StudyError(msg)


def list_layers(study: Study, model: Model) -> Model:
    """Return a model with its layers listed. Raises CheckpointError."""
    path, revision = model.checkpoint_at(model.steps[-1])
    planned = (
        {pretrained.size: pretrained for pretrained in study.pretrain.models}
        if study.pretrain
        else {}
    )
    if model.size in planned and not (Path(path) / "config.json").exists():
        pretrain_model = planned[model.size]  # the checkpoint is still to be pretrained
        vocabulary = study.pretrain.vocab_size if study.pretrain else 1
        return _fill_in(
            model,
            ModelShape(
                pretrain_model.n_layers, pretrain_model.d_model, vocabulary, None
            ),
        )
    shape = read_config(path, revision, trust_remote_code=study.lm.trust_remote_code)
    return _fill_in(model, shape)


def _fill_in(model: Model, shape: ModelShape) -> Model:
    """Fill in layers, width and blocks from a shape where the study gives none."""
    every = tuple(range(1, shape.n_layers + 1))
    layers = every if model.layers == "all" else model.layers
    update = {
        "layers": layers,
        "d_model": model.d_model or shape.d_model,
        "n_layers": model.n_layers or shape.n_layers,
    }
    return model.model_copy(update=update)


def _check_steps(
    study: Study, model: Model, steps: frozenset[int], vocabulary: int | None
) -> None:
    """Check these steps of a size, and that they all have one shape."""
    shapes: dict[str, ModelShape] = {}
    for step in model.steps:
        if step in steps:
            path, revision = model.checkpoint_at(step)
            with suppress(CheckpointError):  # it fails when the model is opened
                trust = study.lm.trust_remote_code
                shape = read_config(path, revision, trust_remote_code=trust)
                shapes[f"{path} at {revision}" if revision else path] = shape
    for path, shape in shapes.items():
        of_last = list(shapes.values())[-1]
        check_shape(study, _fill_in(model, of_last), path, shape, vocabulary)


def _vocabulary(study: Study) -> int | None:
    """Return one more than the tokenizer's largest id; None if it is not here yet."""
    with suppress(CheckpointError):
        return n_token_ids(load_tokenizer(study))
    return None
