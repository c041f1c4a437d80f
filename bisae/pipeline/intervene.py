"""Run the intervention on built cells: losses first, then translations.

Reads a store and both checkpoints; writes the tables of the mid-training model's cell.
"""

from bisae.grid import Cell, at
from bisae.intervene import (
    Plan,
    adds,
    chosen_settings,
    make_plan,
    open_built,
    translation,
)
from bisae.intervene import intervene as measure
from bisae.lm.configurations import with_layers
from bisae.memory import translating_bytes
from bisae.progress import note
from bisae.sae import from_numpy
from bisae.store import Store, create_store
from bisae.study import Study


def intervene(study: Study) -> tuple[Store, Cell]:
    """Run the intervention on built cells; gives the cell that has its tables.

    What is to be translated is checked before any loss is measured.
    """
    store = create_store(with_layers(study))
    plan = make_plan(store)
    job = _translation(store, plan) if plan.asked.translation else None
    measure(store, plan)
    if job:
        _translate(store, plan, job)
    else:
        translation.write_none(store, plan.mid)
    return store, plan.mid


def _translation(store: Store, plan: Plan) -> translation.Job:
    """Read what is to be translated. Raises StudyError, CorpusError."""
    job = translation.make_job(store, plan.mid, plan.full.step, plan.identity)
    translation.check_prompts(job, plan.shapes)
    return job


def _translate(store: Store, plan: Plan, job: translation.Job) -> None:
    """Translate with features added, where that is not done; both models are loaded."""
    chosen = {
        translation.Setting(*one, plan.asked.b_pre): one
        for one in chosen_settings(plan)
    }
    with store.lease(plan.mid.checkpoint, wait=True), at(plan.mid):
        if translation.is_translated(job, chosen):
            return
        mid, full = open_built(store, plan.mid), open_built(store, plan.full)
        held = translating_bytes(store.study, full.shape, full.n_params)
        note(f"{held / 1e9:.1f} GB for both models and the autoencoder, to translate")
        sae = from_numpy(store.weights(plan.full), store.study.sae, full.device)
        add = adds(plan, sae, list(chosen.values()))
        by_setting = {named: add[one] for named, one in chosen.items()}
        translation.translate(job, mid, full, by_setting)
