"""Run the stages in order over the grid, one pass over each checkpoint's model.

Every stage resumes where it stopped and leaves finished cells untouched.
"""

from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from bisae.checks.recorded import record_results
from bisae.corpus import build_corpus, with_stored_numbers
from bisae.encode.cells import encode_checkpoint
from bisae.errors import Held
from bisae.formats import Rows
from bisae.grid import Cell, Selection, at, checkpoints
from bisae.intervene import (
    Plan,
    make_plan,
    open_cell_model,
    steering_functions,
    translation,
    translation_settings,
)
from bisae.intervene import intervene as measure
from bisae.lm import LanguageModel
from bisae.lm.configurations import with_layers
from bisae.lm.opening import open_model
from bisae.memory import translating_bytes
from bisae.pipeline.devices import note_slow_bfloat16
from bisae.progress import note
from bisae.query import exported_cells
from bisae.sae import from_numpy
from bisae.store import SHARED, Store, create_store
from bisae.study import Model, Study, load_study
from bisae.tables import (
    ExportContext,
    export_cells,
    export_study_tables,
    prepare_export,
)
from bisae.train import is_searched, learning_rates, search_rates, train_checkpoint

STAGES = ("train", "encode", "export")
REQUESTS_AT_ONCE = 16
"""Number of concurrent requests for progress, since an object store is slow."""


def build(study: Study, only: Selection, stages: tuple[str, ...] = STAGES) -> Store:
    """Build the selected cells through the given stages; return the store.

    A checkpoint that another process is building is skipped.
    """
    study = with_layers(study, only)
    cells = only.of(study.cells)  # an error before any work
    store = prepare(study)
    if "train" in stages and study.sae.lr == "search":
        store.study = _with_rates(store, {cell.size for cell in cells})
    context: ExportContext | None = None
    for checkpoint in checkpoints(cells):
        name = checkpoint[0].checkpoint
        try:
            with at(name), store.lease(name):
                context = _build_checkpoint(store, checkpoint, stages, context)
        except Held as error:
            note(f"{error}; skipping it")
    return store


def prepare(study: Study) -> Store:
    """Create the store of a study whose layers are listed, and build its corpus."""
    note_slow_bfloat16(study)
    store = create_store(study)
    with store.lease(SHARED, wait=True):
        build_corpus(store)
    store.study = with_stored_numbers(store)
    return store


def build_checkpoint(
    path: Path, size: str, step: int, *, trust_remote_code: bool = False
) -> None:
    """Build one checkpoint of a study file, all its layers: the unit of work."""
    only = Selection(frozenset({size}), frozenset({step}))
    build(load_study(path, trust_remote_code=trust_remote_code), only)


def _build_checkpoint(
    store: Store,
    cells: list[Cell],
    stages: tuple[str, ...],
    context: ExportContext | None,
) -> ExportContext | None:
    """Run all stages of one checkpoint's cells; its model is released afterwards."""
    lm = _run_models(store, cells, stages)
    if "export" not in stages:
        return context
    store.check_leases()
    context = context or _prepare_export(store)
    if encoded_cells := [cell for cell in cells if store.progress(cell).codes]:
        export_cells(context, encoded_cells)
        record_results(store, encoded_cells, lm)
    return context


def search(study: Study) -> Store:
    """Run the learning-rate search for every size; return the store."""
    store = prepare(with_layers(study))
    for model in store.study.models:
        _search(store, model)
    return store


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
        sae = from_numpy(store.weights(plan.full), store.study.sae, full.device)
        functions = steering_functions(plan, sae, list(chosen.values()))
        by_setting = {
            translation_setting: functions[setting]
            for translation_setting, setting in chosen.items()
        }
        translation.translate(job, mid, full, by_setting)


def _prepare_export(store: Store) -> ExportContext:
    """Prepare the export of all cells and write the tables of the study."""
    with store.lease(SHARED, wait=True):
        context = prepare_export(store)
        export_study_tables(context)
    return context


def checkpoint_status(store: Store) -> tuple[Rows, int]:
    """Count each checkpoint's layers by stage, and the cells that are not finished."""
    rows, unfinished = [], 0
    groups = list(checkpoints(store.cells))
    exported = set(exported_cells(store))
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        progress_of_cells = iter(list(pool.map(store.progress, store.cells)))
        holders = pool.map(store.holder, (cells[0].checkpoint for cells in groups))
        for cells, holder in zip(groups, holders, strict=True):
            progress = list(islice(progress_of_cells, len(cells)))
            trained = sum(parts.sae for parts in progress)
            encoded = sum(parts.codes for parts in progress)
            finished = len(exported.intersection(cells))
            unfinished += len(cells) - finished
            size, step, _ = cells[0]
            counts = (len(cells), trained, encoded, finished, holder and str(holder))
            rows.append((size, step, *counts))
    names = ["size", "step", "layers", "trained", "encoded", "exported", "built by"]
    return Rows(names, rows), unfinished


def _with_rates(store: Store, sizes: set[str]) -> Study:
    """Return the study with searched learning rates for sizes that have none."""
    for model in store.study.models:
        if model.size in sizes and model.lr is None:
            _search(store, model)
    rates = learning_rates(store)
    best = {row[0]: row[rates.names.index("lr")] for row in rates.values}
    models = tuple(
        model.model_copy(update={"lr": model.lr or best.get(model.size)})
        for model in store.study.models
    )
    return store.study.model_copy(update={"models": models})


def _search(store: Store, model: Model) -> None:
    """Search one size's learning rate; its model is loaded only if needed."""
    cell = model.middle_cell
    with at(cell), store.lease(cell.checkpoint, wait=True):
        if not is_searched(store, cell):
            search_rates(store, open_model(store, cell.size, cell.step), cell)


def _run_models(
    store: Store, cells: list[Cell], stages: tuple[str, ...]
) -> LanguageModel | None:
    """Train and encode one checkpoint's cells; return its model if it was needed."""
    progress = [store.progress(cell) for cell in cells]
    to_train = "train" in stages and not all(parts.sae for parts in progress)
    to_encode = "encode" in stages and not all(parts.codes for parts in progress)
    if not (to_train or to_encode):
        return None
    lm = open_model(store, cells[0].size, cells[0].step)
    if to_train:
        train_checkpoint(store, lm, cells)
    if to_encode:
        encode_checkpoint(store, lm, cells)
    return lm
