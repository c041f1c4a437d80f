"""Train the autoencoders of a checkpoint, all its layers from one pass over the text.

Reads the `train` split and the language model; writes `sae/` and `train/` of each cell.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bisae.errors import CheckpointError, TrainingError
from bisae.grid import Cell, at
from bisae.hidden import LanguageModel
from bisae.progress import bar
from bisae.sae import Trainer, start
from bisae.states import States, read_states
from bisae.store import Store

Layers = dict[int, Tensor]


def train_checkpoint(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Train the cells of one checkpoint that are not trained yet.

    Raises TrainingError when a loss is not finite, StateError for a bad hidden state.
    """
    missing = [cell for cell in cells if not store.progress(cell).sae]
    if not missing:
        return
    sae = store.study.sae
    began = time.perf_counter()
    trainers: dict[Cell, Trainer] = {}
    losses: dict[Cell, list[float]] = {cell: [] for cell in missing}
    seconds = dict.fromkeys(missing, 0.0)
    title = f"train {missing[0].size}/{missing[0].step}"
    with bar(store.study.corpus.train_tokens, title, "tokens") as shown:
        for batch in mixed_batches(
            read_states(store, "train", lm, missing),
            sae.batch_tokens,
            sae.buffer_batches * sae.batch_tokens,
            sae.seed,
        ):
            for cell in missing:
                with at(cell):
                    x = batch[cell.layer]
                    before = time.perf_counter()
                    if cell not in trainers:
                        trainers[cell] = _trainer(store, cell, x)
                    _learn(trainers[cell], x, cell, losses[cell], sae.log_every)
                    seconds[cell] += time.perf_counter() - before
            shown.update(len(x))
    shared = (time.perf_counter() - began - sum(seconds.values())) / len(missing)
    model = {"lm_fingerprint": lm.fingerprint(), "n_params": lm.n_params}
    for cell, trainer in trainers.items():
        _check_finite(trainer, cell)
        attributes = _attributes(store, cell, trainer) | model
        attributes["train_seconds"] = seconds[cell] + shared
        loss = np.array(losses[cell], np.float32)
        store.write_sae(cell, trainer.sae.to_numpy(), loss, attributes)


def mixed_batches(
    states: Iterator[States], batch: int, capacity: int, seed: int
) -> Iterator[Layers]:
    """Batches of mixed documents: a full buffer is shuffled and half of it given out.

    Every token comes exactly once, the same ones for all layers; the last batch may be
    smaller. The order depends on the seed alone.
    """
    draw = torch.Generator().manual_seed(seed)
    held: list[Layers] = []
    tokens = 0
    for block in states:
        held.append(block.layers)
        tokens += int(block.real.sum())
        if tokens >= capacity:
            mixed = _shuffled(held, draw)
            out = tokens // 2 // batch * batch
            yield from _batches(mixed, 0, out, batch)
            held = [{layer: x[out:] for layer, x in mixed.items()}]
            tokens -= out
    if tokens:
        yield from _batches(_shuffled(held, draw), 0, tokens, batch)


def _shuffled(held: list[Layers], draw: torch.Generator) -> Layers:
    whole = {layer: torch.cat([one[layer] for one in held]) for layer in held[0]}
    order = torch.randperm(len(next(iter(whole.values()))), generator=draw)
    return {layer: x[order.to(x.device)] for layer, x in whole.items()}


def _batches(layers: Layers, first: int, last: int, size: int) -> Iterator[Layers]:
    for place in range(first, last, size):
        rows = slice(place, min(place + size, last))
        yield {layer: x[rows] for layer, x in layers.items()}


def _trainer(store: Store, cell: Cell, x: Tensor) -> Trainer:
    settings = store.study.sae
    return Trainer(
        start(
            x,
            settings.n_features,
            settings.k,
            settings.seed,
            bias=settings.encoder_bias,
        ),
        store.study.lr(cell.size),
        settings.warmup_steps,
        (settings.adam_beta1, settings.adam_beta2),
        settings.adam_eps,
    )


def _learn(
    trainer: Trainer, x: Tensor, cell: Cell, losses: list[float], log_every: int
) -> None:
    loss = trainer.step(x)
    if trainer.steps % log_every and trainer.steps > 1:
        return
    losses.append(float(loss))
    if not np.isfinite(losses[-1]):
        msg = f"cell {cell}: the loss is {losses[-1]} at step {trainer.steps}; lower lr"
        raise TrainingError(msg)


def _check_finite(trainer: Trainer, cell: Cell) -> None:
    """Catch what went wrong after the last logged loss."""
    if not all(bool(one.isfinite().all()) for one in trainer.sae.parameters().values()):
        msg = (
            f"cell {cell}: weights are not finite after step {trainer.steps}; lower lr"
        )
        raise TrainingError(msg)


def _attributes(store: Store, cell: Cell, trainer: Trainer) -> dict[str, Any]:
    study, corpus = store.study, store.corpus_attributes()
    model = study.model(cell.size)
    place, revision = model.checkpoint_at(cell.step)
    return {
        "n_features": study.sae.n_features,
        "k": study.sae.k,
        "d_model": len(trainer.sae.b_pre),
        "tokens_seen": model.tokens_at(cell.step),
        "lr": study.lr(cell.size),
        "seed": study.sae.seed,
        "steps": trainer.steps,
        "batch_tokens": study.sae.batch_tokens,
        "buffer_tokens": study.sae.buffer_batches * study.sae.batch_tokens,
        "input": "hidden state / L2 norm",
        "model": place,
        "revision": revision,
        "tokenizer_fingerprint": corpus["tokenizer_fingerprint"],
        "corpus_fingerprint": corpus["fingerprint"],
    }


def check_fit(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Refuse a checkpoint that does not fit the study. Raises CheckpointError."""
    size, step = cells[0].size, cells[0].step
    model = store.study.model(size)
    place = model.checkpoint_at(step)[0]
    vocabulary = store.corpus_attributes()["vocab_size"]
    if vocabulary > lm.vocab_size:
        msg = f"{place} embeds {lm.vocab_size} tokens, the tokenizer has {vocabulary}: "
        msg += "they do not belong together; set [corpus] tokenizer"
        raise CheckpointError(msg)
    if model.d_model not in (None, lm.d_model):
        msg = f"{place} has d_model {lm.d_model}, the study says {model.d_model}"
        raise CheckpointError(msg)
