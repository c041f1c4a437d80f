"""Numbers and names outside their range are refused when a study is read."""

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.errors import CheckpointError, StudyError
from bisae.lm import chosen_device, read_config
from bisae.study import parse_study
from bisae.study.toml import MOST_PARTS
from support.study_files import EN, JA, MODEL, SHAPE, WITHOUT_TOKENS, load, raw

LANGUAGES = [{"language": f"l{n}", "files": ["a.txt"]} for n in range(257)]


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"sae": {"seed": 2**70}}, "sae.seed"),
        ({"sae": {"seed": -(2**63) - 1}}, "sae.seed"),
        ({"features": {"null_seed": -1}}, "features.null_seed"),
        ({"corpus": {"text": [EN, JA], "seed": 2**63}}, "corpus.seed"),
        ({"corpus": {"text": [EN, JA], "train_tokens": 2**60}}, "corpus.train_tokens"),
        ({"corpus": {"text": [EN, JA], "context": 65_537}}, "corpus.context"),
        ({"corpus": {"text": LANGUAGES}}, "corpus: has 257 languages"),
        ({"sae": {"n_features": 2**31}}, "sae.n_features"),
        ({"sae": {"k": 32_768, "n_features": 10**6}}, "sae.k"),
        ({"models": [MODEL | {"steps": [0, 2**62]}]}, "models.0.steps.1"),
        ({"models": [MODEL | {"steps": [10**30]}]}, "models.0.steps.0"),
        ({"models": [MODEL | {"size": "1" * 129}]}, "models.0.size"),
        (
            {"models": [MODEL | {"layers": "1-100000000"}]},
            "models.0.layers: a layer is",
        ),
        (
            {"models": [MODEL | {"layers": [10**8]}]},
            "models.0.layers: a layer is above",
        ),
        ({"models": [MODEL | {"d_model": 10**9}]}, "models.0.d_model"),
        (
            {"models": [MODEL | {"tokens_per_step": 2**53, "steps": [2**20]}]},
            "models.0: tokens_per_step gives step",
        ),
        (
            {"models": [WITHOUT_TOKENS | {"tokens_seen": [0, 2**63]}]},
            "models.0.tokens_seen.1",
        ),
        (
            {"models": [MODEL | {"steps": list(range(200)), "layers": "0-999"}]},
            "the study: has 200,000 cells",
        ),
        ({"semantic": {"step": 10**30}}, "semantic.step"),
        ({"pretrain": {"models": [SHAPE | {"n_layers": 10**9}]}}, "pretrain.models.0"),
        ({"lm": {"device": "gpu"}}, "lm.device: give auto, cpu, cuda"),
        ({"name": "n" * 201}, "name: is longer than 200 bytes"),
        ({"name": "a\0b"}, "name: a string contains a NUL"),
        (
            {"models": [MODEL | {"checkpoint": "./\0"}]},
            "models.checkpoint: a string contains",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_what_is_out_of_range_is_named(
    tmp_path: Path, sections: dict[str, Any], key: str
) -> None:
    line = re.escape(f"{tmp_path / 'study.toml'}: {key}")
    with pytest.raises(StudyError, match=f"^{line}[^\n]*$"):
        load(tmp_path, **sections)


def test_what_is_in_range_is_read(tmp_path: Path) -> None:
    sae = {"seed": -1, "n_features": 2**31 - 1, "k": 32_767}
    model = MODEL | {"size": "1" * 128, "layers": "0-99", "steps": [0, 2**53]}
    model |= {"tokens_per_step": 1}
    corpus = {"text": LANGUAGES[:256], "context": 65_536, "seed": 2**63 - 1}
    for device in ("auto", "cpu", "cuda", "cuda:7"):
        load(tmp_path, models=[model], sae=sae, corpus=corpus, lm={"device": device})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".".join("a" * 50_000) + " = 1", f"a key has more than {MOST_PARTS} parts"),
        ("[" + ".".join("a" * 50_000) + "]", f"a key has more than {MOST_PARTS} parts"),
        ("a = {" + ' . "b"' * 50_000 + " = 1}", "a key has more than"),
        ("a = {b" + ' . "b"' * 50_000 + " = 1}", "a key has more than"),
        ("a = " + "[" * 100_000, "maximum recursion depth"),
        ("a = " + "{a = " * 100_000, "maximum recursion depth"),
        ("a = " + "9" * 5_000, "Exceeds the limit"),
        ("a = 0x" + "f" * 100_000, "name is missing"),
        ("a" * 500_000, "Expected '='"),
        ('a = """' + '\\"""' * 100_000, ""),
    ],
    ids=range(10),
)
def test_toml_is_read_in_a_time_that_its_length_bounds(text: str, said: str) -> None:
    """Some would take a reader minutes: a test that ends has passed."""
    with pytest.raises(StudyError) as caught:
        parse_study(text, "study.toml")
    assert said in str(caught.value)


def test_many_parts_in_a_text_are_no_key() -> None:
    name = ".".join("a" * 50)
    text = f'name = "{name}" # {name}\n[corpus]\ntext = []\n'
    with pytest.raises(StudyError, match=r"^study: corpus: has one language"):
        parse_study(text, "study")


def test_a_device_that_there_is_not() -> None:
    with pytest.raises(CheckpointError, match=r"^no device 'gpu': choose auto, cpu or"):
        chosen_device("gpu")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            '{"model_type": "llama", "num_hidden_layers": 999999999}',
            "num_hidden_layer",
        ),
        (
            '{"model_type": "qwen2", "num_hidden_layers": 999999999}',
            "num_hidden_layer",
        ),
        ('{"model_type": "gpt2", "n_layer": 999999999}', "n_layer = 999,999,999 in"),
        (
            '{"model_type": "llama", "num_hidden_layers": 0}',
            "0 as its number of layers",
        ),
        ('{"text_config": {"num_hidden_layers": 999999999}}', "num_hidden_layers"),
        ("[" * 100_000, "recursion"),
    ],
    ids=range(6),
)
def test_a_configuration_that_lies(tmp_path: Path, config: str, said: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(CheckpointError) as caught:
        read_config(str(tmp_path))
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_endless_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.json").symlink_to("/dev/zero")
    with pytest.raises(CheckpointError, match=r"config.json is not an ordinary file"):
        read_config(str(tmp_path))


def test_plan_says_it_in_one_line(tmp_path: Path) -> None:
    import tomli_w

    file = tmp_path / "study.toml"
    file.write_text(tomli_w.dumps(raw(lm={"device": "tpu"})))
    result = CliRunner().invoke(main, ["plan", str(file)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: {file}: lm.device: give auto")
    assert result.stderr.count("\n") == 1
