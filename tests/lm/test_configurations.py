"""A study that its checkpoints contradict is refused before any work, and in a plan."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.errors import BisaeError
from bisae.grid import Selection
from bisae.lm.configurations import with_layers
from bisae.pipeline.build import build
from bisae.pipeline.plan import plan
from bisae.study import Study, dump_study
from support.byte_tokenizer import save_tokenizer
from support.model_families import LAYERS, VOCAB, D, save

Change = Callable[[Path], None]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """Three steps of a tiny GPT-2 with 300 tokens and 40 positions; text is missing."""
    for step in (1, 2, 3):
        save("gpt2", tmp_path / "lm" / str(step), step, vocab_size=300, n_positions=40)
    save_tokenizer(tmp_path / "tokenizer", bos_token="<s>")
    text = [{"language": item, "files": ["/no/text.jsonl"]} for item in ("en", "ja")]
    corpus = {"text": text, "tokenizer": str(tmp_path / "tokenizer"), "context": 40}
    model: dict[str, Any] = {"size": "S", "checkpoint": str(tmp_path / "lm/{step}")}
    model |= {"steps": [1, 2, 3], "tokens_per_step": 10}
    raw = {"name": "s", "store": str(tmp_path / "store"), "models": [model]}
    return Study.model_validate(raw | {"corpus": corpus})


def changed(study: Study, step: int, **config: Any) -> None:
    """Change the configuration of a step, not its weights."""
    file = Path(study.models[0].checkpoint_at(step)[0]) / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | config))


def refusals(study: Study) -> set[str]:
    """What building and planning say; nothing is written before it."""
    said = set()
    for command in (lambda: build(study, Selection()), lambda: plan(study)):
        with pytest.raises(BisaeError) as caught:
            command()
        said.add(str(caught.value))
    assert not Path(study.store).exists()
    return said


def test_what_fits_is_listed(study: Study) -> None:
    (model,) = with_layers(study).models
    assert (model.layers, model.d_model) == (tuple(range(1, LAYERS + 1)), D)
    assert model.n_layers == LAYERS
    assert plan(study)[0].layers == LAYERS


def test_a_context_beyond_the_positions(study: Study) -> None:
    corpus = study.corpus.model_copy(update={"context": 41})
    (said,) = refusals(study.model_copy(update={"corpus": corpus}))
    path = study.models[0].checkpoint_at(1)[0]
    expected = (
        f"[corpus] context = 41 is more than the 40 positions of {path}; lower it"
    )
    assert said == expected


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"n_positions": 39}, "is more than the 39 positions of"),
        ({"vocab_size": VOCAB}, f"embeds {VOCAB} tokens, the tokenizer has 258"),
        ({"n_embd": 64}, "has d_model"),
        ({"n_layer": 4}, "has 4 blocks|has no layer 4"),  # at the last step: both
        ({"n_layer": 2}, "has no layer 3|has 3 blocks"),
    ],
)
def test_every_step_is_looked_at(
    study: Study, step: int, config: dict[str, int], wanted: str
) -> None:
    changed(study, step, **config)
    (said,) = refusals(study)
    assert re.search(wanted, said)
    assert "\n" not in said


def test_a_width_that_the_study_says(study: Study) -> None:
    model = study.models[0].model_copy(update={"d_model": 2 * D})
    (said,) = refusals(study.model_copy(update={"models": (model,)}))
    assert said.endswith(f"has d_model {D}, the study says {2 * D}")


def test_a_number_of_blocks_that_the_study_says(study: Study) -> None:
    model = study.models[0].model_copy(update={"n_layers": LAYERS + 1})
    (said,) = refusals(study.model_copy(update={"models": (model,)}))
    expected = f"has {LAYERS} blocks, size S has {LAYERS + 1}: they cannot be one size"
    assert said.endswith(expected)


def test_only_what_is_selected_is_looked_at(study: Study) -> None:
    changed(study, 1, n_positions=39)
    with_layers(study, Selection(steps=frozenset({2})))
    with pytest.raises(BisaeError, match="39 positions"):
        with_layers(study, Selection(steps=frozenset({1})))


def test_an_intervention_at_a_layer_that_there_is_not(study: Study) -> None:
    request = {"size": "S", "layer": 9, "mid_step": 1}
    raw = study.model_dump() | {"intervention": request}
    with pytest.raises(BisaeError, match="S has no autoencoder at layer 9; its layers"):
        with_layers(Study.model_validate(raw))


def test_a_plan_says_it_in_one_line(study: Study, tmp_path: Path) -> None:
    changed(study, 2, n_positions=39)
    (tmp_path / "study.toml").write_text(dump_study(study))
    result = CliRunner().invoke(main, ["plan", str(tmp_path / "study.toml")])
    assert result.exit_code == 2
    (line,) = result.output.splitlines()[-1:]
    assert line.startswith("Error: [corpus] context = 40 is more than the 39 ")
