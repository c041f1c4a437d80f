"""Train the cells of a checkpoint, as many layers from one pass as fit the memory.

Reads the `train` split and the language model; writes `sae/` and `train/` of each cell,
and the table `timings`.
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from bisae.errors import CheckpointError, Unfinished
from bisae.grid import Cell
from bisae.lm import LanguageModel
from bisae.lm.states import StateBlocks
from bisae.memory import available, groups, need
from bisae.query import write_timings
from bisae.sae import Autoencoder, from_numpy, start
from bisae.store import Lease, Store
from bisae.study import portable_checkpoint
from bisae.train.job import Job
from bisae.train.resume import Keeper
from bisae.train.run import train_jobs


def train_checkpoint(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Train the cells of one checkpoint that are not trained yet.

    Raises TrainingError when a loss is not finite, StateError for a bad hidden state,
    Interrupted when asked to stop, OutOfMemory where not even one layer fits,
    LeaseLost, CheckpointError where other layers are of another model.
    """
    store.check_leases()
    missing = [cell for cell in cells if not store.cell_status(cell).sae]
    if not missing:
        return
    with store.lease(missing[0].checkpoint) as staging:
        _train(store, lm, missing, staging.lease)


def _train(
    store: Store, lm: LanguageModel, missing: Sequence[Cell], lease: Lease
) -> None:
    jobs = [
        Job(cell, store.study.lr(cell.size), _beginning(store, lm, cell))
        for cell in missing
    ]
    fingerprint = lm.fingerprint()
    _check_model(store, missing[0], fingerprint)
    model = {"lm_fingerprint": fingerprint, "n_params": lm.n_params}
    kept_under = identity(store, lm, fingerprint)
    passes = divide(store, lm, jobs, layers=True)
    for number, group in enumerate(passes, 1):
        part = f" (pass {number} of {len(passes)})" if len(passes) > 1 else ""
        keeper = Keeper(folder_of(store, group), kept_under, lease)
        source = StateBlocks(store, "train", lm, [job.cell for job in group])
        title = f"train {missing[0].checkpoint}{part}"
        train_jobs(store.study, source, group, keeper, lm.device, title)
        for job in group:
            attributes = _attributes(store, job) | model
            loss = np.array(job.losses, np.float32)
            write_timings(store, job.cell, job.seconds)
            store.write_sae(job.cell, job.sae.to_numpy(), loss, attributes)
        keeper.remove()
    checkpoint = [one for one in store.study.cells if one[:2] == missing[0][:2]]
    if all(store.cell_status(cell).sae for cell in checkpoint):
        lease.check()
        # States of other groups of these layers, from runs that were cut short.
        shutil.rmtree(folder_of(store, jobs).parent, ignore_errors=True)


def _check_model(store: Store, cell: Cell, fingerprint: str) -> None:
    """Raise CheckpointError if other layers were trained on another model."""
    of_checkpoint = [o for o in store.study.cells if o.checkpoint == cell.checkpoint]
    for other in filter(lambda one: store.cell_status(one).sae, of_checkpoint):
        if store.attributes(other, "sae")["lm_fingerprint"] != fingerprint:
            msg = f"the checkpoint of {cell.checkpoint} is not the one that {other} was"
            msg += " built from, or [lm] dtype is another; set it back, or remove "
            msg += "those layers with `bisae rm`"
            raise CheckpointError(msg)


def divide(
    store: Store, lm: LanguageModel, jobs: list[Job], *, layers: bool
) -> list[list[Job]]:
    """The jobs of each pass over the text, as the memory allows."""
    needed = need(store.study, lm.shape, lm.n_params)
    loaded = lm.nbytes  # what is free is counted with the model in its place
    room = available(store.study) + (0 if store.study.lm.memory_gb else loaded)
    return groups(jobs, needed, room, layers=layers)


def folder_of(store: Store, jobs: Sequence[Job]) -> Path:
    """Where the state of a run is kept; that of another store stands elsewhere."""
    study, first = store.study, jobs[0].cell
    mark = hashlib.sha256(study.store.encode()).hexdigest()[:8]
    layers = "_".join(str(job.cell.layer) for job in jobs)
    home = Path(study.work_dir) / f"{study.name}-{mark}" / "train"
    return home / first.size / str(first.step) / layers


def identity(store: Store, lm: LanguageModel, fingerprint: str) -> dict[str, Any]:
    """What a state must have been kept under to be gone on from.

    `fingerprint` is the model's: to take it reads all weights, so it is taken once.
    """
    return {
        "format": 1,
        "sae": store.study.sae.model_dump(mode="json"),
        "batch_documents": store.study.lm.batch_documents,
        "corpus": store.corpus_attributes()["fingerprint"],
        "lm": fingerprint,
        "device": lm.device.type,
    }


def _beginning(
    store: Store, lm: LanguageModel, cell: Cell
) -> Callable[[Tensor], Autoencoder]:
    """How a cell's autoencoder starts. Raises Unfinished where it needs another's."""
    settings = store.study.sae
    steps = store.study.model(cell.size).steps
    place = steps.index(cell.step)
    if settings.start == "random" or place == 0:
        return lambda x: start(x, settings)
    before = cell._replace(step=steps[place - 1])
    if not store.cell_status(before).sae:
        msg = f'cell {cell} starts from {before} ([sae] start = "previous"), which is '
        msg += "not trained; train that first"
        raise Unfinished(msg)
    return lambda _: from_numpy(store.weights(before), settings, lm.device)


def _attributes(store: Store, job: Job) -> dict[str, Any]:
    study, corpus, cell = store.study, store.corpus_attributes(), job.cell
    model = study.model(cell.size)
    _, revision = model.checkpoint_at(cell.step)
    return {
        "architecture": study.sae.architecture,
        "n_features": study.sae.n_features,
        "k": study.sae.k,
        "d_model": len(job.sae.b_pre),
        "tokens_seen": model.tokens_at(cell.step),
        "lr": job.lr,
        "seed": study.sae.seed,
        "start": study.sae.start,
        "steps": job.trainer.steps if job.trainer else 0,
        "batch_tokens": study.sae.batch_tokens,
        "buffer_tokens": study.sae.buffer_batches * study.sae.batch_tokens,
        "input": "hidden state / L2 norm",
        "model": portable_checkpoint(study, *cell[:2]),
        "revision": revision,
        "tokenizer_fingerprint": corpus["tokenizer_fingerprint"],
        "corpus_fingerprint": corpus["fingerprint"],
    }
