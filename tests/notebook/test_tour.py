"""The notebook of the examples runs, cell by cell, and shows something in each."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from bisae.grid import Selection
from bisae.store import Store, open_store
from bisae.tables.lineage import export_lineage
from support import ROOT
from support.store_copy import copy_store

TOUR: dict[str, Any] = json.loads((ROOT / "examples/tour.ipynb").read_text("utf-8"))
CODE = ["".join(c["source"]) for c in TOUR["cells"] if c["cell_type"] == "code"]


@pytest.fixture(scope="module")
def outputs(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The value of each cell's last line, where `toy` is the tiny study, followed."""
    folder = tmp_path_factory.mktemp("tour")
    (folder / "toy").mkdir()
    copy_store(tiny, folder / "toy" / "store")
    size, _, layer = tiny.cells[-1]
    only = Selection(frozenset({size}), layers=frozenset({layer}))
    export_lineage(open_store(folder / "toy" / "store"), only)
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        outputs = [run(code, names) for code in CODE]
        pdf = Path("figure_layers.pdf").read_bytes()
    assert b"/FontFile" in pdf
    return outputs


def run(code: str, names: dict[str, Any]) -> object:
    """Run a cell as Jupyter does: its last line is an expression that is shown."""
    *statements, last = ast.parse(code).body
    assert isinstance(last, ast.Expr)
    exec(compile(ast.Module(statements, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)


def test_every_cell_shows_text_and_a_table_or_a_chart(outputs: list[Any]) -> None:
    kinds = [type(output).__name__ for output in outputs]
    assert kinds == [
        *("OpenStore", "DataFrame", "DataFrame", "DataFrame", "DataFrame"),
        *("VConcatChart", "DataFrame", "Examples"),
        *("DataFrame", "Examples", "Examples", "VConcatChart"),
    ]
    for output in outputs:
        if hasattr(output, "_repr_html_"):
            assert "<td>" in output._repr_html_() or "<span" in output._repr_html_()
        else:
            assert "text/html" in output._repr_mimebundle_()


def test_the_notebook_is_saved_without_outputs() -> None:
    """Outputs would be stale at the next change, and large."""
    assert (TOUR["nbformat"], TOUR["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in TOUR["cells"]}) == len(TOUR["cells"]) == 18
    for cell in TOUR["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
