"""The promises over codes and weights: checked when a cell is built, and recorded.

Reads `sae/`, `codes/` and tables of cells, and their checkpoint where it is at hand;
writes the table `code_promises`, which says what became of each promise.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from bisae.grid import Cell, Selection, checkpoints
from bisae.hidden import LanguageModel
from bisae.models import is_at_hand, open_model
from bisae.progress import note, track
from bisae.query import (
    Made,
    database,
    digest,
    exported_cells,
    footer,
    is_current,
    read_views,
    table_file,
    write_table,
)
from bisae.reencode import encode_again
from bisae.store import Store
from bisae.validate import ROWS_SHOWN, Outcome, check_cell, code_files, validate

TABLE = "code_promises"
TABLES = ("features", "firings")
"""Those of a cell that promises over its codes are about too."""
SAME = ("promise", "why", "status", "observed", "expected", "n_bad")
"""Columns that are as in an outcome; `rows` is JSON."""
TYPES = dict.fromkeys(("suite", *SAME, "rows"), pa.string()) | {"n_bad": pa.int64()}
SCHEMA = pa.schema(list(TYPES.items()))
SEVERITY = ("pass", "fail", "error")
ENCODED_AGAIN = "encoded_again"
"""Whether a sample was encoded again, in what outcomes are made from."""


def record_outcomes(
    store: Store, cells: Sequence[Cell], lm: LanguageModel | None
) -> None:
    """Check the exported cells of one checkpoint, where outcomes are not recorded.

    `lm` is their language model, if it is loaded.
    """
    stale = {
        cell: made
        for cell in cells
        for made in [_made(store, cell)]
        if not _is_recorded(store, cell, made)
    }
    for cell, outcomes in check_codes(store, list(stale), lm):
        again = lm is not None or is_at_hand(store, cell)
        _write(store, cell, outcomes, stale[cell] | {ENCODED_AGAIN: again})


def check_codes(
    store: Store, cells: Sequence[Cell], lm: LanguageModel | None = None
) -> Iterator[tuple[Cell, list[Outcome]]]:
    """Check every promise over codes and weights of exported cells, afresh.

    Tokens are encoded again where the model is loaded, or a folder on this machine.
    """
    for group in checkpoints(cells):
        model = _model(store, group[0], lm)
        again = encode_again(store, model, group) if model else ((c, {}) for c in group)
        title = f"promises {group[0].checkpoint}"
        for cell, tables in track(again, len(group), title, "cells"):
            yield cell, check_cell(store, cell, tables)


def validate_cells(store: Store, only: Selection) -> list[Outcome]:
    """Check every promise of some cells, those over codes afresh. Writes nothing."""
    chosen = only.of(store.cells)
    cells = [cell for cell in exported_cells(store) if cell in chosen]
    outcomes = validate(store, cells)
    return outcomes + _merged(
        one for _, found in check_codes(store, cells) for one in found
    )


def _merged(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """One outcome for each promise, over all cells."""
    found: dict[tuple[Path, str], list[Outcome]] = {}
    for one in outcomes:
        found.setdefault((one.file, one.promise), []).append(one)
    return [_together(several) for several in found.values()]


def _together(outcomes: list[Outcome]) -> Outcome:
    worst = max(outcomes, key=lambda one: SEVERITY.index(one.status))
    if worst.status == "error":
        return worst
    n_bad = sum(one.n_bad for one in outcomes)
    rows = [row for one in outcomes for row in one.rows]
    return worst._replace(observed=str(n_bad), n_bad=n_bad, rows=rows[:ROWS_SHOWN])


def _model(store: Store, cell: Cell, lm: LanguageModel | None) -> LanguageModel | None:
    """The model that a cell's codes were made with, if it is at hand."""
    if lm is None and is_at_hand(store, cell):
        lm = open_model(store, cell.size, cell.step)
    made_with = store.attributes(cell, "sae")["lm_fingerprint"]
    if lm is not None and lm.fingerprint() != made_with:
        note(
            f"{cell.checkpoint}: no token is encoded again, since the model is not, or "
            "not in the numbers, that the codes were made with"
        )
        return None
    return lm


def _made(store: Store, cell: Cell) -> dict[str, Any]:
    """What a cell's outcomes are made from."""
    parts = {
        name: store.attributes(cell, name)["fingerprint"] for name in ("sae", "codes")
    }
    tables = {name: digest(footer(table_file(store, name, cell))) for name in TABLES}
    rules = [file.read_text("utf-8") for file in code_files()]
    views = read_views("codes")
    rules += [views[name].select for name in sorted(views)]
    return parts | tables | {"promises": digest("".join(rules))}


def _is_recorded(store: Store, cell: Cell, made: dict[str, Any]) -> bool:
    """Whether all is recorded that could be checked now."""
    file = table_file(store, TABLE, cell)
    if is_current(file, made | {ENCODED_AGAIN: True}):
        return True
    return not is_at_hand(store, cell) and is_current(
        file, made | {ENCODED_AGAIN: False}
    )


def _write(store: Store, cell: Cell, outcomes: list[Outcome], made: Made) -> None:
    rows = [
        {
            "suite": one.file.stem,
            **{name: getattr(one, name) for name in SAME},
            "rows": json.dumps(one.rows, ensure_ascii=False, default=str),
        }
        for one in outcomes
    ]
    with closing(database(store.tables)) as con:
        con.register("outcomes", pa.Table.from_pylist(rows, schema=SCHEMA))
        write_table(con, "outcomes", table_file(store, TABLE, cell), made, cell)
