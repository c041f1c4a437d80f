"""Bad input gives one clear line and its status, and leaves what is finished alone."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer

from bisae.cli import main
from bisae.grid import Checkpoint
from bisae.lm.opening import open_model
from bisae.store import Store, open_store
from bisae.study import Model, Study, dump_study

Change = Callable[[Study], Study]


def fail(study: Study, *command: str, status: int = 1) -> str:
    """Run a command that must fail and touch nothing finished; its one line."""
    store = Path(study.store)
    path = store.parent / "study.toml"
    path.write_text(dump_study(study))
    before = finished(store)
    message = CliRunner().invoke(main, [*command, str(path)])
    assert message.exit_code == status, message.output
    assert message.stdout == ""
    *notes, line = message.stderr.splitlines()
    # The rest is built; spoiled copies of a checkpoint share most of its weights.
    assert all(re.search(" failed: | have the same weights: ", note) for note in notes)
    assert line.startswith("Error: ")
    after = finished(store)
    assert {file: after.get(file) for file in before} == before
    return line


def finished(store: Path) -> dict[str, str]:
    """Digests of all cells' files and tables, but for the digest of the grid."""
    files = [*store.rglob("cells/**/*"), *store.rglob("tables/**/*.parquet")]
    return {
        str(file): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file() and file.parent.name != "current_tests"
    }


def with_model(study: Study, **changes: Any) -> Study:
    """The study with its first model changed."""
    first = Model.model_validate(study.models[0].model_dump() | changes)
    return study.model_copy(update={"models": (first, *study.models[1:])})


def with_step(study: Study, step: int, change: Callable[[Path], None]) -> Study:
    """The study with one more checkpoint of its first model, made by `change`."""
    model = study.models[0]
    source = Path(model.checkpoint_at(model.steps[-1])[0])
    target = Path(model.checkpoint_at(step)[0])
    if not target.exists():
        shutil.copytree(source, target)
        change(target)
    return with_model(study, steps=(*model.steps, step))


def test_a_missing_checkpoint(copied_study: Study) -> None:
    line = fail(with_model(copied_study, steps=(0, 5, 40, 999)), "build")
    assert "no checkpoint folder" in line
    assert "S/999" in line


def test_an_unknown_layer(copied_study: Study) -> None:
    line = fail(with_model(copied_study, layers=(1, 9)), "build", status=2)
    assert "S has no layer 9" in line
    assert "its n_layers in [[pretrain.models]] is 2" in line


def test_a_checkpoint_of_another_width(copied_study: Study) -> None:
    def widen(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config["hidden_size"] = 64
        (folder / "config.json").write_text(json.dumps(config))

    line = fail(with_step(copied_study, 46, widen), "train")
    assert "S/46" in line


def test_a_checkpoint_that_is_whole_and_of_another_width(copied_study: Study) -> None:
    model = copied_study.models[0]
    config = transformers.AutoConfig.from_pretrained(model.checkpoint_at(40)[0])
    config.hidden_size = 64
    auto: Any = transformers.AutoModelForCausalLM
    auto.from_config(config).save_pretrained(model.checkpoint_at(39)[0])
    line = fail(with_model(copied_study, steps=(0, 5, 39, 40)), "train")
    assert "39 has d_model 64, the study says 32" in line


def test_states_that_are_not_finite(copied_study: Study) -> None:
    def spoil(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        weights["model.layers.1.mlp.down_proj.weight"][0, 0] = torch.nan
        save_file(weights, folder / "model.safetensors", {"format": "pt"})

    line = fail(with_step(copied_study, 41, spoil), "build")
    assert "cell S/41/2, train document 0" in line
    assert "zero or not finite" in line


def test_a_tokenizer_larger_than_the_model(copied_study: Study) -> None:
    def shrink(folder: Path) -> None:
        weights = load_file(folder / "model.safetensors")
        name = "model.embed_tokens.weight"
        save_file(
            weights | {name: weights[name][:300].clone()},
            folder / "model.safetensors",
            {"format": "pt"},
        )
        config = json.loads((folder / "config.json").read_text())
        config["vocab_size"] = 300
        (folder / "config.json").write_text(json.dumps(config))

    line = fail(with_step(copied_study, 42, shrink), "build")
    assert "embeds 300 tokens, the tokenizer has 700: they do not belong" in line
    assert "set [corpus] tokenizer" in line
    assert "S/42" in line


def test_a_tokenizer_of_another_model(copied_study: Study) -> None:
    """As large as the study's, of other words: nothing but itself tells it apart."""

    def ship(folder: Path) -> None:
        file = Path(copied_study.tokenizer()[0]) / "tokenizer.json"
        tokenizer = json.loads(file.read_text("utf-8"))
        names = sorted(tokenizer["model"]["vocab"], key=lambda name: (name, len(name)))
        names.remove("<s>")
        numbers = {name: i for i, name in enumerate(["<s>", *names])}
        tokenizer["model"]["vocab"] = numbers
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer))

    line = fail(with_step(copied_study, 44, ship), "train")
    assert "the tokenizer that" in line
    assert "S/44 ships has another fingerprint than the study's" in line
    assert "set [corpus] tokenizer" in line


def test_a_tokenizer_that_is_written_otherwise_is_the_same(copied_study: Study) -> None:
    def ship(folder: Path) -> None:
        file = Path(copied_study.tokenizer()[0]) / "tokenizer.json"
        tokenizer = Tokenizer.from_file(str(file))
        tokenizer.add_special_tokens(["<|chat|>"])
        tokenizer.enable_truncation(100)
        tokenizer.save(str(folder / "tokenizer.json"))

    study = with_step(copied_study, 45, ship)
    model = study.models[0]
    store = Store(open_store(Path(study.store)).path, study)
    assert open_model(store, Checkpoint(model.size, 45)).n_layers == 2


def test_a_gpu_that_is_not_there(
    copied_study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    study = with_step(copied_study, 43, lambda _: None)
    lm = study.lm.model_copy(update={"device": "cuda"})
    line = fail(study.model_copy(update={"lm": lm}), "train")
    assert "device 'cuda'" in line


def test_a_batch_larger_than_the_corpus(copied_study: Study) -> None:
    sae = copied_study.sae.model_copy(update={"batch_tokens": 20_001})
    line = fail(copied_study.model_copy(update={"sae": sae}), "build", status=2)
    assert "[sae] batch_tokens = 20,001 is more than [corpus] train_tokens = " in line
    assert "20,000; lower it" in line


def test_another_study_in_the_same_place(copied_study: Study) -> None:
    sae = copied_study.sae.model_copy(update={"k": 5})
    line = fail(copied_study.model_copy(update={"sae": sae}), "build")
    assert "holds another study: [sae] k" in line


def test_a_selection_that_is_not_there(copied_study: Study) -> None:
    line = fail(copied_study, "build", "--only", "step=41", status=2)
    assert "no step 41 in this study: the nearest is 40" in line


def test_a_step_alone_is_not_pretrained(copied_study: Study) -> None:
    line = fail(copied_study, "pretrain", "--only", "size=S,step=5", status=2)
    assert "all steps of a size belong together, write size=SIZE" in line


def test_embeddings_of_a_size_that_is_not_there(copied_study: Study) -> None:
    semantic = copied_study.semantic.model_copy(update={"size": "XL"})
    line = fail(
        copied_study.model_copy(update={"semantic": semantic}), "export", status=2
    )
    assert "[semantic] size = 'XL'" in line
