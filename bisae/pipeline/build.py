"""Run the stages in order over the grid, one pass over each checkpoint's model.

Every stage picks up where it stopped: what is finished is not touched.
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
ASKED_AT_ONCE = 16
"""Cells whose progress is asked for at once: an object store takes its time."""


def build(study: Study, only: Selection, stages: tuple[str, ...] = STAGES) -> Store:
    """Build the selected cells through the given stages; gives the store.

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
    """Make the store of a study whose layers are listed, and its corpus."""
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
    """All stages of one checkpoint's cells; its model is let go when they are done."""
    lm = _run_models(store, cells, stages)
    if "export" not in stages:
        return context
    store.check_leases()
    context = context or _share(store)
    if done := [cell for cell in cells if store.progress(cell).codes]:
        export_cells(context, done)
        record_results(store, done, lm)
    return context


def search(study: Study) -> Store:
    """Run the learning-rate search for every size; gives the store."""
    store = prepare(with_layers(study))
    for model in store.study.models:
        _search(store, model)
    return store


def intervene(study: Study) -> tuple[Store, Cell]:
    """Run the intervention on built cells; gives the cell that has its tables.

    What is to be translated is checked before any loss is measured.
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
    """Read what is to be translated. Raises StudyError, CorpusError."""
    job = translation.make_job(store, plan.mid, plan.full.step, plan.identity)
    translation.check_prompts(job, plan.shapes)
    return job


def _translate(store: Store, plan: Plan, job: translation.TranslationJob) -> None:
    """Translate with features added, where that is not done; both models are loaded."""
    chosen = {
        translation.TranslationSetting(*one, plan.section.b_pre): one
        for one in translation_settings(plan)
    }
    with store.lease(plan.mid.checkpoint, wait=True), at(plan.mid):
        if translation.is_translated(job, chosen):
            return
        mid, full = open_cell_model(store, plan.mid), open_cell_model(store, plan.full)
        held = translating_bytes(store.study, full.shape, full.n_params)
        note(f"{held / 1e9:.1f} GB for both models and the autoencoder, to translate")
        sae = from_numpy(store.weights(plan.full), store.study.sae, full.device)
        add = steering_functions(plan, sae, list(chosen.values()))
        by_setting = {named: add[one] for named, one in chosen.items()}
        translation.translate(job, mid, full, by_setting)


def _share(store: Store) -> ExportContext:
    """What the export of every cell needs, its tables written."""
    with store.lease(SHARED, wait=True):
        context = prepare_export(store)
        export_study_tables(context)
    return context


def checkpoint_status(store: Store) -> tuple[Rows, int]:
    """For each checkpoint how many layers are how far, and the cells not finished."""
    rows, unfinished = [], 0
    groups = list(checkpoints(store.cells))
    exported = set(exported_cells(store))
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        found = iter(list(pool.map(store.progress, store.cells)))
        holders = pool.map(store.holder, (cells[0].checkpoint for cells in groups))
        for cells, by in zip(groups, holders, strict=True):
            progress = list(islice(found, len(cells)))
            trained = sum(done.sae for done in progress)
            encoded = sum(done.codes for done in progress)
            finished = len(exported.intersection(cells))
            unfinished += len(cells) - finished
            size, step, _ = cells[0]
            told = (len(cells), trained, encoded, finished, by and str(by))
            rows.append((size, step, *told))
    names = ["size", "step", "layers", "trained", "encoded", "exported", "built by"]
    return Rows(names, rows), unfinished


def _with_rates(store: Store, sizes: set[str]) -> Study:
    """The study with the searched rate of each size that has none of its own."""
    for model in store.study.models:
        if model.size in sizes and model.lr is None:
            _search(store, model)
    found = learning_rates(store)
    best = {row[0]: row[found.names.index("lr")] for row in found.values}
    models = tuple(
        model.model_copy(update={"lr": model.lr or best.get(model.size)})
        for model in store.study.models
    )
    return store.study.model_copy(update={"models": models})


def _search(store: Store, model: Model) -> None:
    """Search one size's rate; its model is loaded only if needed."""
    cell = model.middle_cell
    with at(cell), store.lease(cell.checkpoint, wait=True):
        if not is_searched(store, cell):
            search_rates(store, open_model(store, cell.size, cell.step), cell)


def _run_models(
    store: Store, cells: list[Cell], stages: tuple[str, ...]
) -> LanguageModel | None:
    """Train and encode one checkpoint's cells; gives its model, if it was needed."""
    progress = [store.progress(cell) for cell in cells]
    to_train = "train" in stages and not all(done.sae for done in progress)
    to_encode = "encode" in stages and not all(done.codes for done in progress)
    if not (to_train or to_encode):
        return None
    lm = open_model(store, cells[0].size, cells[0].step)
    if to_train:
        train_checkpoint(store, lm, cells)
    if to_encode:
        encode_checkpoint(store, lm, cells)
    return lm
