"""Check cells' codes when they are built, and record the results.

Reads `sae/`, `codes/` and tables of cells, and their checkpoint if it is available;
writes the table `code_checks`, the result of each check.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from bisae.checks.cell_tables import RECORDED
from bisae.checks.code_checks import check_cells
from bisae.checks.results import CheckResult
from bisae.checks.run import ROWS_SHOWN
from bisae.checks.validate import validate
from bisae.encode.reencode import Tables, reencode_block
from bisae.grid import Cell, Selection, checkpoints
from bisae.lm import LanguageModel
from bisae.lm.opening import has_local_checkpoint, note_checkpoint, open_model
from bisae.progress import note
from bisae.query import (
    Connection,
    database,
    exported_cells,
    read_check_views,
    source_of,
    write_tables,
)
from bisae.store import (
    Provenance,
    Store,
    dependency_digests,
    digest,
    is_current,
    table_file,
)

SAME = ("status", "observed", "expected", "n_bad")
"""Columns that are the same as in a result; `rows` is JSON."""
TYPES = dict.fromkeys(("check_name", *SAME, "rows"), pa.string())
SCHEMA = pa.schema(list((TYPES | {"n_bad": pa.int64()}).items()))
SEVERITY = ("pass", "fail", "error")
ENCODED_AGAIN = "encoded_again"
"""The key in the provenance of results: true if a sample was encoded again."""


def record_results(
    store: Store, cells: Sequence[Cell], lm: LanguageModel | None
) -> None:
    """Check those exported cells of one checkpoint that have no current results.

    `lm` is their language model, if it is loaded.
    """
    checks = _digest_of_checks()
    provenance = {cell: _provenance(store, cell) | {"checks": checks} for cell in cells}
    stale = [cell for cell in cells if not _is_recorded(store, cell, provenance[cell])]
    if not stale:
        return
    with closing(database(store.tables)) as con:
        for cell, results in check_codes(store, stale, lm):
            again = lm is not None or has_local_checkpoint(store, cell)
            _write(con, store, cell, results, provenance[cell] | {ENCODED_AGAIN: again})


def check_codes(
    store: Store, cells: Sequence[Cell], lm: LanguageModel | None = None
) -> Iterator[tuple[Cell, list[CheckResult]]]:
    """Run every check of codes and weights of exported cells again.

    Tokens are encoded again if the model is loaded or is a folder on this machine.
    """
    for group in checkpoints(cells):
        yield from check_cells(store, group, _encoded_again(store, group, lm))


def validate_cells(store: Store, only: Selection) -> list[CheckResult]:
    """Run every check of some cells, and those of codes again. Writes nothing."""
    chosen = set(only.of(store.cells))
    cells = [cell for cell in exported_cells(store) if cell in chosen]
    results = validate(store, cells)
    code_results = [
        result
        for _, cell_results in check_codes(store, cells)
        for result in cell_results
    ]
    return results + _merge_by_check(code_results)


def _merge_by_check(results: Iterable[CheckResult]) -> list[CheckResult]:
    """Merge the results of each check over all cells."""
    by_check: dict[str, list[CheckResult]] = {}
    for result in results:
        by_check.setdefault(result.check, []).append(result)
    return [_merge_results(check_results) for check_results in by_check.values()]


def _merge_results(results: list[CheckResult]) -> CheckResult:
    worst = max(results, key=lambda result: SEVERITY.index(result.status))
    if worst.status == "error":
        return worst
    n_bad = sum(result.n_bad for result in results)
    rows = [row for result in results for row in result.rows]
    return worst._replace(observed=str(n_bad), n_bad=n_bad, rows=rows[:ROWS_SHOWN])


def _encoded_again(
    store: Store, cells: Sequence[Cell], lm: LanguageModel | None
) -> dict[Cell, Tables]:
    """Encode a sample again, if the model of the cells' checkpoint is available.

    A model that is loaded here is also released here.
    """
    first = cells[0]
    if lm is None and has_local_checkpoint(store, first):
        note_checkpoint(store, first)
        lm = open_model(store, first.checkpoint)
    if lm is None:
        return {}
    if lm.fingerprint() != store.attributes(first, "sae")["lm_fingerprint"]:
        note(
            f"{first.checkpoint}: skipping the checks that encode again: this "
            "checkpoint's weights or dtype differ from those the codes were made with"
        )
        return {}
    return dict(reencode_block(store, lm, cells))


def _provenance(store: Store, cell: Cell) -> dict[str, Any]:
    """Return the provenance of a cell's results: its weights, codes and tables."""
    parts = {
        name: store.attributes(cell, name)["fingerprint"] for name in ("sae", "codes")
    }
    return parts | dependency_digests(store, RECORDED, cell)


def _digest_of_checks() -> str:
    """Return a digest of the names and the SQL of all checks of codes.

    Comments are left out, so that a changed sentence does not rerun the checks.
    """
    views = read_check_views(of_codes=True)
    names = [name for name, view in views.items() if "Check" in view.header]
    return digest("\n".join([*names, source_of(views.values())]))


def _is_recorded(store: Store, cell: Cell, provenance: dict[str, Any]) -> bool:
    """Return true if the results of all checks that can run now are recorded."""
    file = table_file(store, RECORDED, cell)
    with_encoding, without_encoding = (
        provenance | {ENCODED_AGAIN: is_encoded_again}
        for is_encoded_again in (True, False)
    )
    return is_current(file, with_encoding) or (
        not has_local_checkpoint(store, cell) and is_current(file, without_encoding)
    )


def _write(
    con: Connection,
    store: Store,
    cell: Cell,
    results: list[CheckResult],
    provenance: Provenance,
) -> None:
    rows = [
        {
            "check_name": result.check,
            **{name: getattr(result, name) for name in SAME},
            "rows": json.dumps(result.rows, ensure_ascii=False),
        }
        for result in results
    ]
    con.register(RECORDED, pa.Table.from_pylist(rows, schema=SCHEMA))
    write_tables(con, store, {RECORDED: provenance}, cell)
    con.unregister(RECORDED)
