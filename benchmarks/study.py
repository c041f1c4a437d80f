"""A study of random text and an untrained model, for benchmarks."""

from pathlib import Path
from typing import Any

import numpy as np

from bisae.store import SPLITS, Store, create_store
from bisae.study import Study

VOCABULARY = 1000


def make_lm(d: int, layers: int) -> Any:
    """Create an untrained Llama of `transformers`."""
    import torch  # here, since a store alone does not need it
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


def make_study(folder: Path, layers: int, tokens: int, sae: dict[str, Any]) -> Study:
    """Return a study of one checkpoint, `folder`/lm/0."""
    text = [
        {"language": language, "files": [str(folder / "none.txt")]}
        for language in ("a", "b")
    ]
    model = {
        "size": "M",
        "checkpoint": str(folder / "lm" / "{step}"),
        "steps": [0],
        "tokens_per_step": 1,
        "layers": list(range(1, layers + 1)),
    }
    raw = {
        "name": "measured",
        "store": str(folder / "store"),
        "work_dir": str(folder / "work"),
        "corpus": {"text": text, "train_tokens": tokens},
        "models": [model],
        "sae": sae,
        "lm": {"device": "cpu"},
    }
    return Study.model_validate(raw)


def fill(study: Study, length: Any = None) -> Store:
    """Create the study's store with random tokens; documents are full by default."""
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
        attributes = {"bos_token_id": 0, "vocab_size": VOCABULARY}
        writer.finish(attributes | {"tokenizer_fingerprint": "none"})
    return store


def wrapped(d: int, layers: int) -> Any:
    """Wrap the untrained model as bisae runs it."""
    from bisae.lm import LanguageModel

    return LanguageModel(make_lm(d, layers))
