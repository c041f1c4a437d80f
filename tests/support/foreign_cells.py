"""Cells with given autoencoders, trained or imported, and random codes."""

from typing import Any

import numpy as np

from bisae.grid import Cell
from bisae.store import Store
from support.foreign import K, N, Plain, unit


def write_cell(store: Store, cell: Cell, sae: Plain, **imported: Any) -> None:
    """Write an autoencoder and random codes; `imported` makes it an imported one."""
    corpus = store.corpus_attributes()
    attributes: dict[str, Any] = {
        "architecture": sae.activation,
        "n_features": N,
        "k": K,
        "d_model": sae.W_enc.shape[1],
        "tokens_seen": 70,
        "model": "/lm/7",
        "revision": None,
        "lm_fingerprint": "l",
        "tokenizer_fingerprint": "t",
        "corpus_fingerprint": corpus["fingerprint"],
    }
    trained = {"lr": 1e-3, "seed": 0, "start": "random", "steps": 1}
    weights = {"W_enc": sae.W_enc, "W_dec": unit(sae.W_dec), "b_pre": sae.b_dec}
    if imported:
        weights |= {"b_enc": sae.b_enc}
        weights |= {"threshold": sae.threshold} if sae.activation == "jumprelu" else {}
        attributes |= {"sae_step": 7, "sae_format": "saelens", "source": "x"}
        attributes |= {"source_file": "x", "source_sha256": "0" * 64}
        attributes |= {"source_licence": None, "conversions": ""} | imported
    else:
        attributes |= trained
    arrays = {name: array.astype(np.float32) for name, array in weights.items()}
    store.write_sae(
        cell, arrays, np.zeros(0, np.float32), attributes, newest=bool(imported)
    )
    rows = store.n_documents("eval") * (store.study.corpus.context - 1)
    draw = np.random.default_rng(0)
    index = np.sort(draw.permuted(np.tile(np.arange(N), (rows, 1)), axis=1)[:, :K])
    value = -np.sort(-draw.random((rows, K)).astype(np.float16), axis=1)
    value[:, -1] = 0
    metrics = {"n_eval_tokens": rows, "mse": 0.1, "variance": 1.0, "fvu": 0.1}
    metrics |= {"cosine": 0.9, "l0": 3.0, "n_dead": 0, "cut_share": 0.0}
    with store.write_codes(cell, rows) as writer:
        writer.append(index, value)
        writer.finish(metrics)
