"""A study of random text and an untrained model, to measure and not to learn from."""

from pathlib import Path
from typing import Any

import numpy as np

from bisae.store import SPLITS, Store, create_store
from bisae.study import Study

VOCABULARY = 1000


def make_lm(d: int, layers: int) -> Any:
    """An untrained Llama of `transformers`."""
    import torch  # not by who only wants a store
    from transformers import AutoModelForCausalLM, LlamaConfig

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=d,
        num_hidden_layers=layers,
        num_attention_heads=d // 64,
        intermediate_size=4 * d,
    )
    return AutoModelForCausalLM.from_config(config)


def make_study(place: Path, layers: int, tokens: int, sae: dict[str, Any]) -> Study:
    """A study of one checkpoint, `place`/lm/0."""
    text = [{"language": one, "files": [str(place / "none.txt")]} for one in ("a", "b")]
    model = {
        "size": "M",
        "checkpoint": str(place / "lm" / "{step}"),
        "steps": [0],
        "tokens_per_step": 1,
        "layers": list(range(1, layers + 1)),
    }
    raw = {
        "name": "measured",
        "store": str(place / "store"),
        "work_dir": str(place / "work"),
        "corpus": {"text": text, "train_tokens": tokens},
        "models": [model],
        "sae": sae,
        "lm": {"device": "cpu"},
    }
    return Study.model_validate(raw)


def fill(study: Study, length: Any = None) -> Store:
    """The study's store, its corpus random tokens; documents are full by default."""
    store = create_store(study)
    size = study.corpus.context - 1
    documents = -(-study.corpus.train_tokens // size)
    draw = np.random.default_rng(0)
    with store.write_corpus() as writer:
        for split in SPLITS:
            token_id = draw.integers(0, VOCABULARY, (documents, size))
            if length is not None:
                token_id[np.arange(size) >= length[:, None]] = -1
            writer.append(split, token_id, np.arange(documents) % 2)
        told = {"bos_token_id": 0, "vocab_size": VOCABULARY}
        writer.finish(told | {"tokenizer_fingerprint": "none"})
    return store


def wrapped(d: int, layers: int) -> Any:
    """The untrained model as bisae runs it."""
    from bisae.lm import LanguageModel

    return LanguageModel(make_lm(d, layers))
