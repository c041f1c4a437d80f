"""The notebook of the examples runs, cell by cell, and shows something in each."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from bisae.store import Store
from support import ROOT

TOUR: dict[str, Any] = json.loads((ROOT / "examples/tour.ipynb").read_text("utf-8"))
CODE = ["".join(c["source"]) for c in TOUR["cells"] if c["cell_type"] == "code"]


@pytest.fixture(scope="module")
def outputs(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """The value of each cell's last line, where `toy` is the tiny study."""
    folder = tmp_path_factory.mktemp("tour")
    (folder / "toy").mkdir()
    (folder / "toy" / "store").symlink_to(str(tiny.path))
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
        *("VConcatChart", "DataFrame", "Examples", "DataFrame", "VConcatChart"),
    ]
    for output in outputs:
        if hasattr(output, "_repr_html_"):
            assert "<td>" in output._repr_html_() or "<span" in output._repr_html_()
        else:
            assert "text/html" in output._repr_mimebundle_()


def test_the_notebook_is_saved_without_outputs() -> None:
    """Outputs would be stale at the next change, and large."""
    assert (TOUR["nbformat"], TOUR["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in TOUR["cells"]}) == len(TOUR["cells"]) == 15
    for cell in TOUR["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
