"""Record what a cell is made from: checkpoint, text, settings, code and device.

Reads the study, the corpus's attributes and the loaded model; returns attributes of the
part `sae`, as store/README.md specifies them.
"""

from typing import Any

import numpy as np
import torch

from bisae.lm import LanguageModel
from bisae.lm.licence import read_licence
from bisae.sae import seeded, start_cosines
from bisae.store import Store
from bisae.study import portable_checkpoint
from bisae.train.job import TrainingJob
from bisae.versions import code_version, library_versions


def model_provenance(
    store: Store, lm: LanguageModel, job: TrainingJob, fingerprint: str
) -> dict[str, Any]:
    """Return what all cells of a checkpoint have in common; `fingerprint` is its own.

    A path is recorded as the store's study.toml has it, and no host or user is named.
    """
    path, revision = store.study.model(job.cell.size).checkpoint_at(job.cell.step)
    is_cuda = lm.device.type == "cuda"
    return {
        "model": portable_checkpoint(store.study, *job.cell[:2]),
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
    }


def cell_provenance(store: Store, job: TrainingJob) -> dict[str, Any]:
    """Return the settings that a cell was trained with, and the text."""
    study, corpus, cell = store.study, store.corpus_attributes(), job.cell
    directions = job.sae.W_dec.cpu().numpy()
    settings = seeded(study.sae, cell)
    cosines = start_cosines([directions], settings, directions.shape[1])
    return {
        "architecture": study.sae.architecture,
        "n_features": study.sae.n_features,
        "k": study.sae.k,
        "d_model": len(job.sae.b_pre),
        "tokens_seen": study.model(cell.size).tokens_at(cell.step),
        "lr": job.lr,
        "seed": study.sae.seed,
        "start": study.sae.start,
        "start_cosine": float(np.median(cosines)),
        "steps": job.trainer.steps if job.trainer else 0,
        "batch_tokens": study.sae.batch_tokens,
        "buffer_tokens": study.sae.buffer_batches * study.sae.batch_tokens,
        "input": "hidden state / L2 norm",
        "tokenizer_fingerprint": corpus["tokenizer_fingerprint"],
        "corpus_fingerprint": corpus["fingerprint"],
    }
