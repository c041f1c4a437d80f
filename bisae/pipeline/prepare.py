"""Prepare the store, the corpus and the learning rates, which all checkpoints need.

Reads a study; writes the corpus, and the table `lr_search` if rates are searched.
"""

from dataclasses import dataclass
from functools import cached_property

from bisae.corpus import build_corpus, with_stored_numbers
from bisae.grid import Cell, Checkpoint, Selection, at
from bisae.lm.configurations import with_layers
from bisae.lm.hub import release
from bisae.lm.opening import open_model
from bisae.pipeline.devices import note_slow_bfloat16
from bisae.store import SHARED, Store, create_store
from bisae.study import Model, Study
from bisae.tables import ExportContext, export_study_tables, prepare_export
from bisae.train import is_searched, learning_rates, search_rates

STAGES = ("train", "encode", "export", "check")


@dataclass(frozen=True)
class Build:
    """The cells of a prepared study, and the stages that they go through."""

    store: Store
    cells: list[Cell]
    stages: tuple[str, ...] = STAGES

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """The checkpoints of the cells, in grid order."""
        return list(dict.fromkeys(cell.checkpoint for cell in self.cells))

    def cells_of(self, checkpoint: Checkpoint) -> list[Cell]:
        """Return the cells of one checkpoint."""
        return [cell for cell in self.cells if cell.checkpoint == checkpoint]

    @cached_property
    def context(self) -> ExportContext:
        """The context of the export; the tables of the study are written first."""
        with self.store.lease(SHARED, wait=True):
            context = prepare_export(self.store)
            export_study_tables(context)
        return context


def prepare_build(
    study: Study, only: Selection, stages: tuple[str, ...] = STAGES
) -> Build:
    """Prepare the selected cells of a study for the given stages.

    Raises AddressError for a selection outside the grid before any work.
    """
    study = with_layers(study, only)
    cells = only.of(study.cells)
    store = prepare(study)
    if "train" in stages and study.sae.lr == "search":
        models = [study.model(cell.size) for cell in cells]
        sizes = {model.control_of or model.size for model in models}
        store.study = _with_rates(store, sizes)
    return Build(store, cells, stages)


def prepare(study: Study) -> Store:
    """Create the store of a study whose layers are listed, and build its corpus."""
    note_slow_bfloat16(study)
    store = create_store(study)
    with store.lease(SHARED, wait=True):
        build_corpus(store)
    store.study = with_stored_numbers(store)
    return store


def search(study: Study) -> Store:
    """Run the learning-rate search for every size; return the store."""
    store = prepare(with_layers(study))
    for model in store.study.models:
        if model.sae is None:
            _search(store, model)
    return store


def _with_rates(store: Store, sizes: set[str]) -> Study:
    """Return the study with searched learning rates for sizes that have none."""
    for model in store.study.models:
        if model.size in sizes and model.lr is None and model.sae is None:
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
            release(store.study, cell.checkpoint)
