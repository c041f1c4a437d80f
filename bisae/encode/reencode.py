"""Re-encode a sample of the evaluation text to check the stored codes.

Reads the `eval` split, the language model and `sae/` of each cell; writes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from torch import Tensor

from bisae.corpus import text_for
from bisae.grid import Cell, at
from bisae.lm import LanguageModel
from bisae.lm.states import StateBlocks, States
from bisae.sae import Autoencoder, Code, load_autoencoder
from bisae.store import Store, StoredCodes

Tables = dict[str, pa.Table]
"""`sampled_rows`: token_row and gap, the relative distance from another choice of
features; `sampled_codes` and `codes_again`: token_row, feature, value."""


def sampled_block(store: Store, cell: Cell) -> int:
    """Draw the block of documents to re-encode, one for each step."""
    size = store.study.lm.batch_documents
    blocks = -(-store.n_documents("eval") // size)
    return int(np.random.default_rng(cell.step).integers(blocks))


def reencode_block(
    store: Store, lm: LanguageModel, cells: Sequence[Cell]
) -> Iterator[tuple[Cell, Tables]]:
    """Re-encode one block of documents with each cell of one checkpoint.

    The block is one of those of `encode`, so that products have the same shapes. On the
    same machine codes are then equal to the bit; other libraries, processors and
    numbers of threads add in another order, so codes differ by rounding.
    """
    number = sampled_block(store, cells[0])
    text = text_for(store, cells[0], store.split("eval"))
    states = StateBlocks(store, text, lm, cells)[number]
    width = store.study.corpus.context - 1
    first = number * store.study.lm.batch_documents * width
    for cell in cells:
        with at(cell):
            tables = _tables(store, lm, cell, first, states)
        yield cell, tables


def _tables(
    store: Store, lm: LanguageModel, cell: Cell, first: int, states: States
) -> Tables:
    """Return the stored codes of the rows from `first` on, and the recomputed ones."""
    if not _weights_fit(store.weights(cell), lm.d_model):
        return {}
    sae = load_autoencoder(store, cell, lm.device)
    code, gap = _encode(sae, states.layers[cell.layer])
    real = states.real.reshape(-1).numpy()
    token_row = first + real.nonzero()[0]
    return {
        "sampled_rows": pa.table({"token_row": token_row, "gap": gap}),
        "sampled_codes": _stored_codes(store.stored_codes(cell), first, real),
        "codes_again": _code_table(token_row, code.index, code.value),
    }


def _weights_fit(weights: Mapping[str, Any], d: int) -> bool:
    """Say if weights can encode states of width d; another check requires it."""
    n = len(weights["W_enc"])
    shapes = {"W_enc": (n, d), "b_pre": (d,)}
    shapes |= dict.fromkeys(("b_enc", "threshold", "rank_scale"), (n,))
    names = shapes.keys() & weights.keys()
    return all(weights[name].shape == shapes[name] for name in names)


def _encode(sae: Autoencoder, raw: Tensor) -> tuple[Code, Any]:
    """Return the code of raw states, (tokens, d), as stored, and their margins."""
    code, margin = sae.encode_with_margin(sae.input.of(raw))
    code = code.stored()
    return Code(code.index.cpu(), code.value.cpu()), margin.double().cpu().numpy()


def _stored_codes(codes: StoredCodes, first: int, real: Any) -> pa.Table:
    """Read the codes of the real tokens among some rows, up to the last row."""
    rows = slice(first, max(first, min(first + len(real), codes.rows)))
    real = real[: rows.stop - first]
    block = codes.codes(rows)
    token_row = first + real.nonzero()[0]
    return _code_table(token_row, block.index[real], block.value[real])


def _code_table(token_row: Any, index: Any, value: Any) -> pa.Table:
    """Return a table with a row for each used slot; index and value are (tokens, k)."""
    index, value = np.asarray(index), np.asarray(value).astype(np.float32)
    used = value != 0
    return pa.table(
        {
            "token_row": token_row.repeat(used.sum(1)),
            "feature": index[used].astype(np.int32),
            "value": value[used],
        }
    )
