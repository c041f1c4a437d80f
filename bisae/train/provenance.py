"""Record what a cell is made from: checkpoint, text, settings, code and device.

Reads the study, the corpus's attributes and the loaded model; returns attributes of the
part `sae`, as store/README.md specifies them.
"""

from typing import Any

import numpy as np
import torch

from bisae.grid import Cell
from bisae.lm import LanguageModel
from bisae.lm.licence import read_licence
from bisae.sae import seeded, start_cosines
from bisae.store import Store
from bisae.study import portable_checkpoint
from bisae.train.job import TrainingJob
from bisae.versions import code_version, library_versions


def model_provenance(
    store: Store, lm: LanguageModel, cell: Cell, fingerprint: str
) -> dict[str, Any]:
    """Return what a cell has in common with all of its checkpoint.

    `fingerprint` is the model's.
    A path is recorded as the store's study.toml has it, and no host or user is named.
    """
    model, corpus = store.study.model(cell.size), store.corpus_attributes()
    path, revision = model.checkpoint_at(cell.step)
    is_cuda = lm.device.type == "cuda"
    return {
        "model": portable_checkpoint(store.study, *cell[:2]),
        "revision": revision,
        "commit_hash": lm.commit_hash,
        "licence": read_licence(path, lm.commit_hash),
        "lm_fingerprint": fingerprint,
        "n_params": lm.n_params,
        "n_layers": lm.n_layers,
        "dtype": str(lm.dtype).removeprefix("torch."),
        "device": torch.cuda.get_device_name(lm.device) if is_cuda else lm.device.type,
        "code_version": code_version(),
        "library_versions": library_versions(),
        "tokens_seen": model.tokens_at(cell.step),
        "tokenizer_fingerprint": corpus["tokenizer_fingerprint"],
        "corpus_fingerprint": corpus["fingerprint"],
    }


def cell_provenance(store: Store, job: TrainingJob) -> dict[str, Any]:
    """Return the settings that a cell was trained with."""
    study, cell = store.study, job.cell
    model = study.model(cell.size)
    control = {"control": model.control, "control_of": model.control_of}
    directions = job.sae.W_dec.cpu().numpy()
    settings = seeded(study.sae, cell)
    cosines = start_cosines([directions], settings, directions.shape[1])
    return {
        "architecture": study.sae.architecture,
        "n_features": study.sae.n_features,
        "k": study.sae.k,
        "d_model": len(job.sae.b_pre),
        "lr": job.lr,
        "seed": study.sae.seed,
        "start": study.sae.start,
        "start_cosine": float(np.median(cosines)),
        "steps": job.trainer.steps if job.trainer else 0,
        "batch_tokens": study.sae.batch_tokens,
        "buffer_tokens": study.sae.buffer_batches * study.sae.batch_tokens,
        "input": "hidden state / L2 norm",
        **(control if model.control else {}),
    }
