"""Python code that a checkpoint brings runs only if the user of the command says so."""

import json
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import tomli_w
import transformers.dynamic_module_utils
from click.testing import CliRunner

from bisae.checks.recorded import check_codes
from bisae.cli import main
from bisae.corpus import load_tokenizer
from bisae.errors import StudyError, UntrustedCode
from bisae.grid import Cell
from bisae.intervene.translation.scores import check_comet
from bisae.lm.opening import note_checkpoint, open_model
from bisae.store import Store, open_store
from bisae.study import Study, dump_study, load_study

CELL = Cell("S", 40, 1)
CODE = """
from pathlib import Path
from transformers import LlamaConfig, LlamaForCausalLM

Path({ran!r}).touch()

class OwnConfig(LlamaConfig):
    model_type = "own"

class OwnModel(LlamaForCausalLM):
    config_class = OwnConfig
"""
AUTO_MAP = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A file that is there once the checkpoint's code ran."""
    return tmp_path / "ran"


@pytest.fixture
def stranger(
    copy: Store, ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """A store that holds a checkpoint with code, and whose study allows it."""
    cache = str(tmp_path / "modules")
    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", cache)
    location = Path(str(copy.path))
    ours = copy.study.model("S").checkpoint_at(40)[0]
    for step in copy.study.model("S").steps:
        model = location / "model" / str(step)
        shutil.copytree(ours, model)
        config = json.loads((model / "config.json").read_text())
        config |= {"model_type": "own", "auto_map": AUTO_MAP}
        (model / "config.json").write_text(json.dumps(config))
        (model / "own.py").write_text(CODE.format(ran=str(ran)))
    text = (location / "study.toml").read_text()
    labelled = "../checkpoints/S/{step}"
    assert labelled in text
    text = text.replace(f'"{labelled}"', f'"{location}/model/{{step}}"')
    text = text.replace("[lm]\n", "[lm]\ntrust_remote_code = true\n")
    (location / "study.toml").write_text(text)
    return location


@pytest.fixture
def opened(stranger: Path) -> Store:
    return open_store(stranger)


Use = Callable[[Store], object]


@pytest.mark.parametrize(
    "use",
    [
        lambda store: open_model(store, CELL.checkpoint),
        lambda store: list(check_codes(store, [CELL])),
    ],
    ids=["model", "checks"],
)
def test_a_stores_own_word_does_not_count(opened: Store, ran: Path, use: Use) -> None:
    with pytest.raises(UntrustedCode, match=r"with --trust-remote-code$"):
        use(opened)
    assert not ran.exists()


@pytest.mark.parametrize("command", ["plan", "train", "intervene", "lr-search"])
def test_a_study_files_own_word_does_not_count(
    stranger: Path, ran: Path, command: str
) -> None:
    file = stranger / "study.toml"
    raw = tomllib.loads(file.read_text())
    del raw["pretrain"], raw["models"][0]["d_model"]  # else `plan` needs no checkpoint
    file.write_text(tomli_w.dumps(raw))
    result = CliRunner().invoke(main, [command, str(file)])
    assert result.exit_code in (1, 2)
    assert "with --trust-remote-code" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert not ran.exists()


def test_the_users_word_counts_for_one_run(stranger: Path, ran: Path) -> None:
    lm = open_model(open_store(stranger, trust_remote_code=True), CELL.checkpoint)
    assert lm._name == "OwnModel"
    assert ran.exists()
    with pytest.raises(UntrustedCode):
        open_model(open_store(stranger), CELL.checkpoint)


def test_no_word_is_kept_in_a_file(tiny_study: Study, tmp_path: Path) -> None:
    lm = tiny_study.lm.model_copy(update={"trust_remote_code": True})
    text = dump_study(tiny_study.model_copy(update={"lm": lm}))
    assert "trust_remote_code" not in text
    file = tmp_path / "study.toml"
    file.write_text(text.replace("[lm]\n", "[lm]\ntrust_remote_code = true\n"))
    assert not load_study(file).lm.trust_remote_code
    assert load_study(file, trust_remote_code=True).lm.trust_remote_code


def test_a_tokenizer_with_code_is_refused(tiny_study: Study, tmp_path: Path) -> None:
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    result = {
        "auto_map": {"AutoTokenizer": [None, "own.Own"]},
        "tokenizer_class": "Own",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(result))
    (folder / "own.py").write_text(CODE.format(ran=str(tmp_path / "ran")))
    corpus = tiny_study.corpus.model_copy(update={"tokenizer": str(folder)})
    with pytest.raises(UntrustedCode, match=f"^{folder} brings Python code"):
        load_tokenizer(tiny_study.model_copy(update={"corpus": corpus}))
    assert not (tmp_path / "ran").exists()


def test_pickled_weights_of_comet_need_the_word_too(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match=r"with --trust-remote-code$"):
        check_comet(str(tmp_path), trusted=False)


def test_it_is_said_which_checkpoint_a_store_names(
    copy: Store, stranger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note_checkpoint(open_store(stranger), CELL)
    path = stranger / "model" / "40"
    line = f"S/40: the store names the language model {path}, inside the store\n"
    assert capsys.readouterr().err == line
    note_checkpoint(copy, CELL)
    assert capsys.readouterr().err.endswith("/checkpoints/S/40, outside the store\n")
