"""The buffer's stream and pinned memory, the memory plan, a study built on a GPU."""

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from torch import Tensor

from bisae.checks import failures, validate
from bisae.grid import Cell, Selection
from bisae.lm import LanguageModel
from bisae.lm.states import StateBlocks
from bisae.memory import need
from bisae.pipeline.build import build
from bisae.query import connect
from bisae.store import SPLITS, Store, create_store
from bisae.study import Study
from bisae.train import Buffer, train_checkpoint
from support.gpu import needs_gpu
from support.rows import Row, rows_of
from support.studies import MODEL, TEXT, make_study

pytestmark = [pytest.mark.gpu, needs_gpu]
VOCABULARY, D, LAYERS, CONTEXT = 1000, 512, 4, 64
CELLS = [Cell("1M", 7, layer) for layer in range(1, LAYERS + 1)]


@pytest.fixture(scope="module")
def lm() -> LanguageModel:
    """An untrained model of four blocks on the GPU, in bfloat16."""
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=D,
        num_hidden_layers=LAYERS,
        num_attention_heads=8,
        intermediate_size=4 * D,
    )
    auto: Any = transformers.AutoModelForCausalLM
    model = auto.from_config(config)
    return LanguageModel(model.to("cuda", torch.bfloat16))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of 3,000 random documents in each split, for training on the GPU."""
    sae = {"n_features": 8192, "k": 32, "batch_tokens": 8192, "buffer_batches": 4}
    study = make_study(
        tmp_path / "store",
        corpus={"text": TEXT, "context": CONTEXT, "train_tokens": 189_000},
        models=[MODEL | {"layers": [cell.layer for cell in CELLS]}],
        sae=sae,
        lm={"device": "cuda", "dtype": "bfloat16"},
    )
    made = create_store(study)
    draw = np.random.default_rng(0)
    with made.write_corpus() as writer:
        for split in SPLITS:
            token_id = draw.integers(0, VOCABULARY, (3000, CONTEXT - 1))
            writer.append(split, token_id, np.arange(3000) % 2)
        attributes = {"bos_token_id": 0, "vocab_size": VOCABULARY}
        writer.finish(attributes | {"tokenizer_fingerprint": "t"})
    return made


def drawn(buffer: Buffer) -> list[dict[int, Tensor]]:
    """Every batch at two layers, refilled while others are read."""
    batches = []
    with closing(buffer):
        while slots_of_batches := buffer.next_batches():
            for slots in slots_of_batches:
                batch = {layer: buffer.rows(layer, slots).cuda() for layer in (1, 4)}
                buffer.refill(slots)
                # Work that keeps the training stream busy while slots are refilled.
                _ = batch[1] @ batch[4].T
                batches.append({layer: rows.cpu() for layer, rows in batch.items()})
    return batches


@pytest.mark.parametrize("device", [None, torch.device("cpu")])
def test_a_stream_ahead_reads_and_writes_no_slot_too_early(
    store: Store, lm: LanguageModel, device: torch.device | None
) -> None:
    """On the GPU or in pinned memory, batches are those of a buffer that waits."""
    source = StateBlocks(store, store.split("train"), lm, CELLS)
    expected = drawn(Buffer(source, 8192, 2048, 0))
    ahead = Buffer(source, 8192, 2048, 0, device=device, ahead=lm.device)
    if device:
        assert ahead._layers[1].is_pinned()
    actual = drawn(ahead)
    assert len(actual) == len(expected) > 50
    for batch, expected_batch in zip(actual, expected, strict=True):
        for layer, rows in batch.items():
            assert torch.equal(rows, expected_batch[layer])


def test_the_plan_is_within_15_percent_of_the_peak(
    store: Store, lm: LanguageModel
) -> None:
    planned = need(store.study, lm.shape, lm.n_params).of(LAYERS, LAYERS)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    train_checkpoint(store, lm, CELLS)
    assert planned == pytest.approx(torch.cuda.max_memory_allocated(), rel=0.15)


def trends(store: Store) -> dict[tuple[str, int, int], Row]:
    query = """
        select cells.size, cells.step, cells.layer, mse, ce_recon, mixed_share
        from cells inner join trends using (size, step, layer)
        where population = 'alive'
    """
    with closing(connect(store, query=query)) as con:
        return {(r["size"], r["step"], r["layer"]): r for r in rows_of(con, query)}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 0.02), ("bfloat16", 0.2)])
def test_a_study_built_on_the_gpu_is_that_of_the_cpu(
    tiny: Store, tiny_study: Study, tmp_path: Path, dtype: str, tolerance: float
) -> None:
    """Every stage on the device; mse and cross-entropy relative, shares absolute."""
    update = {
        "store": str(tmp_path / "store"),
        "work_dir": str(tmp_path / "work"),
        "lm": tiny_study.lm.model_copy(update={"device": "cuda", "dtype": dtype}),
        "sae": tiny_study.sae.model_copy(update={"product": dtype}),
    }
    study = tiny_study.model_copy(update=update).with_written_paths({})
    store = build(study, Selection(frozenset({"S"})))
    assert failures(validate(store)) == []
    expected, actual = trends(tiny), trends(store)
    assert len(actual) == 6
    for cell, row in actual.items():
        on_cpu = expected[cell]
        assert row["mse"] == pytest.approx(on_cpu["mse"], rel=tolerance), cell
        assert row["ce_recon"] == pytest.approx(on_cpu["ce_recon"], rel=tolerance), cell
        assert row["mixed_share"] == pytest.approx(
            on_cpu["mixed_share"], abs=2 * tolerance
        ), cell
