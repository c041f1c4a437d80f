"""Tables say what they were made from; a setting remakes only what hangs on it."""

import json
from contextlib import closing
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bisae.grid import Selection
from bisae.pipeline.build import build
from bisae.query import (
    closure,
    connect,
    exported_cells,
    rows_of,
)
from bisae.store import (
    Store,
    open_store,
    provenance_of,
    registry,
    table_file,
    table_names,
)
from bisae.study import Study
from bisae.tables import prepare_export
from bisae.tables.clusters import load_embeddings
from bisae.tables.coherence import coherence_views
from bisae.tables.pairs import TABLES as PAIR_TABLES
from bisae.tables.variants import VARIANT_TABLES
from support.removal import remove_cells

CHANGES: list[tuple[dict[str, Any], set[str]]] = [
    ({"class_threshold": 0.95}, {"features", "coherence_sums"}),
    ({"min_firings": 21}, {"features", "coherence_sums"}),
    (
        {"exclusive_threshold": 0.8},
        {
            *("vocab", "features", "bin_cosines", "coherence", "coherence_sums"),
            *("firings", "clusters", "feature_languages", "feature_concepts"),
        },
    ),
    ({"clustering": "greedy"}, {"mono_null", "clusters", "features", "coherence_sums"}),
    ({"null_sets": 21}, {"mono_null", "features", "coherence_sums"}),
    (
        {"firing_threshold": 0.6},
        {
            *("firings", "clusters", "features", "feature_languages"),
            *("feature_concepts", "coherence", "coherence_sums"),
        },
    ),
]


def written(store: Store) -> dict[str, int]:
    """When each table of the first cell was written."""
    cell = store.study.cells[0]
    places = {
        name: table_file(store, name, cell) for name in table_names("cell", "export")
    }
    places |= {name: table_file(store, name) for name in table_names("study")}
    return {name: file.stat().st_mtime_ns for name, file in places.items()}


def export_first(store: Store) -> None:
    """Export the first cell again."""
    size, step, layer = store.cells[0]
    only = Selection(frozenset({size}), frozenset({step}), frozenset({layer}))
    build(store.study, only, ("export",))


def changed(store: Store, features: dict[str, Any]) -> Store:
    """The store with other thresholds."""
    update = {"features": store.study.features.model_copy(update=features)}
    return Store(store.path, store.study.model_copy(update=update))


@pytest.mark.parametrize(("features", "remade"), CHANGES)
def test_a_setting_remakes_what_hangs_on_it(
    copy: Store, features: dict[str, Any], remade: set[str]
) -> None:
    before = written(copy)
    export_first(changed(copy, features))
    after = written(copy)
    always = {"settings", "current_tests", *VARIANT_TABLES}
    if "features" in remade:
        always |= {*PAIR_TABLES, "antipodes"}
    changes = {name for name in before if before[name] != after[name]}
    assert changes == remade | always


def test_every_step_to_a_table_is_known(tiny: Store) -> None:
    """A step that is missing would hide what a table was made from."""
    views = prepare_export(tiny).dependencies
    arguments = {"codes", "cell_attributes", "settings", "tokens", "token_strings"}
    arguments |= {"token_concepts", "variants", "clusterings", "null_bins", "vocab"}
    arguments |= {"mono_null", "variant_trends", "variant_names"}
    for table in prepare_export(tiny).cell_tables:
        reads = {name for view in closure(views, table) for name in view.reads}
        assert reads - views.keys() <= arguments, table


def test_a_table_needs_what_its_sql_reads(tiny: Store) -> None:
    """Otherwise it would not be made again when that changes."""
    views = prepare_export(tiny).dependencies
    tables = {*table_names("study")} - {"settings"}  # which are compared one by one
    for name in ("coherence", "bin_cosines"):
        reads = {read for view in coherence_views(name).values() for read in view.reads}
        needs = {*registry()[name].needs} & tables
        assert needs == reads & tables - {name}, name
    for name in prepare_export(tiny).cell_tables:
        # What variants read are the trends of features.
        of = "features" if name in VARIANT_TABLES else name
        reads = {read for view in closure(views, of) for read in view.reads}
        assert {*registry()[name].needs} == reads & tables, name


def test_nothing_is_made_twice(copy: Store) -> None:
    before = written(copy)
    export_first(copy)
    assert written(copy) == before


def test_another_code_remakes_all_of_its_cell(copy: Store) -> None:
    before = written(copy)
    codes = copy.zarr / "cells" / str(copy.study.cells[0]) / "codes" / "zarr.json"
    attributes = json.loads(codes.read_text())
    attributes["attributes"]["fingerprint"] = 64 * "a"
    codes.write_text(json.dumps(attributes))
    export_first(open_store(copy.path))
    after = written(copy)
    assert {n for n in before if before[n] != after[n]} == set(
        table_names("cell", "export")
    )


def test_a_cell_without_measured_losses_has_no_losses(copied_study: Study) -> None:
    """`eval_ce_tokens = 0` skips them."""
    remove_cells(copied_study.store, "size=S,step=0")
    lm = copied_study.lm.model_copy(update={"eval_ce_tokens": 0})
    study = copied_study.model_copy(update={"lm": lm})
    store = build(study, Selection(frozenset({"S"}), frozenset({0})))
    query = "select ce, ce_recon, ce_zero, ce_recovered, fvu > 0 from cells "
    query += "where size = 'S' and step = 0"
    with closing(connect(store, query=query)) as con:
        _, values = rows_of(con, query)
    assert values == [(None, None, None, None, True)] * 2


@pytest.mark.parametrize(("spare", "dtype"), [(0, "float32"), (-1, "float16")])
def test_large_embeddings_are_halved(
    copy: Store, monkeypatch: pytest.MonkeyPatch, spare: int, dtype: str
) -> None:
    size, step = copy.study.embeddings()
    (copy.tables / "embeddings" / f"{size}-{step}.npy").unlink()
    n_bytes = 700 * 48 * 4
    module = "bisae.tables.clusters.embeddings"
    monkeypatch.setattr(f"{module}.MOST_BYTES", n_bytes + spare)
    rows = load_embeddings(copy)
    assert (rows.shape, str(rows.dtype)) == ((700, 48), dtype)
    np.testing.assert_allclose(np.linalg.norm(rows.astype(float), axis=1), 1, 1e-3)


def test_the_footer_says_what_a_table_was_made_from(tiny: Store) -> None:
    cell = tiny.study.cells[0]
    created = provenance_of(table_file(tiny, "firings", cell))
    assert created["codes"] == tiny.attributes(cell, "codes")["fingerprint"]
    assert created["firing_threshold"] == tiny.study.features.firing_threshold
    assert "class_threshold" not in created


def test_the_address_is_in_the_file(tiny: Store) -> None:
    cell = tiny.study.cells[-1]
    table = pq.ParquetFile(table_file(tiny, "features", cell)).read()
    assert table.column_names[:4] == ["size", "step", "layer", "feature"]
    assert set(table["layer"].to_pylist()) == {cell.layer}


def test_a_cell_is_seen_whole_or_not_at_all(copy: Store) -> None:
    """As while its tables are being written."""
    cell = copy.cells[0]
    table_file(copy, "feature_languages", cell).unlink()
    assert exported_cells(copy) == copy.cells[1:]
    for table in ("cells", "firings", "features"):
        query = f"select count(*) from {table} where (size, step, layer) = "
        query = f"{query}{tuple(cell)}"
        (n,) = rows_of(connect(copy, query=query), query).values[0]
        assert n == 0
