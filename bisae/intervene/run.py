"""Run an intervention: both models over the held-out text, one after the other.

Reads the checkpoints and the full model's autoencoder; writes the tables of the mid
model's cell. Measured losses are saved in the study's `work_dir`, so that an
interrupted run resumes.
"""

import json
from pathlib import Path

from bisae.errors import CheckpointError
from bisae.grid import Cell, at
from bisae.intervene.batches import Encodings, Heldout, encode_text, encodings
from bisae.intervene.equation import masked_decoders
from bisae.intervene.measure import PreparedVector, measure, unmeasured_settings
from bisae.intervene.norm_matching import match_norms
from bisae.intervene.plan import Plan, batch_documents
from bisae.intervene.tables import unmeasured, write_measured
from bisae.lm import LanguageModel
from bisae.lm.opening import note_checkpoint, open_model
from bisae.memory import measuring_bytes
from bisae.progress import note
from bisae.sae import Autoencoder, load_autoencoder
from bisae.store import Store, digest


def intervene(store: Store, plan: Plan) -> None:
    """Measure every setting and write the tables, unless they are current.

    Raises CheckpointError if a model is not the one that its cell was built from.
    """
    with store.lease(plan.mid.checkpoint, wait=True), at(plan.mid):
        if provenances := unmeasured(store, plan):
            write_measured(store, plan, provenances, _measure(store, plan))


def _measure(store: Store, plan: Plan) -> Path:
    """Measure what is not measured yet; return the folder of all losses.

    One model is in memory at a time.
    """
    key = digest(json.dumps(plan.identity, sort_keys=True))[:16]
    folder = Path(store.study.work_dir) / "intervene" / key
    folder.mkdir(parents=True, exist_ok=True)
    section = plan.section
    text = Heldout(store, batch_documents(store, section), section.documents)
    numbers = [number for number, batch in enumerate(text) if batch.document]
    if not any(
        unmeasured_settings(folder, number, plan.settings) for number in numbers
    ):
        return folder
    full = open_cell_model(store, plan.full)
    sae = load_autoencoder(store, plan.full, full.device)
    n_bytes = measuring_bytes(store.study, full.shape, full.n_params)
    note(
        f"{len(plan.settings):,} settings on {text.n_tokens:,} held-out tokens; "
        f"{n_bytes / 1e9:.1f} GB for one model at a time, the autoencoder and a batch"
    )
    with encodings(folder, text.n_tokens, sae) as codes:
        encode_text(full, sae, plan.full, text, codes)
        del full
        mid = open_cell_model(store, plan.mid)
        prepared = _prepared(plan, sae, codes)
        bias = sae.b_pre if section.b_pre else None
        parts = (text, codes, prepared, bias, plan.settings, folder)
        measure(mid, section.layer, *parts, store.check_leases)
    return folder


def open_cell_model(store: Store, cell: Cell) -> LanguageModel:
    """Open a cell's model. Raises CheckpointError if its weights or dtype changed."""
    note_checkpoint(store, cell)
    lm = open_model(store, cell.checkpoint)
    if lm.fingerprint() != store.attributes(cell, "sae")["lm_fingerprint"]:
        msg = f"the checkpoint of {cell.checkpoint} is not the one that {cell} was "
        msg += "built from, or [lm] dtype is another; set it back, or build again"
        raise CheckpointError(msg)
    return lm


def _prepared(plan: Plan, sae: Autoencoder, codes: Encodings) -> list[PreparedVector]:
    """Match each steering vector with its decoder and norm ratios."""
    decoders = masked_decoders(plan.vectors, sae, plan.section.seed)
    norm_ratios = match_norms(plan.vectors, decoders, codes, plan.classes)
    return [
        PreparedVector(*prepared)
        for prepared in zip(plan.vectors, decoders, norm_ratios, strict=True)
    ]
