"""The commands: help, results on stdout, errors as one line with their status."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bisae import query
from bisae.cli import main
from bisae.cli.options import cells_are
from bisae.errors import SqlError
from bisae.store import Store
from bisae.study import Study, dump_study
from support import ROOT

HEAVY = ("torch", "duckdb", "zarr", "transformers", "great_expectations", "pandas")


def run(*args: object) -> Result:
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.mark.parametrize("name", main.commands)
def test_every_command_has_help_with_an_example(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert f"Example: bisae {name}" in result.output


def test_the_help_lists_every_command_with_its_whole_first_line() -> None:
    text = " ".join(run("--help").output.split())
    for name, command in main.commands.items():
        first_line = (command.help or "").partition("\n")[0].rstrip(".")
        assert f"{name} {first_line}" in text, name
    groups = run("--help").output.partition("Start:")[2]
    assert re.findall(r"^  ([a-z-]+)  ", groups, re.M) == [*main.commands]


def test_help_imports_nothing_heavy() -> None:
    code = f"import bisae.cli, sys; print([m for m in {HEAVY} if m in sys.modules])"
    message = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert message.stdout == "[]\n"


@pytest.mark.parametrize(
    ("n", "text"), [(0, "0 cells are"), (1, "1 cell is"), (1_572, "1,572 cells are")]
)
def test_one_cell_is_and_several_are(n: int, text: str) -> None:
    assert cells_are(n) == text


def test_a_bisae_error_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tiny: Store
) -> None:
    def boom(*_: object, **__: object) -> None:
        msg = "a.sql and b.sql would both create 'x'"
        raise SqlError(msg)

    monkeypatch.setattr(query, "connect", boom)
    result = run("views", tiny.path)
    assert result.exit_code == SqlError.exit_code
    assert result.stderr == "Error: a.sql and b.sql would both create 'x'\n"
    assert result.stdout == ""


def test_views_lists_titles_grains_and_columns(tiny: Store) -> None:
    result = json.loads(run("views", tiny.path, "--format", "json").stdout)
    labelled = {item["name"]: item for item in result}
    assert labelled["trends"]["grain"] == "size, step, layer, population"
    assert labelled["features"]["columns"].startswith("size, step, layer, feature,")
    assert all(item["title"] and item["grain"] for item in result)


def test_status_counts_what_is_finished(tiny: Store) -> None:
    result = json.loads(run("status", tiny.path, "--format", "json").stdout)
    assert len(result) == len({cell[:2] for cell in tiny.study.cells})
    assert all(item["exported"] == item["layers"] for item in result)
    assert run("status", tiny.path).stderr == "all is finished\n"


def test_plan_counts_cells_and_passes(tiny: Store, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(dump_study(tiny.study))
    sizes = json.loads(run("plan", path, "--format", "json").stdout)
    assert [size["cells"] for size in sizes] == [6, 9]
    assert [size["passes"] for size in sizes] == [1, 1]
    assert [size["layers_at_once"] for size in sizes] == [2, 3]
    weights = 6 * 2 * tiny.study.sae.n_features * 32 * 4 / 1e9
    assert sizes[0]["weights_gb"] == pytest.approx(weights)


def test_plan_of_the_paper_needs_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BISAE_HOME", "/nowhere")
    monkeypatch.setenv("LLM_JP", "/nowhere")
    path = ROOT / "examples" / "llm-jp-3.toml"
    message = run("plan", path).stderr
    assert "1,572 cells" in message
    assert "intervene, 3.7B: 11.3 GB, one model at a time\n" in message


def test_stages_do_nothing_twice(copied_study: Study, tmp_path: Path) -> None:
    path, tables = tmp_path / "study.toml", Path(copied_study.store) / "tables"
    path.write_text(dump_study(copied_study))
    times = {file: file.stat().st_mtime_ns for file in tables.rglob("*.parquet")}
    assert times
    for stage in ("train", "encode", "export", "check"):
        result = run(stage, path)
        assert (result.exit_code, result.output) == (0, "")
    assert times == {file: file.stat().st_mtime_ns for file in times}
