"""Run the stages in order over the grid, one pass over each checkpoint's model.

Every stage resumes where it stopped and leaves finished cells untouched.
"""

from pathlib import Path

from bisae.checks.recorded import record_results
from bisae.corpus import build_corpus, with_stored_numbers
from bisae.encode.cells import encode_checkpoint
from bisae.encode.pairs import encode_pairs, has_stale_pairs
from bisae.encode.token_states import missing_states
from bisae.errors import LeaseHeld
from bisae.grid import Cell, Checkpoint, Selection, at, checkpoints
from bisae.lm import LanguageModel
from bisae.lm.configurations import with_layers
from bisae.lm.opening import open_model
from bisae.pipeline.devices import note_slow_bfloat16
from bisae.progress import note
from bisae.query import exported_cells
from bisae.store import SHARED, Store, create_store
from bisae.study import Model, Study, load_study
from bisae.tables import (
    ExportContext,
    export_cells,
    export_coherence,
    export_pairs,
    export_study_tables,
    has_new_vectors,
    prepare_export,
)
from bisae.train import is_searched, learning_rates, search_rates, train_checkpoint

STAGES = ("train", "encode", "export", "check")


def build(study: Study, only: Selection, stages: tuple[str, ...] = STAGES) -> Store:
    """Build the selected cells through the given stages; return the store.

    A checkpoint that another process is building is skipped.
    """
    study = with_layers(study, only)
    cells = only.of(study.cells)  # an error before any work
    store = prepare(study)
    if "train" in stages and study.sae.lr == "search":
        store.study = _with_rates(store, {cell.size for cell in cells})
    context = _build_checkpoints(store, cells, stages)
    if context and has_new_vectors(context):
        # The hidden states of tokens were averaged after other cells were exported.
        _build_checkpoints(store, cells, ("export",))
    return store


def _build_checkpoints(
    store: Store, cells: list[Cell], stages: tuple[str, ...]
) -> ExportContext | None:
    """Run stages of one checkpoint after another; return the context of the export."""
    context: ExportContext | None = None
    for group in checkpoints(cells):
        checkpoint = group[0].checkpoint
        try:
            with at(checkpoint), store.lease(checkpoint):
                context = _build_checkpoint(store, group, stages, context)
        except LeaseHeld as error:
            note(f"{error}; skipping it")
    return context


def prepare(study: Study) -> Store:
    """Create the store of a study whose layers are listed, and build its corpus."""
    note_slow_bfloat16(study)
    store = create_store(study)
    with store.lease(SHARED, wait=True):
        build_corpus(store)
    store.study = with_stored_numbers(store)
    return store


def build_checkpoint(
    path: Path, checkpoint: Checkpoint, *, trust_remote_code: bool = False
) -> None:
    """Build one checkpoint of a study file, all its layers: the unit of work.

    It can be called in another process, or on another machine that has the file.
    """
    only = Selection(frozenset({checkpoint.size}), frozenset({checkpoint.step}))
    build(load_study(path, trust_remote_code=trust_remote_code), only)


def _build_checkpoint(
    store: Store,
    cells: list[Cell],
    stages: tuple[str, ...],
    context: ExportContext | None,
) -> ExportContext | None:
    """Run all stages of one checkpoint's cells; its model is released afterwards."""
    lm = _run_models(store, cells, stages)
    if not {"export", "check"}.intersection(stages):
        return context
    store.check_leases()
    encoded_cells = [cell for cell in cells if store.cell_status(cell).codes]
    if "export" in stages:
        context = context or _prepare_export(store)
        export_cells(context, encoded_cells)
        export_coherence(context, encoded_cells)
        export_pairs(context, encoded_cells)
    if "check" in stages:
        record_results(store, exported_cells(store, encoded_cells), lm)
    return context


def search(study: Study) -> Store:
    """Run the learning-rate search for every size; return the store."""
    store = prepare(with_layers(study))
    for model in store.study.models:
        _search(store, model)
    return store


def _prepare_export(store: Store) -> ExportContext:
    """Prepare the export of all cells and write the tables of the study."""
    with store.lease(SHARED, wait=True):
        context = prepare_export(store)
        export_study_tables(context)
    return context


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
            search_rates(store, open_model(store, cell.checkpoint), cell)


def _run_models(
    store: Store, cells: list[Cell], stages: tuple[str, ...]
) -> LanguageModel | None:
    """Train and encode one checkpoint's cells; return its model if it was needed."""
    progress = [store.cell_status(cell) for cell in cells]
    to_train = "train" in stages and not all(parts.sae for parts in progress)
    to_encode = "encode" in stages and (
        not all(parts.codes for parts in progress)
        or bool(missing_states(store, cells))
        or has_stale_pairs(store, cells)
    )
    if not (to_train or to_encode):
        return None
    lm = open_model(store, cells[0].checkpoint)
    if to_train:
        train_checkpoint(store, lm, cells)
    if to_encode:
        # Pairs first: then a cell with codes has them, even if the process is killed.
        encode_pairs(store, lm, cells)
        encode_checkpoint(store, lm, cells)
    return lm
