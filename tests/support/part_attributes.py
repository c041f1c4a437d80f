"""What the parts of a store must say of themselves, for tests that write one."""

from typing import Any

CORPUS: dict[str, Any] = {
    "bos_token_id": 1,
    "vocab_size": 100,
    "tokenizer_fingerprint": "t",
}
SAE: dict[str, Any] = {
    "architecture": "topk",
    "n_features": 32,
    "k": 3,
    "d_model": 6,
    "lr": 0.001,
    "seed": 0,
    "start": "random",
    "steps": 4,
    "tokens_seen": 70,
    "model": "/lm/7",
    "revision": None,
    "lm_fingerprint": "lm",
    "tokenizer_fingerprint": "t",
    "corpus_fingerprint": "0" * 64,
}
CODES: dict[str, Any] = {
    "n_eval_tokens": 80,
    "mse": 0.5,
    "variance": 1.0,
    "fvu": 0.5,
    "cosine": 0.7,
    "l0": 2.0,
    "n_dead": 0,
    "cut_share": 0.0,
}
