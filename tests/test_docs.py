"""Every command in the documentation runs, and what is generated is fresh."""

import importlib.util
import re
import shlex
import shutil
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.store import Store
from bisae.study import Study, dump_study
from bisae.study.sae import Sae
from bisae.study.schema import Corpus, Features, Lm, Model, Pretrain

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "store" / "README.md", *ROOT.glob("docs/*.md")]
BLOCKS = [
    (page, block)
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
]
COMMANDS = [
    (page.name, line)
    for page, block in BLOCKS
    for line in re.findall(r"^bisae (?:\"[^\"]*\"|[^\n\"])*", block, re.MULTILINE)
]


@pytest.fixture(scope="module")
def toy(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where `toy/` is a copy of the tiny study, named as the toy is."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(str(tiny.place), folder / "toy" / "store")
    study: Study = tiny.study.model_copy(
        update={"store": str(folder / "toy" / "store")}
    )
    (folder / "toy" / "toy.toml").write_text(dump_study(study))
    return folder


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_every_command_of_the_docs_runs(
    toy: Path, monkeypatch: pytest.MonkeyPatch, page: str, line: str
) -> None:
    monkeypatch.chdir(toy)
    # The tiny study's sizes are S and M; the docs speak of the toy's.
    words = shlex.split(line.replace("0.5M/900/2", "M/40/1"), comments=True)[1:]
    told = CliRunner().invoke(main, words)
    assert told.exit_code == 0, (page, told.output)


def test_the_docs_have_commands() -> None:
    assert len(COMMANDS) >= 10
    assert {page for page, _ in COMMANDS} >= {"README.md"}


def test_the_store_is_read_without_bisae(
    toy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "store" / "README.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert "bisae" not in re.sub(r"bisae\.zarr|bisae_format_version", "", code)
    assert len(code.strip().splitlines()) < 20
    monkeypatch.chdir(toy)
    exec(code.replace("cells/0.5M/900/2", "cells/M/40/1"), {})
    assert capsys.readouterr().out.strip().endswith("(48,)")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_fresh() -> None:
    made = generator()
    for file in made.PARTS:
        assert made.filled(file) == (ROOT / file).read_text("utf-8"), "run `make docs`"


@pytest.mark.parametrize("section", [Corpus, Features, Lm, Model, Pretrain, Sae])
def test_every_setting_is_documented(section: type) -> None:
    page = (ROOT / "docs" / "study.md").read_text("utf-8")
    for name in section.model_fields:  # type: ignore[attr-defined]
        assert re.search(rf"`(\[\[)?(\w+\.)?{name}(\]\])?`", page), name


def test_the_layout_describes_every_array_of_the_specification() -> None:
    layout = tomllib.loads((ROOT / "store" / "layout.toml").read_text())
    page = (ROOT / "store" / "README.md").read_text("utf-8")
    for name, spec in layout["array"].items():
        assert name in page
        assert spec["dtype"] in page
