"""Stores that were written once are read forever: tests/data holds one of each version.

store-v1.zip: a toy text, one size with steps 0 and 5, layers 1 and 2, n 48, K 3.
"""

import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import bisae
from bisae.api import OpenStore
from bisae.checks import validate
from bisae.cli import main
from bisae.grid import Selection
from bisae.store import open_store
from bisae.store.verify import verify
from support import DATA


@pytest.fixture
def old(tmp_path: Path) -> OpenStore:
    with zipfile.ZipFile(DATA / "store-v1.zip") as packed:
        packed.extractall(tmp_path)
    return bisae.open(tmp_path / "store")


def test_version_1_is_whole(old: OpenStore) -> None:
    looked = verify(open_store(old.path), Selection())
    assert looked.findings == []
    assert (looked.parts, looked.unfinished, looked.tables) == (13, 0, 31)


def test_version_1_answers(old: OpenStore) -> None:
    """As it did when it was built: a metric that is defined anew changes this file."""
    query = "select * exclude (tokens_seen) from trends order by all"
    actual = old.sql(query).round(9).to_csv(index=False)
    assert actual == (DATA / "store-v1.trends.csv").read_text()


def test_version_1_does_not_say_how_many_blocks_a_model_has(old: OpenStore) -> None:
    """Its tables lack the column: it is null, and the highest layer is the last."""
    assert old.sql("select distinct n_layers from cells")["n_layers"].isna().all()
    places = old.sql("select distinct layer, relative_depth, is_middle from grid_cells")
    assert sorted(places.itertuples(index=False)) == [(1, 0.5, True), (2, 1.0, False)]


def test_codes_of_version_1_are_what_their_metrics_say(old: OpenStore) -> None:
    (block,) = old.codes("S/5/1")
    weights = old.weights("S/5/1")
    result = open_store(old.path).attributes(old.cells[2], "codes")
    assert str(old.cells[2]) == "S/5/1"
    used = block.value > 0
    assert used.sum() / len(used) == pytest.approx(result["l0"])
    assert 48 - len(np.unique(block.index[used])) == result["n_dead"]
    recon = np.einsum("rk,rkd->rd", block.value, weights["W_dec"][block.index])
    assert np.isfinite(recon).all()


def test_version_1_passes_every_check(old: OpenStore) -> None:
    """Those of tables that it has."""
    results = validate(open_store(old.path))
    assert {result.status for result in results} == {"pass"}
    assert {"features", "trends"} < {result.table for result in results}
    assert "sensitivity" not in {result.table for result in results}


def test_version_1_can_be_copied_and_reported(old: OpenStore, tmp_path: Path) -> None:
    for words in (["cp", old.path, tmp_path / "copy"], ["report", tmp_path / "copy"]):
        result = CliRunner().invoke(main, list(map(str, words)))
        assert result.exit_code == 0, result.output
    shutil.rmtree(tmp_path / "copy")


def test_version_1_has_no_fvu_of_fewer_codes(old: OpenStore) -> None:
    """Columns that were added later are null; a row is otherwise as it was."""
    query = "select fvu, fvu_half_k, fvu_quarter_k, fvu_eighth_k, lr from cells"
    rows = old.sql(query)
    assert rows[["fvu", "lr"]].notna().all(axis=None)
    assert rows[["fvu_half_k", "fvu_quarter_k", "fvu_eighth_k"]].isna().all(axis=None)
    assert len(rows) == len(old.cells) == 4


def test_version_1_has_no_antipodes(old: OpenStore) -> None:
    """A table that was added later is empty, and a view that reads it is there."""
    assert len(old.sql("from antipodes")) == 0
    rows = old.sql("from feature_specificity")
    assert rows["is_dense"].any()
    assert rows[["antipode", "antipodal_cosine"]].isna().all(axis=None)
