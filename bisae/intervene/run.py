"""The intervention of a study: what it needs, the passes, and its tables.

Reads the cell of the full model, both models and the held-out text; writes
`intervention_losses`, `interventions` and `intervention_intervals` of the mid model's
cell. What is measured is kept in the study's `work_dir`, so a run goes on where it
stopped.
"""

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from bisae.errors import CheckpointError, StudyError, Unfinished
from bisae.files import place
from bisae.grid import Cell, at
from bisae.hidden import LanguageModel, read_config
from bisae.intervene.additions import (
    NONE,
    RANDOM_DIRECTIONS,
    RANDOM_FEATURES,
    RECONSTRUCTION,
    Addition,
    Feature,
    additions,
)
from bisae.intervene.batches import Encodings, Heldout, encodings
from bisae.intervene.equation import Add, adding, masks
from bisae.intervene.factors import factors
from bisae.intervene.measure import (
    NOTHING,
    Prepared,
    Setting,
    measure,
    missing,
    settings,
)
from bisae.models import open_model
from bisae.progress import note
from bisae.query import (
    Connection,
    Made,
    closure,
    connect,
    create_views,
    database,
    digest,
    exported_cells,
    footer,
    is_current,
    made_by,
    parquet_view,
    read_views,
    table_file,
    write_table,
)
from bisae.sae import Autoencoder, from_numpy
from bisae.store import Store
from bisae.study import Intervention

CONTROLS = {NONE, RECONSTRUCTION, RANDOM_FEATURES, RANDOM_DIRECTIONS}
COMPUTED_ONCE = frozenset({"intervention_losses", "drawn_documents"})
TABLES = ("intervention_losses", "interventions", "intervention_intervals")
REPLICATES = 200
"""Of the paired bootstrap over documents."""


class Plan(NamedTuple):
    """What is measured, from what."""

    asked: Intervention
    mid: Cell
    full: Cell
    additions: list[Addition]
    settings: list[Setting]
    identity: dict[str, Any]
    """All that losses hang on, but which settings there are."""

    @property
    def classes(self) -> set[str]:
        """The classes whose features are added."""
        return {one.added for one in self.additions} - CONTROLS


def intervene(store: Store) -> Cell:
    """Measure every setting of [intervention]; gives the cell that has the tables.

    Raises StudyError, Unfinished or CheckpointError where the study cannot be run.
    """
    plan = make_plan(store)
    made = plan.identity | {"settings": plan.settings, "replicates": REPLICATES}
    with store.lease(plan.mid.checkpoint, wait=True), at(plan.mid):
        if not all(_is_current(store, plan.mid, name, made) for name in TABLES):
            folder = _measure(store, plan)
            _write(store, plan, folder, made)
    return plan.mid


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
            msg = f"{store.place}: cell {cell} is not finished; `bisae build` first"
            raise Unfinished(msg)
    found = additions(
        _features(store, full), asked, store.languages, store.study.sae.n_features
    )
    _check_models(store, mid, full)
    identity = _identity(store, asked, mid, full)
    return Plan(asked, mid, full, found, settings(found, asked.alpha), identity)


def _features(store: Store, cell: Cell) -> list[Feature]:
    query = (
        "select feature, language, n_firings from features "
        "where (size, step, layer) = (?, ?, ?) order by feature"
    )
    with closing(connect(store, query=query.replace("?", "null"))) as con:
        return [Feature(*row) for row in con.execute(query, list(cell)).fetchall()]


def _check_models(store: Store, mid: Cell, full: Cell) -> None:
    """Refuse models whose states or tokens are not the same. Raises CheckpointError."""
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


def _identity(
    store: Store, asked: Intervention, mid: Cell, full: Cell
) -> dict[str, Any]:
    """All that losses hang on, but which settings there are."""
    kept = asked.model_dump(include={"classes", "seed", "b_pre", "documents"})
    return kept | {
        "mid": str(mid),
        "full": str(full),
        "batch_documents": _batch_documents(store, asked),
        "mid_lm": store.attributes(mid, "sae")["lm_fingerprint"],
        "full_lm": store.attributes(full, "sae")["lm_fingerprint"],
        "sae": store.attributes(full, "sae")["fingerprint"],
        "features": digest(footer(table_file(store, "features", full))),
    }


def _batch_documents(store: Store, asked: Intervention) -> int:
    return asked.batch_documents or store.study.lm.batch_documents


def chosen_settings(plan: Plan) -> list[Setting]:
    """What translates: each class at the first alpha and the least m, and without."""
    least = min(
        (one.m for one in plan.settings if one.added in plan.classes), default=0
    )
    wanted = (plan.asked.alpha[0], plan.asked.scale_back)
    return [NOTHING] + [
        one
        for one in plan.settings
        if one.control == "m"
        and (one.alpha, one.scale_back) == wanted
        and (one.added == NONE or (one.added in plan.classes and one.m == least))
    ]


def adds(
    plan: Plan, sae: Autoencoder, wanted: Sequence[Setting]
) -> dict[Setting, Add | None]:
    """What each setting adds; None for the baseline."""
    bias = sae.b_pre if plan.asked.b_pre else None
    of = {
        (one.added, one.m, one.draw): mask
        for one, mask in zip(
            plan.additions, masks(plan.additions, sae, plan.asked.seed), strict=True
        )
        if one.control == "m"
    }
    return {
        one: None
        if one == NOTHING
        else adding(
            sae,
            of[one.added, one.m, one.draw],
            one.alpha,
            bias,
            scale_back=one.scale_back,
        )
        for one in wanted
    }


# -- measuring ------------------------------------------------------------------------


def _measure(store: Store, plan: Plan) -> Path:
    """Measure what is not measured yet; gives the folder of all of it.

    One model is in memory at a time.
    """
    named = digest(json.dumps(plan.identity, sort_keys=True))[:16]
    folder = Path(store.study.work_dir) / "intervene" / named
    folder.mkdir(parents=True, exist_ok=True)
    asked = plan.asked
    text = Heldout(store, _batch_documents(store, asked), asked.documents)
    numbers = [number for number, batch in enumerate(text) if batch.document]
    if not any(missing(folder, number, plan.settings) for number in numbers):
        return folder
    full = open_built(store, plan.full)
    sae = from_numpy(store.weights(plan.full), store.study.sae, full.device)
    _say(plan, text, full, sae)
    with encodings(full, sae, plan.full, text, folder) as codes:
        del full
        mid = open_built(store, plan.mid)
        prepared = _prepared(plan, sae, codes)
        bias = sae.b_pre if asked.b_pre else None
        measure(mid, asked.layer, text, codes, prepared, bias, plan.settings, folder)
    return folder


def open_built(store: Store, cell: Cell) -> LanguageModel:
    """A model, the one that its cell was built from."""
    lm = open_model(store, cell.size, cell.step)
    if lm.fingerprint() != store.attributes(cell, "sae")["lm_fingerprint"]:
        msg = f"the checkpoint of {cell.checkpoint} is not the one that {cell} was "
        msg += "built from, or [lm] dtype is another; set it back, or build again"
        raise CheckpointError(msg)
    return lm


def _say(plan: Plan, text: Heldout, full: LanguageModel, sae: Autoencoder) -> None:
    """What is about to be done, and what memory it takes."""
    held = full.nbytes + sum(one.nbytes for one in sae.parameters().values())
    note(
        f"{len(plan.settings):,} settings on {text.n_tokens:,} held-out tokens; "
        f"{held / 1e9:.1f} GB for one model at a time and the autoencoder"
    )


def _prepared(plan: Plan, sae: Autoencoder, codes: Encodings) -> list[Prepared]:
    """Masks of all additions, and the factors that make mean norms the same."""
    found = masks(plan.additions, sae, plan.asked.seed)
    by = factors(plan.additions, found, codes, plan.classes)
    return [Prepared(*one) for one in zip(plan.additions, found, by, strict=True)]


# -- tables ---------------------------------------------------------------------------


def _is_current(store: Store, cell: Cell, name: str, made: Made) -> bool:
    return is_current(table_file(store, name, cell), _made(name, made))


def _made(name: str, made: Made) -> Made:
    return {**made, **made_by(read_views("bootstrap", "intervention"), name, {})}


def _write(store: Store, plan: Plan, folder: Path, made: Made) -> None:
    """Write the three tables from all batches' losses."""
    views = {
        view.name: view
        for name in TABLES
        for view in closure(read_views("bootstrap", "intervention"), name)
    }
    with closing(database()) as con:
        base = _open_measured(con, plan, folder)
        create_views(con, views, base, COMPUTED_ONCE)
        for name in TABLES:
            file = table_file(store, name, plan.mid)
            write_table(con, name, file, _made(name, made), plan.mid)


def _open_measured(con: Connection, plan: Plan, folder: Path) -> set[str]:
    """The tables that sql/intervention reads."""
    parquet_view(
        con, "measured", [place(file) for file in sorted(folder.glob("*.parquet"))]
    )
    wanted = pa.Table.from_pylist([one._asdict() for one in plan.settings])
    con.register("wanted", wanted)
    con.execute("create table documents as select distinct document from measured")
    con.execute(
        f"create table draws as select {plan.asked.seed}::bigint as seed, "
        f"range::integer as replicate from range({REPLICATES})"
    )
    con.execute(
        f"create table models as select {plan.full.step}::bigint as full_step, "
        f"{plan.asked.b_pre} as b_pre"
    )
    return {"measured", "wanted", "documents", "draws", "models"}
