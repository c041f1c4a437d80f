"""Mixing hidden states into batches, and training the cells of one checkpoint."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bisae.errors import CheckpointError, TrainingError
from bisae.grid import Cell
from bisae.hidden import LanguageModel
from bisae.states import States
from bisae.store import SPLITS, Store, create_store
from bisae.study import Study
from bisae.train import check_fit, mixed_batches, train_checkpoint

VOCAB, D, CONTEXT = 40, 16, 9
CELLS = [Cell("1M", 7, layer) for layer in (1, 2)]
anyhow = settings(deadline=None, max_examples=60)


# -- mixed batches --------------------------------------------------------------------


def numbered(sizes: list[int]) -> Iterator[States]:
    """Blocks of so many tokens: layer 1 holds each one's number, layer 2 ten times."""
    first = 0
    for size in sizes:
        number = torch.arange(first, first + size).float()[:, None]
        real = torch.zeros(size, 3, dtype=torch.bool)  # two positions in three are none
        real[:, 0] = True
        yield States(real, {1: number, 2: 10 * number})
        first += size


def batches(
    sizes: list[int], batch: int, capacity: int, seed: int = 0
) -> list[dict[int, Tensor]]:
    return list(mixed_batches(numbered(sizes), batch, capacity, seed))


def order(sizes: list[int], batch: int, capacity: int, seed: int = 0) -> list[int]:
    found = batches(sizes, batch, capacity, seed)
    return [int(token) for one in found for token in one[1].flatten()]


blocks = st.lists(st.integers(1, 30), min_size=1, max_size=20)
widths = st.integers(1, 12)


@anyhow
@given(blocks, widths, st.integers(2, 6), st.integers(0, 2**40))
def test_every_token_comes_once_in_the_same_place_of_every_layer(
    sizes: list[int], batch: int, times: int, seed: int
) -> None:
    found = batches(sizes, batch, times * batch, seed)
    tokens = torch.cat([one[1] for one in found]).flatten()
    assert sorted(tokens.tolist()) == list(range(sum(sizes)))
    assert torch.equal(torch.cat([one[2] for one in found]).flatten(), 10 * tokens)


@anyhow
@given(blocks, widths, st.integers(2, 6))
def test_all_batches_but_the_last_are_full(
    sizes: list[int], batch: int, times: int
) -> None:
    found = [len(one[1]) for one in batches(sizes, batch, times * batch)]
    assert found[:-1] == [batch] * (len(found) - 1)
    assert 0 < found[-1] <= batch


@anyhow
@given(blocks, st.integers(0, 2**40), st.integers())
def test_the_order_depends_on_the_seed_alone(
    sizes: list[int], seed: int, elsewhere: int
) -> None:
    one = order(sizes, 4, 8, seed)
    torch.manual_seed(elsewhere % 2**32)
    assert order(sizes, 4, 8, seed) == one


def test_another_seed_gives_another_order() -> None:
    assert order([50] * 4, 8, 32, 0) != order([50] * 4, 8, 32, 1)


def test_a_batch_mixes_documents() -> None:
    found = batches([16] * 64, 16, 256)  # 64 documents of a batch each, 16 held
    documents = [len({int(token) // 16 for token in one[1]}) for one in found]
    assert min(documents) >= 6
    assert order([16] * 64, 16, 256)[:256] != list(range(256))


def test_a_buffer_gives_out_half_and_keeps_half() -> None:
    seen = []

    def watched() -> Iterator[States]:
        for number, block in enumerate(numbered([8] * 8)):
            seen.append(number)
            yield block

    stream = mixed_batches(watched(), 8, 32, 0)
    read = [(next(stream)[1].shape[0], len(seen)) for _ in range(4)]
    assert read == [(8, 4), (8, 4), (8, 6), (8, 6)]


def test_of_no_text_there_is_no_batch() -> None:
    assert batches([], 4, 8) == []


# -- a checkpoint ---------------------------------------------------------------------


def make_lm(vocab: int = VOCAB) -> LanguageModel:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=vocab,
        hidden_size=D,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=24,
    )
    auto: Any = transformers.AutoModelForCausalLM
    return LanguageModel(auto.from_config(config))


def make_study(place: Path, **sae: Any) -> Study:
    model = {
        "size": "1M",
        "checkpoint": "/lm/{step}",
        "steps": [7],
        "tokens_per_step": 10,
        "layers": [1, 2],
    }
    text = [{"language": name, "files": ["/text/a.txt"]} for name in ("en", "ja")]
    raw = {
        "name": "tiny",
        "store": str(place),
        "corpus": {"text": text, "context": CONTEXT},
        "models": [model],
        "sae": {"n_features": 32, "k": 4, "batch_tokens": 64, "warmup_steps": 2} | sae,
    }
    return Study.model_validate(raw)


def make_store(place: Path, **sae: Any) -> Store:
    """A store with 60 random documents in each split."""
    store = create_store(make_study(place, **sae))
    draw = np.random.default_rng(0)
    with store.write_corpus() as writer:
        for split in SPLITS:
            token_id = draw.integers(0, VOCAB, (60, CONTEXT - 1))
            writer.append(split, token_id, np.arange(60) % 2)
        writer.finish(
            {"bos_token_id": 0, "vocab_size": VOCAB, "tokenizer_fingerprint": "t"}
        )
    return store


def test_training_writes_every_cell(tmp_path: Path) -> None:
    store, lm = make_store(tmp_path / "s", log_every=3), make_lm()
    train_checkpoint(store, lm, CELLS)
    for cell in CELLS:
        assert store.progress(cell) == (True, False)
        weights, told = store.weights(cell), store.attributes(cell, "sae")
        assert weights["W_enc"].shape == weights["W_dec"].shape == (32, D)
        np.testing.assert_allclose(np.linalg.norm(weights["W_dec"], axis=1), 1, 1e-5)
        assert (told["n_features"], told["k"], told["d_model"]) == (32, 4, D)
        assert (told["steps"], told["tokens_seen"]) == (8, 70)
        assert told["lm_fingerprint"] == lm.fingerprint()
        corpus = store.corpus_attributes()
        assert told["corpus_fingerprint"] == corpus["fingerprint"]


def test_a_cell_is_the_same_whoever_is_trained_beside_it(tmp_path: Path) -> None:
    both, alone = make_store(tmp_path / "both"), make_store(tmp_path / "alone")
    train_checkpoint(both, make_lm(), CELLS)
    train_checkpoint(alone, make_lm(), CELLS[1:])
    here, there = both.weights(CELLS[1]), alone.weights(CELLS[1])
    assert all(np.array_equal(here[name], there[name]) for name in here)


def test_what_is_trained_is_not_touched(tmp_path: Path) -> None:
    store, lm = make_store(tmp_path / "s"), make_lm()
    train_checkpoint(store, lm, CELLS[:1])
    finished = store.zarr / "cells" / str(CELLS[0])
    before = {p: p.stat().st_mtime_ns for p in finished.rglob("*")}
    train_checkpoint(store, lm, CELLS)
    assert {p: p.stat().st_mtime_ns for p in finished.rglob("*")} == before
    assert store.progress(CELLS[1]).sae


def test_a_loss_that_is_no_number_names_cell_and_step(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lr=3e38, log_every=2)
    said = r"^cell 1M/7/1: the loss is (nan|inf) at step 2; lower lr\n"
    with pytest.raises(TrainingError, match=said):
        train_checkpoint(store, make_lm(), CELLS)
    assert not store.progress(CELLS[0]).sae


def test_a_loss_that_nobody_logged_is_noticed(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", lr=3e38, log_every=100)
    said = r"^cell 1M/7/1: weights are not finite after step 8; lower lr$"
    with pytest.raises(TrainingError, match=said):
        train_checkpoint(store, make_lm(), CELLS)
    assert not store.progress(CELLS[0]).sae


def test_a_model_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    said = r"7 embeds 39 tokens, the tokenizer has 40: .* set \[corpus\] tokenizer$"
    with pytest.raises(CheckpointError, match=said):
        check_fit(make_store(tmp_path / "s"), make_lm(VOCAB - 1), CELLS)


def test_a_model_of_another_width_is_refused(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s")
    model = store.study.models[0].model_copy(update={"d_model": 8})
    store.study = store.study.model_copy(update={"models": (model,)})
    with pytest.raises(CheckpointError, match=r"7 has d_model 16, the study says 8$"):
        check_fit(store, make_lm(), CELLS)
