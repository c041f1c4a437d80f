"""The tables `translations` and `translation_scores` of the mid-training model's cell.

Reads what a job has kept, and scores it. Both are there, empty, where a study asks for
no translation: what joins them can be asked all the same.
"""

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa

from bisae.grid import Cell
from bisae.intervene.translation.job import Job, Setting
from bisae.intervene.translation.pairs import Direction
from bisae.intervene.translation.scores import Scorer, Translated
from bisae.query import database, stale_tables, write_tables
from bisae.store import Provenance, Store, table_file

SETTING = [
    ("full_step", pa.int64()),
    ("control", pa.string()),
    ("added", pa.string()),
    ("alpha", pa.float64()),
    ("m", pa.int64()),
    ("draw", pa.int32()),
    ("scale_back", pa.bool_()),
    ("b_pre", pa.bool_()),
    ("source_language", pa.string()),
    ("target_language", pa.string()),
]
COLUMNS = {
    "translations": [
        ("pair", pa.int64()),
        ("source", pa.string()),
        ("reference", pa.string()),
        ("translation", pa.string()),
    ],
    "translation_scores": [
        ("metric", pa.string()),
        ("score", pa.float64()),
        ("n_pairs", pa.int64()),
        ("signature", pa.string()),
    ],
}
Row = dict[str, Any]


def is_translated(job: Job, settings: Collection[Setting]) -> bool:
    """Whether both tables are current, of these settings: no model need be opened."""
    provenances = dict.fromkeys(COLUMNS, job.provenance(settings))
    return not stale_tables(job.store, provenances, job.mid)


def write_translations(job: Job, settings: Collection[Setting], scorer: Scorer) -> None:
    """Write both tables, of settings all of which are translated."""
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for setting in settings:
        for way in job.tasks:
            named = _named(job, setting, way)
            found = list(_translated(job, setting, way))
            rows["translations"] += [
                named | {"pair": number} | row._asdict()
                for number, row in enumerate(found)
            ]
            rows["translation_scores"] += [
                named | score._asdict() for score in scorer.scores(found, way.target)
            ]
    _write(job.store, job.mid, rows, job.provenance(settings))


def write_none(store: Store, mid: Cell) -> None:
    """Write both tables without rows, unless there are some."""
    if not all(table_file(store, name, mid).exists() for name in COLUMNS):
        _write(store, mid, {name: [] for name in COLUMNS}, {})


def _write(
    store: Store, mid: Cell, rows: dict[str, list[Row]], provenance: Provenance
) -> None:
    with closing(database(store.tables)) as con:
        for name, columns in COLUMNS.items():
            schema = pa.schema(SETTING + columns)
            con.register(name, pa.Table.from_pylist(rows[name], schema))
        write_tables(con, store, dict.fromkeys(COLUMNS, provenance), mid)


def _named(job: Job, setting: Setting, way: Direction) -> Row:
    named = {"source_language": way.source, "target_language": way.target}
    return {"full_step": job.full_step} | setting._asdict() | named


def _translated(job: Job, setting: Setting, way: Direction) -> Iterator[Translated]:
    texts = job.kept(setting, way) or []
    for task, text in zip(job.tasks[way], texts, strict=True):
        yield Translated(*task.pair, text)
