"""Train the cells of a checkpoint, as many layers per pass as fit in memory.

Reads the `train` split and the language model; writes `sae/` and `train/` of each cell,
and the tables `timings`, `lm_weights` and `convergence`.
"""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from bisae.corpus import text_for
from bisae.errors import CheckpointError, Unfinished
from bisae.grid import Cell
from bisae.lm import LanguageModel, describe_weights
from bisae.lm.states import StateBlocks
from bisae.memory import available, divide_into_passes, need
from bisae.progress import note
from bisae.query import findings_about, write_timings, write_weights
from bisae.query.weights import Weights
from bisae.sae import Autoencoder, load_autoencoder, seeded, start
from bisae.store import Lease, Store
from bisae.train.convergence import Convergence
from bisae.train.job import TrainingJob
from bisae.train.provenance import cell_provenance, model_provenance
from bisae.train.resume import TrainingState
from bisae.train.run import train_jobs


def train_checkpoint(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Train the cells of one checkpoint that are not trained yet.

    Raises TrainingError if a loss is not finite, StateError for an unusable hidden
    state, Interrupted on a signal, OutOfMemory if not even one layer fits, LeaseLost,
    and CheckpointError if other layers were trained on another model.
    """
    store.check_leases()
    missing = [cell for cell in cells if not store.cell_status(cell).sae]
    if not missing:
        return
    with store.lease(missing[0].checkpoint) as staging:
        _train(store, lm, missing, staging.lease)


def check_starts(store: Store, cells: Sequence[Cell]) -> None:
    """Raise Unfinished if the autoencoders that cells start from are not trained."""
    for cell in cells:
        before = _start_of(store, cell)
        if before and not store.cell_status(before).sae:
            msg = f'cell {cell} starts from {before} ([sae] start = "previous"), which '
            msg += "is not trained; train it first"
            raise Unfinished(msg)


def _start_of(store: Store, cell: Cell) -> Cell | None:
    """Return the cell of the step before, or None for one that starts at random."""
    model = store.study.model(cell.size)
    index = model.steps.index(cell.step)
    if store.study.sae.start == "random" or index == 0 or model.sae:
        return None
    return cell._replace(step=model.steps[index - 1])


def _train(
    store: Store, lm: LanguageModel, missing: Sequence[Cell], lease: Lease
) -> None:
    control = store.study.model(missing[0].size).control
    jobs = [
        TrainingJob(
            cell,
            store.study.lr(cell.size),
            _initializer(store, lm, cell),
            frozen_decoder=control == "random decoder",
        )
        for cell in missing
    ]
    fingerprint = lm.fingerprint()
    weights, model = inspect_model(store, lm, missing[0], fingerprint)
    run_identity = identity(store, lm, fingerprint)
    passes = divide(store, lm, jobs, layers=True)
    for number, group in enumerate(passes, 1):
        pass_title = f" (pass {number} of {len(passes)})" if len(passes) > 1 else ""
        training_state = TrainingState(state_folder(store, group), run_identity, lease)
        cells = [job.cell for job in group]
        text = text_for(store, cells[0], store.split("train"))
        source = StateBlocks(store, text, lm, cells)
        title = f"train {missing[0].checkpoint}{pass_title}"
        convergence = Convergence(store, lm, group)
        train_jobs(
            store.study,
            source,
            group,
            training_state,
            lm.device,
            title,
            convergence=convergence,
        )
        convergence.write()
        for job in group:
            attributes = cell_provenance(store, job) | model
            loss = np.array(job.losses, np.float32)
            write_timings(store, job.cell, job.seconds, _utc_now())
            write_weights(store, job.cell, weights)
            store.write_sae(
                job.cell,
                job.sae.to_numpy(),
                loss,
                attributes,
                newest=control is not None,
            )
        training_state.remove()
    checkpoint = [cell for cell in store.study.cells if cell[:2] == missing[0][:2]]
    if all(store.cell_status(cell).sae for cell in checkpoint):
        lease.check()
        # Remove states that interrupted runs left for other groups of these layers.
        shutil.rmtree(state_folder(store, jobs).parent, ignore_errors=True)


def inspect_model(
    store: Store, lm: LanguageModel, cell: Cell, fingerprint: str
) -> tuple[Weights, dict[str, Any]]:
    """Compare a checkpoint's model with those of the store.

    Returns its rows of `lm_weights`, and what each of its cells records of it. Raises
    CheckpointError if other layers were built from another model.
    """
    _check_model(store, cell, fingerprint)
    weights = describe_weights(lm, fingerprint)
    for message in findings_about(store, cell.checkpoint, weights):
        note(f"warning: {message}")
    return weights, model_provenance(store, lm, cell, fingerprint)


def _check_model(store: Store, cell: Cell, fingerprint: str) -> None:
    """Raise CheckpointError if other layers were trained on another model."""
    of_checkpoint = [
        sibling
        for sibling in store.study.cells
        if sibling.checkpoint == cell.checkpoint
    ]
    for sibling in filter(
        lambda sibling: store.cell_status(sibling).sae, of_checkpoint
    ):
        if store.attributes(sibling, "sae")["lm_fingerprint"] != fingerprint:
            msg = f"the checkpoint of {cell.checkpoint} differs from the one that "
            msg += f"{sibling} was built from, or [lm] dtype has changed; set it back, "
            msg += "or remove those layers with `bisae rm`"
            raise CheckpointError(msg)


def divide(
    store: Store, lm: LanguageModel, jobs: list[TrainingJob], *, layers: bool
) -> list[list[TrainingJob]]:
    """Divide the jobs into passes over the text that fit in memory."""
    needed = need(store.study, lm.shape, lm.n_params)
    loaded = lm.nbytes  # free memory is measured while the model is loaded
    room = available(store.study) + (0 if store.study.lm.memory_gb else loaded)
    return divide_into_passes(jobs, needed, room, layers=layers)


def state_folder(store: Store, jobs: Sequence[TrainingJob]) -> Path:
    """Return the folder of a run's state, which differs between stores."""
    study, first = store.study, jobs[0].cell
    mark = hashlib.sha256(study.store.encode()).hexdigest()[:8]
    layers = "_".join(str(job.cell.layer) for job in jobs)
    home = Path(study.work_dir) / f"{study.name}-{mark}" / "train"
    return home / first.size / str(first.step) / layers


def identity(store: Store, lm: LanguageModel, fingerprint: str) -> dict[str, Any]:
    """Return what must be equal for a run to resume from a saved state.

    `fingerprint` is the model's; computing it reads all weights, so it is done once.
    """
    return {
        "format": 2,
        "sae": store.study.sae.model_dump(mode="json"),
        "batch_documents": store.study.lm.batch_documents,
        "corpus": store.corpus_attributes()["fingerprint"],
        "lm": fingerprint,
        "device": lm.device.type,
    }


def _initializer(
    store: Store, lm: LanguageModel, cell: Cell
) -> Callable[[Tensor], Autoencoder]:
    """Return a function that makes a cell's initial autoencoder."""
    settings, before = store.study.sae, _start_of(store, cell)
    if before is None:
        return lambda x: start(x, seeded(settings, cell))
    return lambda _: load_autoencoder(store, before, lm.device)


def _utc_now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
