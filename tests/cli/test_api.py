"""An open store, from Python: the same as through the commands."""

import inspect
import os
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import bisae
from bisae.api import OpenStore
from bisae.errors import AddressError, SqlError, StoreError
from bisae.grid import Cell
from bisae.store import Store

CELL = Cell("M", 40, 1)


def test_weights_and_codes_by_address(tiny: Store) -> None:
    store = bisae.open(str(tiny.path))
    assert store.cells == tiny.cells
    for cell in (CELL, "M/40/1"):
        weights = store.weights(cell)
        assert {name: w.shape for name, w in weights.items()} == {
            "W_dec": (256, 48),
            "W_enc": (256, 48),
            "b_pre": (48,),
        }
        blocks = list(store.codes(cell))
        assert blocks[0].index.shape[1] == 4
    rows = sum(len(block.index) for block in blocks)
    assert rows == tiny.n_documents("eval") * 31


def test_arrow_batches_are_the_codes(tiny: Store) -> None:
    rows = pd.concat(b.to_pandas() for b in tiny.read_codes(CELL))
    index, value = (
        np.concatenate([getattr(block, name) for block in tiny.codes(CELL)])
        for name in ("index", "value")
    )
    row, rank = np.nonzero(value)
    assert np.array_equal(rows.token_row, row)
    assert np.array_equal(rows.feature, index[row, rank])
    assert np.array_equal(rows.value, value[row, rank])


def test_sql_gives_a_frame(tiny: Store) -> None:
    store = bisae.open(Path(str(tiny.path)))
    frame = store.sql("select size, count(*) as n from cells group by 1 order by 1")
    assert frame.to_dict("list") == {"size": ["M", "S"], "n": [9, 6]}
    codes = store.sql("select count(*) as n from codes", codes="M/40/1")
    assert codes.n[0] == sum((block.value > 0).sum() for block in tiny.codes(CELL))


def test_sql_is_fenced(tiny: Store, tmp_path: Path) -> None:
    with pytest.raises(SqlError):
        bisae.open(str(tiny.path)).sql(f"copy (select 1) to '{tmp_path / 'out'}'")
    assert not (tmp_path / "out").exists()


def test_what_is_not_there_is_named(tiny: Store, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"^no store at "):
        bisae.open(tmp_path)
    with pytest.raises(AddressError, match=r"no cell M/41/1; the nearest is M/40/1$"):
        bisae.open(str(tiny.path)).weights("M/41/1")


PUBLIC = {
    *("path", "study", "languages", "cells", "status", "views", "sql", "connect"),
    *("query_process", "figures", "figure", "examples", "weights", "codes"),
    "read_codes",
}


def test_the_object_shows_only_what_a_reader_wants(tiny: Store) -> None:
    store = bisae.open(str(tiny.path))
    assert {name for name in dir(store) if not name.startswith("_")} == PUBLIC
    assert (store.path, store.languages) == (str(tiny.path), ("en", "ja"))
    assert store.study == tiny.study
    with pytest.raises(AttributeError):
        store.lease = None  # type: ignore[attr-defined]


def test_help_describes_every_method_and_property(tiny: Store) -> None:
    page = pydoc.plain(pydoc.render_doc(bisae.open(str(tiny.path))))
    for name in PUBLIC:
        description = inspect.getdoc(getattr(OpenStore, name))
        assert description
        assert f" |  {name}" in page
        assert description.splitlines()[0] in page
    assert "dictionary for instance variables" not in page


def test_the_package_lists_only_what_is_public() -> None:
    assert dir(bisae) == ["__version__", "open"]
    assert not hasattr(bisae, "os")


def test_status_views_and_figures_are_frames(tiny: Store) -> None:
    store = bisae.open(str(tiny.path))
    assert (store.status().exported == store.status().layers).all()
    views = store.views().set_index("name")
    assert views.grain["trends"] == "size, step, layer, population"
    figures = store.figures().set_index("name")
    assert figures.title["figure_layers"] == views.title["figure_layers"]


def test_activations_by_address(tiny: Store) -> None:
    store = bisae.open(str(tiny.path))
    first = next(store.read_codes("M/40/1"))
    assert first.equals(next(tiny.read_codes(CELL)))
    columns = ["token_row", "feature", "value", "starts_run", "halvings"]
    assert first.schema.names == columns


NOTEBOOK = """
import sys, types
kernel = types.ModuleType("IPython")  # all that DuckDB asks a kernel
kernel.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["IPython"] = kernel
import bisae, duckdb
try:
    duckdb.connect().execute("set enable_progress_bar = true")
except duckdb.InvalidInputException as error:
    print(error)
print(bisae.open(sys.argv[1]).sql("select count(*) as n from cells").n[0])
"""


def test_a_notebook_without_widgets_can_query(tiny: Store) -> None:
    """There DuckDB refuses to change the settings of its progress bar."""
    command = [sys.executable, "-c", NOTEBOOK, str(tiny.path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    refusal, n_cells = result.stdout.splitlines()
    assert "'ipywidgets' is missing" in refusal
    assert n_cells == "15"


def test_importing_bisae_imports_nothing_heavy() -> None:
    code = "import bisae, sys; print({'zarr', 'duckdb', 'upath'} & set(sys.modules))"
    message = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    assert message.stdout == "set()\n"


# -- how threads wait -----------------------------------------------------------------


def imported(code: str, **chosen: str) -> tuple[str, str]:
    """Standard output and error of code in a fresh process, with its own settings."""
    unset = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
    environment = {k: v for k, v in os.environ.items() if k not in unset}
    command = [sys.executable, "-c", code]
    result = subprocess.run(
        command, env=environment | chosen, capture_output=True, text=True, check=True
    )
    return result.stdout, result.stderr


@pytest.mark.parametrize(
    ("chosen", "policy"), [({}, "passive"), ({"OMP_WAIT_POLICY": "active"}, "active")]
)
def test_threads_wait_passively_unless_the_user_says_otherwise(
    chosen: dict[str, str], policy: str
) -> None:
    code = "import bisae, os, sys; print(os.environ['OMP_WAIT_POLICY'], *sys.modules)"
    value, *modules = imported(code, **chosen)[0].split()
    assert value == policy
    assert not {"torch", "numpy", "click", "zarr"} & set(modules)


@pytest.mark.skipif(sys.platform != "linux", reason="PyTorch has libgomp on Linux")
@pytest.mark.parametrize(
    ("code", "chosen", "is_zero"),
    [
        ("import bisae.sae", {}, True),
        ("import bisae.sae", {"GOMP_SPINCOUNT": "77"}, False),
        ("import torch, bisae", {}, False),  # too late
    ],
)
def test_openmp_reads_the_setting(
    code: str, chosen: dict[str, str], *, is_zero: bool
) -> None:
    shown = imported(code, OMP_DISPLAY_ENV="verbose", **chosen)[1]
    (spins,) = re.findall(r"GOMP_SPINCOUNT = '(\d+)'", shown)
    assert (spins == "0") == is_zero
