"""Plan an intervention and check it against the store.

Reads the features of the full model's cell, and both models' configurations.
"""

from contextlib import closing
from typing import Any, NamedTuple

from bisae.errors import CheckpointError, StudyError, Unfinished
from bisae.grid import Cell
from bisae.intervene.measure import SteeringSetting, all_settings
from bisae.intervene.steering import (
    NONE,
    RANDOM_DIRECTIONS,
    RANDOM_FEATURES,
    RECONSTRUCTION,
    Feature,
    SteeringVector,
    pool_sizes,
    steering_vectors,
)
from bisae.lm import ModelShape, read_config
from bisae.query import connect, exported_cells
from bisae.sae import Input
from bisae.store import Store, dependency_digests
from bisae.study import Intervention

CONTROLS = {NONE, RECONSTRUCTION, RANDOM_FEATURES, RANDOM_DIRECTIONS}


class Plan(NamedTuple):
    """The settings that an intervention measures, and what it measures them with."""

    section: Intervention
    mid: Cell
    full: Cell
    vectors: list[SteeringVector]
    settings: list[SteeringSetting]
    pools: dict[str, int]
    """Number of features that each addition is drawn from, by its name."""
    shapes: list[ModelShape]
    """Of the mid-training model and of the full one."""
    identity: dict[str, Any]
    """Everything that losses depend on, except the list of settings."""

    @property
    def classes(self) -> set[str]:
        """The classes whose features steer."""
        return {vector.added for vector in self.vectors} - CONTROLS


def make_plan(store: Store) -> Plan:
    """Plan the study's intervention. Raises StudyError, Unfinished, CheckpointError."""
    section = store.study.intervention
    if section is None:
        msg = f"{store.study.name}: the study has no [intervention]; "
        msg += "see docs/settings.md"
        raise StudyError(msg)
    model = store.study.model(section.size)
    full_step = model.steps[-1] if section.full_step is None else section.full_step
    mid, full = (
        Cell(section.size, step, section.layer)
        for step in (section.mid_step, full_step)
    )
    finished = set(exported_cells(store))
    for cell in (full, mid):
        if cell not in finished:
            msg = f"{store.path}: cell {cell} is not finished; `bisae build` first"
            raise Unfinished(msg)
    if Input.recorded(store.attributes(full, "sae")).kind != "l2":
        msg = f"[intervention] cannot use cell {full}: equation 7 needs an autoencoder "
        msg += "of hidden states' directions, and this one reads other inputs"
        raise StudyError(msg)
    features, n_features = _features(store, full), store.study.sae.n_features
    vectors = steering_vectors(features, section, store.languages, n_features)
    pools = pool_sizes(features, n_features)
    shapes = _check_models(store, mid, full)
    identity = _identity(store, section, mid, full)
    measured = all_settings(vectors, section.alpha)
    return Plan(section, mid, full, vectors, measured, pools, shapes, identity)


def _features(store: Store, cell: Cell) -> list[Feature]:
    query = (
        "select feature, language, n_firings from features "
        "where (size, step, layer) = (?, ?, ?) order by feature"
    )
    with closing(connect(store, query=query.replace("?", "null"))) as con:
        return [Feature(*row) for row in con.execute(query, list(cell)).fetchall()]


def _check_models(store: Store, mid: Cell, full: Cell) -> list[ModelShape]:
    """Read both shapes. Raises CheckpointError if their states or tokens differ."""
    model, trust = store.study.model(mid.size), store.study.lm.trust_remote_code
    shapes = [
        read_config(*model.checkpoint_at(cell.step), trust_remote_code=trust)
        for cell in (mid, full)
    ]
    for name in ("d_model", "vocab_size"):
        mid_value, full_value = (getattr(shape, name) for shape in shapes)
        if mid_value != full_value:
            msg = f"{mid.checkpoint} has {name} {mid_value}, {full.checkpoint} has "
            msg += f"{full_value}: features of the one cannot be added to the other"
            raise CheckpointError(msg)
    mid_value, full_value = (
        store.attributes(cell, "sae")["tokenizer_fingerprint"] for cell in (mid, full)
    )
    if mid_value != full_value:
        msg = f"cells {mid} and {full} were built with different tokenizers; build one "
        msg += "of them again"
        raise CheckpointError(msg)
    return shapes


def _identity(
    store: Store, section: Intervention, mid: Cell, full: Cell
) -> dict[str, Any]:
    """Collect everything that losses depend on, except the list of settings."""
    identity = section.model_dump(include={"classes", "seed", "b_pre", "documents"})
    return identity | {
        "mid": str(mid),
        "full": str(full),
        "batch_documents": batch_documents(store, section),
        "mid_lm": store.attributes(mid, "sae")["lm_fingerprint"],
        "full_lm": store.attributes(full, "sae")["lm_fingerprint"],
        "sae": store.attributes(full, "sae")["fingerprint"],
        **dependency_digests(store, "interventions", full),
    }


def batch_documents(store: Store, section: Intervention) -> int:
    """Return the number of documents run at a time."""
    return section.batch_documents or store.study.lm.batch_documents
