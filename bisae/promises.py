"""The promises over a cell's codes: checked when it is built, and recorded.

Reads `sae/`, `codes/` and tables of cells, and their checkpoint where it is at hand;
writes the table `code_promises`, which says what became of each promise.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from bisae.assets import asset_dir
from bisae.grid import Cell, Selection, checkpoints
from bisae.hidden import LanguageModel
from bisae.models import is_at_hand, note_checkpoint, open_model
from bisae.progress import note
from bisae.query import (
    Connection,
    Made,
    database,
    digest,
    exported_cells,
    footer,
    is_current,
    table_file,
    write_table,
)
from bisae.reencode import Tables, encode_again
from bisae.store import Store
from bisae.validate import (
    FOLDED,
    ROWS_SHOWN,
    Outcome,
    check_cells,
    code_files,
    validate,
)

TABLE = "code_promises"
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
    rules = _rules()
    made = {cell: _made(store, cell) | {"promises": rules} for cell in cells}
    stale = [cell for cell in cells if not _is_recorded(store, cell, made[cell])]
    with closing(database(store.tables)) as con:
        for cell, outcomes in check_codes(store, stale, lm):
            again = lm is not None or is_at_hand(store, cell)
            _write(con, store, cell, outcomes, made[cell] | {ENCODED_AGAIN: again})


def check_codes(
    store: Store, cells: Sequence[Cell], lm: LanguageModel | None = None
) -> Iterator[tuple[Cell, list[Outcome]]]:
    """Check every promise over codes and weights of exported cells, afresh.

    Tokens are encoded again where the model is loaded, or a folder on this machine.
    """
    for group in checkpoints(cells):
        yield from check_cells(store, group, _encoded_again(store, group, lm))


def validate_cells(store: Store, only: Selection) -> list[Outcome]:
    """Check every promise of some cells, those over codes afresh. Writes nothing."""
    chosen = set(only.of(store.cells))
    cells = [cell for cell in exported_cells(store) if cell in chosen]
    outcomes = validate(store, cells)
    for_codes = [one for _, found in check_codes(store, cells) for one in found]
    return outcomes + _merged(for_codes)


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


def _encoded_again(
    store: Store, cells: Sequence[Cell], lm: LanguageModel | None
) -> dict[Cell, Tables]:
    """What a sample gives again, for cells of one checkpoint, if its model is at hand.

    A model that is loaded for it is let go here.
    """
    first = cells[0]
    if lm is None and is_at_hand(store, first):
        note_checkpoint(store, first)
        lm = open_model(store, first.size, first.step)
    if lm is None:
        return {}
    if lm.fingerprint() != store.attributes(first, "sae")["lm_fingerprint"]:
        note(
            f"{first.checkpoint}: no token is encoded again, since the model is not, "
            "or not in the numbers, that the codes were made with"
        )
        return {}
    return dict(encode_again(store, lm, cells))


def _made(store: Store, cell: Cell) -> dict[str, Any]:
    """Which weights, codes and tables a cell has."""
    parts = {
        name: store.attributes(cell, name)["fingerprint"] for name in ("sae", "codes")
    }
    tables = {name: digest(footer(table_file(store, name, cell))) for name in FOLDED}
    return parts | tables


def _rules() -> str:
    """A sum of all that is promised over codes."""
    views = sorted((asset_dir("sql") / "codes").glob("*.sql"))
    return digest("".join(file.read_text("utf-8") for file in code_files() + views))


def _is_recorded(store: Store, cell: Cell, made: dict[str, Any]) -> bool:
    """Whether all is recorded that could be checked now."""
    file = table_file(store, TABLE, cell)
    whole, part = (made | {ENCODED_AGAIN: again} for again in (True, False))
    return is_current(file, whole) or (
        not is_at_hand(store, cell) and is_current(file, part)
    )


def _write(
    con: Connection, store: Store, cell: Cell, outcomes: list[Outcome], made: Made
) -> None:
    rows = [
        {
            "suite": one.file.stem,
            **{name: getattr(one, name) for name in SAME},
            "rows": json.dumps(one.rows, ensure_ascii=False),
        }
        for one in outcomes
    ]
    con.register("outcomes", pa.Table.from_pylist(rows, schema=SCHEMA))
    write_table(con, store, TABLE, made, cell, rows="outcomes")
