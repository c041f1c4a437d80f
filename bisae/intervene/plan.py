"""What an intervention measures, checked against the store.

Reads the features of the full model's cell, and both models' configurations.
"""

from contextlib import closing
from typing import Any, NamedTuple

from bisae.errors import CheckpointError, StudyError, Unfinished
from bisae.grid import Cell
from bisae.intervene.additions import (
    NONE,
    RANDOM_DIRECTIONS,
    RANDOM_FEATURES,
    RECONSTRUCTION,
    Addition,
    Feature,
    additions,
)
from bisae.intervene.measure import Setting, settings
from bisae.lm import ModelShape, read_config
from bisae.query import connect, exported_cells
from bisae.store import Store, needed
from bisae.study import Intervention

CONTROLS = {NONE, RECONSTRUCTION, RANDOM_FEATURES, RANDOM_DIRECTIONS}


class Plan(NamedTuple):
    """What is measured, from what."""

    asked: Intervention
    mid: Cell
    full: Cell
    additions: list[Addition]
    settings: list[Setting]
    shapes: list[ModelShape]
    """Of the mid-training model and of the full one."""
    identity: dict[str, Any]
    """All that losses hang on, but which settings there are."""

    @property
    def classes(self) -> set[str]:
        """The classes whose features are added."""
        return {one.added for one in self.additions} - CONTROLS


def make_plan(store: Store) -> Plan:
    """Check what is asked against the store. Raises StudyError, Unfinished."""
    asked = store.study.intervention
    if asked is None:
        msg = f"{store.study.name}: the study has no [intervention]; see docs/study.md"
        raise StudyError(msg)
    model = store.study.model(asked.size)
    full_step = model.steps[-1] if asked.full_step is None else asked.full_step
    mid, full = (
        Cell(asked.size, step, asked.layer) for step in (asked.mid_step, full_step)
    )
    finished = set(exported_cells(store))
    for cell in (full, mid):
        if cell not in finished:
            msg = f"{store.path}: cell {cell} is not finished; `bisae build` first"
            raise Unfinished(msg)
    found = additions(
        _features(store, full), asked, store.languages, store.study.sae.n_features
    )
    shapes = _check_models(store, mid, full)
    identity = _identity(store, asked, mid, full)
    measured = settings(found, asked.alpha)
    return Plan(asked, mid, full, found, measured, shapes, identity)


def _features(store: Store, cell: Cell) -> list[Feature]:
    query = (
        "select feature, language, n_firings from features "
        "where (size, step, layer) = (?, ?, ?) order by feature"
    )
    with closing(connect(store, query=query.replace("?", "null"))) as con:
        return [Feature(*row) for row in con.execute(query, list(cell)).fetchall()]


def _check_models(store: Store, mid: Cell, full: Cell) -> list[ModelShape]:
    """Read both shapes. Raises CheckpointError where states or tokens differ."""
    model, trust = store.study.model(mid.size), store.study.lm.trust_remote_code
    shapes = [
        read_config(*model.checkpoint_at(cell.step), trust_remote_code=trust)
        for cell in (mid, full)
    ]
    for name in ("d_model", "vocab_size"):
        one, other = (getattr(shape, name) for shape in shapes)
        if one != other:
            msg = f"{mid.checkpoint} has {name} {one}, {full.checkpoint} has {other}: "
            msg += "features of the one cannot be added to the other"
            raise CheckpointError(msg)
    one, other = (
        store.attributes(cell, "sae")["tokenizer_fingerprint"] for cell in (mid, full)
    )
    if one != other:
        msg = f"cells {mid} and {full} were built with different tokenizers; build one "
        msg += "of them again"
        raise CheckpointError(msg)
    return shapes


def _identity(
    store: Store, asked: Intervention, mid: Cell, full: Cell
) -> dict[str, Any]:
    """All that losses hang on, but which settings there are."""
    kept = asked.model_dump(include={"classes", "seed", "b_pre", "documents"})
    return kept | {
        "mid": str(mid),
        "full": str(full),
        "batch_documents": batch_documents(store, asked),
        "mid_lm": store.attributes(mid, "sae")["lm_fingerprint"],
        "full_lm": store.attributes(full, "sae")["lm_fingerprint"],
        "sae": store.attributes(full, "sae")["fingerprint"],
        **needed(store, "interventions", full),
    }


def batch_documents(store: Store, asked: Intervention) -> int:
    """How many documents are run at a time."""
    return asked.batch_documents or store.study.lm.batch_documents
