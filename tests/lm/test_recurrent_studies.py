"""Whole studies of models without plain keys and values: built, measured, translated.

Their translations are what a plain loop writes that reads everything for each token.
"""

from pathlib import Path

import pytest
import torch

from bisae.corpus import load_tokenizer
from bisae.grid import Cell, Selection
from bisae.intervene.translation import Direction, make_job
from bisae.lm import load_lm
from bisae.pipeline.build import build
from bisae.pipeline.intervene import intervene
from bisae.query import connect
from bisae.study import Model, Study
from bisae.study.schema import Semantic
from support.model_families import CACHELESS, SHARED_KEYS, save
from support.rows import rows_of

MODELS = CACHELESS | {"gemma4": SHARED_KEYS}
MID, FULL = 5, 40


def study_of(name: str, tiny: Study, folder: Path, layer: int) -> Study:
    """The tiny study with two random checkpoints of a model, one layer of them."""
    vocabulary = len(load_tokenizer(tiny))
    for step in (MID, FULL):
        path = folder / "lm" / str(step)
        changes = {"vocab_size": vocabulary, "vocab_size_per_layer_input": vocabulary}
        changes |= {"context_length": 256}
        save(name, path, step, MODELS[name], **changes)
    model = Model(
        size="M",
        checkpoint=str(folder / "lm" / "{step}"),
        steps=(MID, FULL),
        tokens_per_step=256,
        layers=(layer,),
    )
    request = tiny.intervention
    assert request
    update = {"layer": layer, "documents": 8, "draws": 1}
    changed = {
        "models": (model,),
        "semantic": Semantic(),
        "intervention": request.model_copy(update=update),
    }
    changed |= {"pretrain": None, "store": str(folder / "store")}
    return tiny.model_copy(update=changed | {"work_dir": str(folder / "work")})


@torch.no_grad()
def continued(checkpoint: Path, ids: list[int], n_new: int) -> list[int]:
    model = load_lm(str(checkpoint))._model
    for _ in range(n_new):
        logits = model(torch.tensor([ids]), use_cache=False).logits
        ids = [*ids, int(logits[0, -1].argmax())]
    return ids[-n_new:]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("mamba", 1),
        pytest.param("rwkv", 2, marks=pytest.mark.slow),
        pytest.param("openai-gpt", 1, marks=pytest.mark.slow),
        pytest.param("gemma4", 3, marks=pytest.mark.slow),
    ],
)
def test_it_is_measured_and_translated_with(
    name: str, layer: int, tiny_study: Study, tmp_path: Path
) -> None:
    study = study_of(name, tiny_study, tmp_path, layer)
    build(study, Selection())
    store, cell = intervene(study)
    assert cell == Cell("M", MID, layer)
    con = connect(store)
    measured = rows_of(con, "from interventions where language = 'all'")
    assert {row["added"] for row in measured} > {"none"}
    assert all(row["nll"] > 0 for row in measured)
    query = "from translations where added = 'baseline' order by pair"
    rows = [row for row in rows_of(con, query) if row["source_language"] == "en"]
    prompts = make_job(store, cell, FULL, {}).prompts[Direction("en", "ja")]
    tokenizer = load_tokenizer(store.study)
    for row, prompt in zip(rows, prompts, strict=True):
        ids = tokenizer(prompt, add_special_tokens=False).input_ids
        ids = [tokenizer.bos_token_id, *ids]
        written = continued(tmp_path / "lm" / str(MID), ids, 8)
        text = tokenizer.decode(written, skip_special_tokens=True)
        assert row["translation"] == text.split("\n")[0].strip()
