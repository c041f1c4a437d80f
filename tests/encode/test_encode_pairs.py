"""The tables of pairs are written with the codes, resumed, and written once."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.encode.pairs import TABLES, has_stale_pairs
from bisae.grid import Cell, Selection
from bisae.pipeline.build import build
from bisae.store import Store, open_store, table_file
from bisae.store.staging import discard
from bisae.store.verify import verify
from bisae.study import Study
from bisae.tables.pairs import TABLES as EXPORTED

CELL = Cell("S", 40, 1)
ONLY = Selection(frozenset({"S"}), frozenset({40}))
EVERY = (*TABLES, *EXPORTED)


def contents(store: Store, cell: Cell = CELL) -> dict[str, bytes]:
    return {name: table_file(store, name, cell).read_bytes() for name in EVERY}


def written(store: Store) -> dict[str, int]:
    files = {name: table_file(store, name, CELL) for name in EVERY}
    return {name: file.stat().st_mtime_ns for name, file in files.items()}


@pytest.mark.parametrize("table", TABLES)
def test_what_is_missing_is_written_again(copied_study: Study, table: str) -> None:
    """As after a kill, or in a store that was built before there were pairs."""
    store = open_store(copied_study.store)
    before, codes = contents(store), store.attributes(CELL, "codes")["fingerprint"]
    index = Path(str(store.folder(CELL) / "codes" / "zarr.json")).stat().st_mtime_ns
    table_file(store, table, CELL).unlink()
    assert has_stale_pairs(store, [CELL])
    build(copied_study, ONLY)
    assert contents(store) == before
    assert not has_stale_pairs(store, [CELL])
    assert store.attributes(CELL, "codes")["fingerprint"] == codes
    kept = Path(str(store.folder(CELL) / "codes" / "zarr.json")).stat().st_mtime_ns
    assert kept == index


def test_after_a_kill_before_the_codes_nothing_is_lost_or_repeated(
    copied_study: Study,
) -> None:
    store = open_store(copied_study.store)
    before, tables = contents(store), written(store)
    discard(store.folder(CELL) / "codes")
    for name in EXPORTED:
        table_file(store, name, CELL).unlink()
    build(copied_study, ONLY, ("encode", "export"))
    assert contents(store) == before
    assert {name: written(store)[name] for name in TABLES} == {
        name: tables[name] for name in TABLES
    }
    assert verify(store, Selection()).findings == []


def test_a_cell_that_is_trained_and_has_pairs_has_nothing_wrong(copy: Store) -> None:
    """As while its checkpoint is being encoded."""
    discard(copy.folder(CELL) / "codes")
    for file in copy.tables.glob(f"*/{CELL.partition}/rows.parquet"):
        if file.parts[-5] not in (*TABLES, "timings"):
            file.unlink()
    assert verify(copy, Selection()).findings == []


def test_fewer_pairs_are_another_sample(copied_study: Study) -> None:
    section = copied_study.pairs
    assert section
    update = {"pairs": section.model_copy(update={"max_pairs": 9})}
    store = build(copied_study.model_copy(update=update), ONLY, ("encode", "export"))
    for name in EVERY:
        pairs = pq.read_table(table_file(store, name, CELL))["pair"].to_pylist()
        assert set(pairs) == set(range(9)), name


def test_pairs_are_copied_and_removed_with_their_cell(
    copy: Store, tmp_path: Path
) -> None:
    target = tmp_path / "target"
    words = ["cp", str(copy.path), str(target), "--only", "size=S,step=40"]
    assert CliRunner().invoke(main, words).exit_code == 0
    copied = open_store(target)
    assert contents(copied) == contents(copy)
    assert verify(copied, Selection()).findings == []
    words = ["rm", str(target), "--only", "size=S,step=40", "--yes"]
    assert CliRunner().invoke(main, words).exit_code == 0
    assert not list(copied.tables.glob("pair_*/size=S/**/*.parquet"))
