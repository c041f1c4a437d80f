"""The learning-rate search of appendix A.1: one cell per size at every rate.

Reads the `train` and `valid` splits and the language model; writes the table
`lr_search`. All rates are trained from the same hidden states, in one pass where the
memory allows.
"""

import math
from contextlib import closing

import pyarrow as pa
import torch

from bisae.files import listing
from bisae.formats import Rows
from bisae.grid import Cell
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import StateBlocks
from bisae.progress import track
from bisae.query import database, open_tables, read_views, rows_of, write_tables
from bisae.sae import Autoencoder, seeded, start
from bisae.store import Lease, Provenance, Store, is_current, table_file
from bisae.train.checkpoint import divide, identity, state_folder
from bisae.train.job import TrainingJob
from bisae.train.resume import TrainingState
from bisae.train.run import train_jobs

SEARCH_TABLE = "lr_search"


def search_rates(store: Store, lm: LanguageModel, cell: Cell) -> None:
    """Train one cell at every rate of `lr_grid` and write each one's validation mse.

    A rate that diverges has an infinite mse. Raises what `train_checkpoint` raises.
    """
    settings = seeded(store.study.sae, cell)
    jobs = [
        TrainingJob(cell, lr, lambda x: start(x, settings)) for lr in settings.lr_grid
    ]
    with store.lease(cell.checkpoint) as staging:
        _write(store, cell, _search(store, lm, jobs, staging.lease))


def _search(
    store: Store, lm: LanguageModel, jobs: list[TrainingJob], lease: Lease
) -> list[tuple[float, float]]:
    """Train every job; return each one's rate and validation mse."""
    run_identity, cell = identity(store, lm, lm.fingerprint()), jobs[0].cell
    errors: list[tuple[float, float]] = []
    for number, group in enumerate(divide(store, lm, jobs, layers=False)):
        folder = state_folder(store, group) / f"lr-search-{number}"
        training_state = TrainingState(folder, run_identity, lease)
        source = StateBlocks(store, store.split("train"), lm, [cell])
        title = f"lr-search {cell}"
        train_jobs(
            store.study,
            source,
            group,
            training_state,
            lm.device,
            title,
            drop_failed=True,
        )
        errors += zip((job.lr for job in group), _errors(store, lm, group), strict=True)
        training_state.remove()
    return errors


def is_searched(store: Store, cell: Cell) -> bool:
    """Say if a cell's table exists and was made under the study's settings."""
    return is_current(table_file(store, SEARCH_TABLE, cell), _provenance(store))


def _provenance(store: Store) -> Provenance:
    """Return the provenance of a search's table: settings and text."""
    corpus = store.corpus_attributes()["fingerprint"]
    return {"sae": store.study.sae.model_dump(mode="json"), "corpus": corpus}


def learning_rates(store: Store) -> Rows:
    """Return the best rate of each searched size: the view of that name."""
    con = database(store.tables)
    try:
        cells = [model.middle_cell for model in store.study.models]
        views = read_views("grid")
        exists = listing(store.tables)
        opened = open_tables(con, store, {SEARCH_TABLE: cells}, views, exists)
        if "learning_rates" not in opened:
            return Rows(["size", "lr"], [])
        return rows_of(con, "from learning_rates")
    finally:
        con.close()


def _errors(store: Store, lm: LanguageModel, jobs: list[TrainingJob]) -> list[float]:
    """Return the mse (equation 3) of every job's stored codes on validation tokens."""
    cell = jobs[0].cell
    source = StateBlocks(store, store.split("valid"), lm, [cell])
    sums, tokens = [0.0] * len(jobs), 0
    for number in track(range(len(source)), len(source), "validate", "blocks"):
        x = unit_states(source[number].layers[cell.layer])
        tokens += len(x)
        for index, job in enumerate(jobs):
            sums[index] += math.inf if job.failed else _squared_error(job.sae, x)
    return [total / tokens for total in sums]


def _squared_error(sae: Autoencoder, x: torch.Tensor) -> float:
    return float((sae.reconstruct(x).recon - x).double().square().sum())


def _write(store: Store, cell: Cell, errors: list[tuple[float, float]]) -> None:
    """Write the table of a cell from each learning rate and its error."""
    rows = pa.table(
        {
            "lr": pa.array([lr for lr, _ in errors], pa.float64()),
            "mse": pa.array([mse for _, mse in errors], pa.float64()),
        }
    )
    with closing(database()) as con:
        con.register(SEARCH_TABLE, rows)
        write_tables(con, store, {SEARCH_TABLE: _provenance(store)}, cell)
