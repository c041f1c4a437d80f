"""Encode a sample of the evaluation text again: do model and weights give the codes?

Reads the `eval` split, the language model and `sae/` of each cell; writes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from bisae.grid import Cell, at
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import StateBlocks, States
from bisae.sae import Autoencoder, Code, from_numpy
from bisae.store import Store, StoredCodes

Tables = dict[str, pa.Table]
"""`sampled_rows`: token_row and gap, by which share of itself the value of rank k is
above the next; `sampled_codes` and `codes_again`: token_row, feature, value."""


def sampled_block(store: Store, cell: Cell) -> int:
    """Which block of documents is encoded again: drawn for each step."""
    size = store.study.lm.batch_documents
    blocks = -(-store.n_documents("eval") // size)
    return int(np.random.default_rng(cell.step).integers(blocks))


def encode_again(
    store: Store, lm: LanguageModel, cells: Sequence[Cell]
) -> Iterator[tuple[Cell, Tables]]:
    """Encode one block of documents with each cell of one checkpoint.

    The block is one that `encode` had as it is, so that products have the same shapes.
    On the same machine codes are then the same to the bit; libraries, processors and
    numbers of threads add in another order, so others differ by rounding.
    """
    number = sampled_block(store, cells[0])
    states = StateBlocks(store, "eval", lm, cells)[number]
    width = store.study.corpus.context - 1
    first = number * store.study.lm.batch_documents * width
    for cell in cells:
        with at(cell):
            tables = _tables(store, lm, cell, first, states)
        yield cell, tables


def _tables(
    store: Store, lm: LanguageModel, cell: Cell, first: int, states: States
) -> Tables:
    """The stored codes of rows from the `first` on, and what their states give now."""
    weights = store.weights(cell)
    if not _fit(weights, lm.d_model):
        return {}
    sae = from_numpy(weights, store.study.sae, lm.device)
    code, gap = _encode(sae, unit_states(states.layers[cell.layer]))
    real = states.real.reshape(-1).numpy()
    token_row = first + real.nonzero()[0]
    return {
        "sampled_rows": pa.table({"token_row": token_row, "gap": gap}),
        "sampled_codes": _stored(store.stored_codes(cell), first, real),
        "codes_again": _long(token_row, code.index, code.value),
    }


def _fit(weights: Mapping[str, Any], d: int) -> bool:
    """Whether weights can encode states of d; that they must is another check."""
    n = len(weights["W_enc"])
    asked = {"W_enc": (n, d), "b_pre": (d,), "b_enc": (n,)}
    names = asked.keys() & weights.keys()
    return all(weights[name].shape == asked[name] for name in names)


def _encode(sae: Autoencoder, x: Tensor) -> tuple[Code, Any]:
    """The stored code of x, (tokens, d), and the gap behind its last place."""
    k = min(sae.k + 1, len(sae.W_enc))
    wide = replace(sae, k=k).encode(x)
    last, after = wide.value[:, sae.k - 1], wide.value[:, sae.k :].sum(1)
    gap = torch.where(last > 0, (last - after) / last, 1.0)
    code = Code(wide.index[:, : sae.k], wide.value[:, : sae.k]).stored()
    return Code(code.index.cpu(), code.value.cpu()), gap.double().cpu().numpy()


def _stored(codes: StoredCodes, first: int, real: Any) -> pa.Table:
    """The codes of the real ones of some rows, as far as there are rows."""
    there = slice(first, max(first, min(first + len(real), codes.rows)))
    real = real[: there.stop - first]
    found = codes.codes(there)
    token_row = first + real.nonzero()[0]
    return _long(token_row, found.index[real], found.value[real])


def _long(token_row: Any, index: Any, value: Any) -> pa.Table:
    """A row for each code of tokens: index and value (tokens, k)."""
    index, value = np.asarray(index), np.asarray(value).astype(np.float32)
    used = value != 0
    return pa.table(
        {
            "token_row": token_row.repeat(used.sum(1)),
            "feature": index[used].astype(np.int32),
            "value": value[used],
        }
    )
