"""Every command in the documentation runs, and what is generated is fresh."""

import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

from bisae.checks import load_checks, run_user_checks
from bisae.cli import main
from bisae.store import Store, holder, lease
from bisae.study import Intervention, Model, Study, Translation, Validation, dump_study
from bisae.study.corpus import Corpus, Text
from bisae.study.pretrain import Pretrain
from bisae.study.sae import Sae
from bisae.study.schema import Features, Lm
from support import ROOT
from support.store_copy import copy_store

PAGES = [ROOT / "README.md", ROOT / "store" / "README.md", *ROOT.glob("docs/*.md")]
# The tiny study has sizes S and M and steps 0, 5 and 40; the docs speak of the toy's.
TINY = {
    "0.5M/900/2": "M/40/1",
    '"0.5M", 900, 2': '"M", 40, 1',
    'size="0.5M"': 'size="M"',
    "size=0.5M": "size=M",
    "step=900": "step=40",
    "step=10": "step=5",
    "size = '0.5M'": "size = 'M'",
    "step = 900": "step = 40",
    "layer = 2": "layer = 1",
    "layer=2": "layer=1",
}


ONCE = r"bisae (validate|verify|report) "


def blocks(kind: str) -> list[tuple[Path, str]]:
    """The code of one kind on every page, in the tiny study's words."""
    actual = []
    for page in PAGES:
        for block in re.findall(rf"```{kind}\n(.*?)```", page.read_text(), re.DOTALL):
            for said, meant in TINY.items():
                block = block.replace(said, meant)
            actual.append((page, block))
    return actual


def without_comment(line: str) -> str:
    """A command without its comment."""
    return line.partition(" #")[0].rstrip()


def commands() -> list[tuple[str, list[str]]]:
    """The commands of each block; those that only read, and take long, run once."""
    blocks_of_commands, once = [], set()
    for page, block in blocks("sh"):
        lines = re.findall(r"^bisae (?:\"[^\"]*\"|[^\n\"])*", block, re.MULTILINE)
        lines = [line for line in lines if without_comment(line) not in once]
        once |= {without_comment(line) for line in lines if re.match(ONCE, line)}
        if lines:
            blocks_of_commands.append((page.name, lines))
    return blocks_of_commands


COMMANDS = commands()
PYTHON = [(page.name, block) for page, block in blocks("python")]


@pytest.fixture
def toy(tiny: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand where `toy/` is a copy of the tiny study, named as the toy is."""
    copy_store(tiny, tmp_path / "toy" / "store")
    where = str(tmp_path / "toy" / "store")
    study: Study = tiny.study.model_copy(update={"store": where})
    (tmp_path / "toy" / "toy.toml").write_text(dump_study(study))
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize(("page", "lines"), COMMANDS)
def test_every_command_of_the_docs_runs(page: str, lines: list[str]) -> None:
    """Those of one block one after another, as a reader would."""
    for line in lines:
        result = CliRunner().invoke(main, shlex.split(line, comments=True)[1:])
        assert result.exit_code == 0, (page, line, result.output)


def test_the_docs_have_commands() -> None:
    assert sum(len(lines) for _, lines in COMMANDS) >= 20
    assert {page for page, _ in COMMANDS} >= {"README.md", "stores.md"}


@pytest.mark.usefixtures("toy")
@pytest.mark.parametrize("page", dict(PYTHON))
def test_python_of_the_docs_runs(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of a page one after another, as a reader would."""
    names: dict[str, object] = {}
    for code in [code for name, code in PYTHON if name == page]:
        exec(code, names)
        assert capsys.readouterr().out, code


def test_the_store_is_read_without_bisae() -> None:
    (code,) = [code for page, code in PYTHON if page == "README.md" and "zarr" in code]
    assert "bisae" not in re.sub(r"bisae\.zarr|bisae_format_version", "", code)
    assert len(code.strip().splitlines()) < 20


def test_checks_of_ones_own_are_as_documented(tiny: Store, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "validation.md").read_text("utf-8")
    shown = re.findall(r"`checks/(\S+)`:\n\n```\w+\n(.*?)```", page, re.DOTALL)
    assert [name for name, _ in shown] == ["unsure_layers.sql", "cells.json"]
    for name, text in shown:
        (tmp_path / name).write_text(text)
    suite, check = run_user_checks(tiny, load_checks(tmp_path))
    assert (suite.file.name, suite.check) == ("cells.json", "half_explained")
    assert suite.status == "pass"
    assert (check.file.name, check.check) == ("unsure_layers.sql", "unsure_layers")
    assert check.status == "fail"  # a tiny cell has few features
    assert check.rows[0].keys() == set(re.findall(r"^    (\w+),?$", shown[0][1], re.M))
    assert check.description in shown[0][1]


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs/generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_fresh() -> None:
    created = generator()
    for file in created.PARTS:
        assert created.filled(file) == (ROOT / file).read_text("utf-8"), (
            "run `make docs`"
        )


SECTIONS = [
    *(Corpus, Features, Intervention, Lm, Model, Pretrain, Sae, Text, Translation),
    Validation,
]


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_documented(section: type) -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    for name in section.model_fields:  # type: ignore[attr-defined]
        assert re.search(rf"`(\[{{1,2}})?(\w+\.)?{name}(\]{{1,2}})?`", page), name


def test_the_layout_describes_every_array_of_the_specification() -> None:
    layout = tomllib.loads((ROOT / "store" / "layout.toml").read_text())
    page = (ROOT / "store" / "README.md").read_text("utf-8")
    for name, spec in layout["array"].items():
        assert name in page
        assert spec["dtype"] in page


def test_the_specification_has_the_numbers_of_the_code() -> None:
    page = (ROOT / "store" / "README.md").read_text("utf-8")
    layout = tomllib.loads((ROOT / "store" / "layout.toml").read_text())
    codes, level = layout["array"]["value"], layout["codec"]["pcodec"]["level"]
    assert f"over {holder.STALE_AFTER:.0f} s old" in page
    assert f"(every {lease.BEAT:.0f} s)" in page
    assert f"codes in the first {layout['numbered_by']:,} rows" in page
    assert f"{codes['chunk_values']:,} codes a chunk (8,192 rows of k = 32), " in page
    assert f"{codes['chunks_a_shard']} chunks a shard" in page
    assert f"PCodec level {level} with crc32c" in page
