"""A small store with random text and an untrained model, for tests of training."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from bisae.grid import Cell
from bisae.lm import LanguageModel
from bisae.store import SPLITS, Store, create_store
from bisae.study import Study
from support.studies import TEXT, make_study

VOCAB, D, CONTEXT = 40, 16, 9
CELLS = [Cell("1M", 7, layer) for layer in (1, 2)]


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


def study_in(store: Path, **sae: Any) -> Study:
    """Return a study of two cells with small batches."""
    small = {"n_features": 32, "k": 4, "batch_tokens": 64}
    small |= {"warmup_steps": 2, "buffer_batches": 2}
    corpus = {"text": TEXT, "context": CONTEXT}
    return make_study(store, corpus=corpus, sae=small | sae)


def make_store(place: Path, **sae: Any) -> Store:
    """A store with 60 random documents in each split."""
    store = create_store(study_in(place, **sae))
    draw = np.random.default_rng(0)
    with store.write_corpus() as writer:
        for split in SPLITS:
            token_id = draw.integers(0, VOCAB, (60, CONTEXT - 1))
            writer.append(split, token_id, np.arange(60) % 2)
        writer.finish(
            {"bos_token_id": 0, "vocab_size": VOCAB, "tokenizer_fingerprint": "t"}
        )
    return store
