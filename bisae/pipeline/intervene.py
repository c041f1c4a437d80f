"""Run the intervention on built cells: losses first, then translations.

Reads a store and both checkpoints; writes the tables of the mid-training model's cell.
"""

from bisae.grid import Cell, at
from bisae.intervene import (
    Plan,
    make_plan,
    open_cell_model,
    steering_functions,
    translation,
    translation_settings,
)
from bisae.intervene import intervene as measure
from bisae.lm.configurations import with_layers
from bisae.memory import translating_bytes
from bisae.progress import note
from bisae.sae import load_autoencoder
from bisae.store import Store, create_store
from bisae.study import Study


def intervene(study: Study) -> tuple[Store, Cell]:
    """Run the intervention on built cells; return the store and the cell of its tables.

    The texts to translate are checked before any loss is measured.
    """
    store = create_store(with_layers(study))
    plan = make_plan(store)
    job = _translation(store, plan) if plan.section.translation else None
    measure(store, plan)
    if job:
        _translate(store, plan, job)
    else:
        translation.write_empty_tables(store, plan.mid)
    return store, plan.mid


def _translation(store: Store, plan: Plan) -> translation.TranslationJob:
    """Read and check the texts to translate. Raises StudyError, CorpusError."""
    job = translation.make_job(store, plan.mid, plan.full.step, plan.identity)
    translation.check_prompts(job, plan.shapes)
    return job


def _translate(store: Store, plan: Plan, job: translation.TranslationJob) -> None:
    """Translate under steering, unless that is done; both models are loaded."""
    chosen = {
        translation.TranslationSetting(*setting, plan.section.b_pre): setting
        for setting in translation_settings(plan)
    }
    with store.lease(plan.mid.checkpoint, wait=True), at(plan.mid):
        if translation.is_translated(job, chosen):
            return
        mid, full = open_cell_model(store, plan.mid), open_cell_model(store, plan.full)
        n_bytes = translating_bytes(store.study, full.shape, full.n_params)
        note(
            f"{n_bytes / 1e9:.1f} GB for both models and the autoencoder, to translate"
        )
        sae = load_autoencoder(store, plan.full, full.device)
        functions = steering_functions(plan, sae, list(chosen.values()))
        by_setting = {
            translation_setting: functions[setting]
            for translation_setting, setting in chosen.items()
        }
        translation.translate(job, mid, full, by_setting)
