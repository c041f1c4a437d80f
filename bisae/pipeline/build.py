"""Build the selected cells of a study: prepare it, then let an engine do the rest.

Every stage resumes where it stopped and leaves finished cells untouched.
"""

from collections.abc import Callable

from bisae.errors import CheckpointsFailed
from bisae.grid import Selection
from bisae.pipeline.local import Failures, build_in_turn
from bisae.pipeline.prepare import STAGES, Build, prepare_build
from bisae.store import Store
from bisae.study import Study

Engine = Callable[[Build], Failures]
"""Builds every checkpoint, and returns those that failed."""


def build(
    study: Study,
    only: Selection,
    stages: tuple[str, ...] = STAGES,
    engine: Engine = build_in_turn,
) -> Store:
    """Build the selected cells through the given stages; return the store.

    A checkpoint that fails does not keep the others from being built. Raises
    CheckpointsFailed at the end.
    """
    prepared = prepare_build(study, only, stages)
    failures = engine(prepared)
    store = prepared.store
    if "export" in stages and store.study.states_cell():
        # The hidden states of tokens may be averaged after other cells were exported.
        failures |= build_in_turn(Build(store, prepared.cells, ("export",)))
    if failures:
        reasons = {str(checkpoint): reason for checkpoint, reason in failures.items()}
        raise CheckpointsFailed(reasons, len(prepared.checkpoints), str(store.path))
    return store
