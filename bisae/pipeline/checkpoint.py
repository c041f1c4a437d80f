"""The unit of work: one checkpoint of a study, all its layers, one pass over its model.

Every engine calls `build_checkpoint`, in this process or in another. Reads a prepared
study; writes the checkpoint's cells, or its failure.
"""

import traceback
from dataclasses import replace
from math import inf
from pathlib import Path

from bisae.checks.recorded import record_results
from bisae.encode.cells import encode_checkpoint
from bisae.encode.pairs import encode_pairs, has_stale_pairs
from bisae.encode.token_states import missing_states
from bisae.errors import (
    BisaeError,
    Damaged,
    Interrupted,
    MachineError,
    StoreError,
    Unfinished,
    one_line,
    with_location,
)
from bisae.grid import Cell, Checkpoint, Selection, at
from bisae.interop import import_checkpoint
from bisae.interrupts import is_ending
from bisae.lm import LanguageModel
from bisae.lm.hub import fetch_ahead, release
from bisae.lm.opening import open_model
from bisae.pipeline.prepare import Build, prepare_build
from bisae.query import exported_cells
from bisae.store import (
    CheckpointFailure,
    forget_failure,
    read_failure,
    record_failure,
    vector_files,
)
from bisae.study import load_study
from bisae.tables import (
    export_antipodes,
    export_cells,
    export_coherence,
    export_pairs,
)
from bisae.train import check_starts, train_checkpoint

NOT_ITS_OWN = (Interrupted, MachineError, StoreError, Unfinished)
"""Errors that other checkpoints would meet as well, or that time will mend."""


def build_checkpoint(
    build: Build,
    checkpoint: Checkpoint,
    most_attempts: float = inf,
    following: Checkpoint | None = None,
) -> CheckpointFailure | None:
    """Build one checkpoint; record and return its failure if it fails by itself.

    Meanwhile the `following` one is downloaded. One that failed `most_attempts` times
    is not tried again. Raises LeaseHeld while another process builds it, Unfinished if
    it must wait for another checkpoint, and MachineError or StoreError for what is no
    fault of the checkpoint.
    """
    store = build.store
    try:
        with at(checkpoint), store.lease(checkpoint) as staging:
            if died := staging.lease.died:
                reason = f"{died} ended without an error: killed, or out of memory"
                record_failure(store, checkpoint, reason, died.host)
            failure = read_failure(store, checkpoint)
            if failure and failure.attempts >= most_attempts:
                return failure
            try:
                _run_stages(build, build.cells_of(checkpoint), following)
            finally:
                release(store.study, checkpoint)
            forget_failure(store, checkpoint)
    except Exception as error:
        if not _is_its_own(error):
            raise
        return record_failure(store, checkpoint, _describe(error))
    return None


def open_build(
    path: Path,
    checkpoint: Checkpoint,
    layers: frozenset[int] = frozenset(),
    following: Checkpoint | None = None,
    *,
    trust_remote_code: bool = False,
) -> Build:
    """Prepare one checkpoint of a study file, in a process that has only the file.

    Without `layers`, all its layers. The cells of the `following` one are listed too.
    """
    study = load_study(path, trust_remote_code=trust_remote_code)
    only = Selection(frozenset({checkpoint.size}), frozenset({checkpoint.step}), layers)
    build = prepare_build(study, only)
    ahead = [cell for cell in build.store.cells if cell.checkpoint == following]
    return replace(build, cells=[*build.cells, *ahead])


def _is_its_own(error: Exception) -> bool:
    """Say if an error is the checkpoint's own, so that others may still be built."""
    if is_ending():  # whatever the signal led to
        return False
    return isinstance(error, Damaged) or not isinstance(error, NOT_ITS_OWN)


def _describe(error: Exception) -> str:
    """Return an error in one line; print the traceback of one that is unexpected."""
    if isinstance(error, BisaeError):
        return with_location(error)
    traceback.print_exception(error)
    return f"{type(error).__name__}: {one_line(error)}"


def _run_stages(build: Build, cells: list[Cell], following: Checkpoint | None) -> None:
    """Run all stages of one checkpoint's cells; its model is released afterwards."""
    store, stages = build.store, build.stages
    lm = _run_models(build, cells, following)
    if not {"export", "check"}.intersection(stages):
        return
    store.check_leases()
    encoded_cells = [cell for cell in cells if store.cell_status(cell).codes]
    if "export" in stages:
        export_cells(build.context, encoded_cells)
        export_coherence(build.context, encoded_cells)
        export_pairs(build.context, encoded_cells)
        export_antipodes(build.context, encoded_cells)
    if "check" in stages:
        record_results(store, exported_cells(store, encoded_cells), lm)


def _run_models(
    build: Build, cells: list[Cell], following: Checkpoint | None
) -> LanguageModel | None:
    """Train or import, and encode, one checkpoint's cells.

    Returns its model if it was needed.
    """
    store, stages = build.store, build.stages
    progress = [store.cell_status(cell) for cell in cells]
    to_train = "train" in stages and not all(parts.sae for parts in progress)
    to_encode = "encode" in stages and (
        not all(parts.codes for parts in progress)
        or bool(missing_states(store, cells))
        or has_stale_pairs(store, cells)
    )
    if not (to_train or to_encode):
        return None
    if to_train:
        check_starts(store, cells)
    lm = open_model(store, cells[0].checkpoint)
    if following and _is_worth_fetching(build, following):
        fetch_ahead(store.study, following)
    if to_train:
        imports = store.study.model(cells[0].size).sae is not None
        (import_checkpoint if imports else train_checkpoint)(store, lm, cells)
    if to_encode:
        # Pairs first: then a cell with codes has them, even if the process is killed.
        encode_pairs(store, lm, cells)
        encode_checkpoint(store, lm, cells)
    return lm


def _is_worth_fetching(build: Build, following: Checkpoint) -> bool:
    """Say if a checkpoint will be loaded next, so that no third one is in the cache.

    Until the embeddings are stored, theirs may be the second one.
    """
    store = build.store
    if not (
        store.study.lm.keep_checkpoints or vector_files(store)["embeddings"].exists()
    ):
        return False
    statuses = map(store.cell_status, build.cells_of(following))
    return not store.holder(following) and not all(parts.codes for parts in statuses)
