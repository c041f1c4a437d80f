"""Version 2: what an imported cell says is checked before it is used."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bisae.errors import StoreError
from bisae.grid import Cell, Selection
from bisae.store import Store
from bisae.store.verify import verify
from support.foreign import K, N, Plain
from support.foreign_cells import write_cell
from support.training import make_store

CELL = Cell("1M", 7, 2)
JUMPRELU = Plain("jumprelu")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return make_store(tmp_path / "store", n_features=N, k=K)


def findings(store: Store) -> set[str]:
    only = Selection(layers=frozenset({2}))
    every = verify(store, only).findings
    return {finding.what for finding in every if "/sae" in finding.where}


def test_an_imported_cell_is_right(store: Store) -> None:
    write_cell(store, CELL, JUMPRELU, top_k=None, input="none")
    assert findings(store) == set()


def test_a_negative_threshold(store: Store) -> None:
    sae = Plain("jumprelu", threshold=np.full(N, -1.0))
    write_cell(store, CELL, sae, top_k=None, input="none")
    assert findings(store) == {"a threshold is negative"}


@pytest.mark.parametrize(
    ("sae", "attributes", "said"),
    [
        (JUMPRELU, {"top_k": 4}, "topk has a top_k and may have a rank_scale, and"),
        (Plain(), {"top_k": None}, "topk has a top_k and may have a rank_scale, and"),
        (JUMPRELU, {"architecture": "relu"}, "jumprelu has a threshold, and nothing"),
        (Plain("relu"), {"architecture": "jumprelu"}, "jumprelu has a threshold"),
        (JUMPRELU, {"input": "unit"}, "input: input should be 'l2', 'none', 'scale'"),
        (JUMPRELU, {"input_scale": 0.0}, "input_scale: input should be greater than 0"),
        (JUMPRELU, {"source_sha256": "x"}, "source_sha256: string should match"),
        (JUMPRELU, {"sae_step": -1}, "sae_step: input should be greater than or"),
    ],
)
def test_cells_that_lie(
    sae: Plain, attributes: dict[str, Any], said: str, store: Store
) -> None:
    imported: dict[str, Any] = {"top_k": None, "input": "none"}
    with pytest.raises(StoreError, match=said):
        write_cell(store, CELL, sae, **imported | attributes)


def test_a_version_that_only_imported_cells_have(store: Store) -> None:
    """A trained cell is of version 1, and no other part has version 2."""
    write_cell(store, CELL, Plain())
    assert store.attributes(CELL, "sae")["bisae_format_version"] == 1
    file = store.folder(CELL) / "codes" / "zarr.json"
    text = file.read_text()
    file.write_text(text.replace('_version": 1', '_version": 2'))
    with pytest.raises(StoreError, match="bisae_format_version: input should be 1"):
        store.attributes(CELL, "codes")
