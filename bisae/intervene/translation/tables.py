"""The tables `translations` and `translation_scores` of the mid-training model's cell.

Reads and scores the translations that a job has saved. If a study has no translation,
both tables are written empty, so that views that join them still work.
"""

from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any

import pyarrow as pa

from bisae.grid import Cell
from bisae.intervene.translation.job import TranslationJob, TranslationSetting
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


def is_translated(
    job: TranslationJob, settings: Collection[TranslationSetting]
) -> bool:
    """Return true if both tables are current: no model needs to be opened."""
    provenances = dict.fromkeys(COLUMNS, job.provenance(settings))
    return not stale_tables(job.store, provenances, job.mid)


def write_translations(
    job: TranslationJob, settings: Collection[TranslationSetting], scorer: Scorer
) -> None:
    """Write both tables; every setting must be translated already."""
    rows: dict[str, list[Row]] = {name: [] for name in COLUMNS}
    for setting in settings:
        for direction in job.tasks:
            address = _address(job, setting, direction)
            translated = list(_translated(job, setting, direction))
            rows["translations"] += [
                address | {"pair": number} | row._asdict()
                for number, row in enumerate(translated)
            ]
            rows["translation_scores"] += [
                address | score._asdict()
                for score in scorer.scores(translated, direction.target)
            ]
    _write(job.store, job.mid, rows, job.provenance(settings))


def write_empty_tables(store: Store, mid: Cell) -> None:
    """Write both tables without rows, unless they exist."""
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


def _address(
    job: TranslationJob, setting: TranslationSetting, direction: Direction
) -> Row:
    languages = {
        "source_language": direction.source,
        "target_language": direction.target,
    }
    return {"full_step": job.full_step} | setting._asdict() | languages


def _translated(
    job: TranslationJob, setting: TranslationSetting, direction: Direction
) -> Iterator[Translated]:
    texts = job.load(setting, direction) or []
    for task, text in zip(job.tasks[direction], texts, strict=True):
        yield Translated(*task.pair, text)
