"""Encode the texts of translation pairs with the trained cells of a checkpoint.

Reads the pairs of the corpus, the language model and `sae/` of each cell; writes the
tables `pair_codes` and `hidden_ranks` of cells whose tables are not current.
"""

from collections.abc import Sequence
from contextlib import closing

import numpy as np
import pyarrow as pa
from torch import Tensor

from bisae.corpus import PairTexts, pair_texts, text_for
from bisae.encode.hidden_ranks import hidden_ranks
from bisae.grid import Cell, at
from bisae.lm import LanguageModel, unit_states
from bisae.lm.states import StateBlocks
from bisae.progress import bar
from bisae.query import database, stale_tables, write_tables
from bisae.sae import Autoencoder, Code, load_autoencoder
from bisae.sae.kernels import Scratch
from bisae.store import Array, Provenance, Store

TABLES = ("pair_codes", "hidden_ranks")
CODES = pa.schema(
    [
        ("pair", pa.int32()),
        ("language", pa.string()),
        ("feature", pa.int32()),
        ("mean_value", pa.float32()),
    ]
)


def has_stale_pairs(store: Store, cells: Sequence[Cell]) -> bool:
    """Say if a trained cell lacks a table of its pairs."""
    texts = pair_texts(store)
    return texts is not None and bool(_stale(store, texts, cells))


def encode_pairs(store: Store, lm: LanguageModel, cells: Sequence[Cell]) -> None:
    """Write the tables of pairs of the trained cells of one checkpoint.

    Raises LeaseLost.
    """
    texts = pair_texts(store)
    stale = _stale(store, texts, cells) if texts else {}
    if not texts or not stale:
        return
    vectors = {
        cell: _TextVectors(texts, load_autoencoder(store, cell, lm.device))
        for cell in stale
    }
    blocks = StateBlocks(store, text_for(store, cells[0], texts), lm, [*stale])
    with bar(len(texts), f"pairs {cells[0].checkpoint}", "texts") as shown:
        for number in range(len(blocks)):
            states = blocks[number]
            first = number * store.study.lm.batch_documents
            text = first + states.real.nonzero()[:, 0].numpy()
            for cell in stale:
                with at(cell):
                    vectors[cell].add(text, states.layers[cell.layer])
            shown.update(len(states.real))
    for cell, provenance in stale.items():
        codes = vectors[cell].pair_codes(store.languages)
        ranks = hidden_ranks(texts, store.languages, vectors[cell].mean_states())
        with closing(database(store.tables)) as con:
            for name, rows in zip(TABLES, (codes, ranks), strict=True):
                con.register(name, rows)
            write_tables(con, store, dict.fromkeys(TABLES, provenance), cell)


def _stale(
    store: Store, texts: PairTexts, cells: Sequence[Cell]
) -> dict[Cell, Provenance]:
    """Return the provenance of the tables of those trained cells that lack one."""
    provenances = {
        cell: {
            "sae": store.attributes(cell, "sae")["fingerprint"],
            "pairs": texts.fingerprint,
        }
        for cell in cells
        if store.cell_status(cell).sae
    }
    return {
        cell: provenance
        for cell, provenance in provenances.items()
        if stale_tables(store, dict.fromkeys(TABLES, provenance), cell)
    }


class _TextVectors:
    """The codes and states of each text, summed over its tokens in float64."""

    def __init__(self, texts: PairTexts, sae: Autoencoder) -> None:
        self._texts, self._sae, self._scratch = texts, sae, Scratch()
        self._codes: list[tuple[Array, ...]] = []
        self._states = np.zeros((len(texts), sae.W_enc.shape[1]))

    def add(self, text: Array, raw: Tensor) -> None:
        """Add the raw states, (tokens, d), of whole texts; `text` is (tokens,)."""
        x = self._sae.input.of(raw)
        code = self._sae.encode(x, scratch=self._scratch).stored()
        self._codes.append(_by_text(text, code))
        np.add.at(self._states, text, unit_states(raw).double().cpu().numpy())

    def mean_states(self) -> Array:
        """Return the mean unit state of each text, (texts, d)."""
        return np.asarray(self._states / self._texts.length[:, None])

    def pair_codes(self, languages: Sequence[str]) -> pa.Table:
        """Return the table `pair_codes`."""
        text, feature, summed = map(np.concatenate, zip(*self._codes, strict=True))
        columns = (
            self._texts.pair[text],
            np.array(languages)[self._texts.language[text]],
            feature.astype(np.int32),
            (summed / self._texts.length[text]).astype(np.float32),
        )
        return pa.table([pa.array(column) for column in columns], schema=CODES)


def _by_text(text: Array, code: Code) -> tuple[Array, Array, Array]:
    """Return text, feature and summed value of a code, (tokens, k), by text."""
    value = code.value.double().cpu().numpy()
    used = value > 0
    texts = np.broadcast_to(text[:, None], value.shape)[used]
    feature, value = code.index.cpu().numpy()[used], value[used]
    order = np.lexsort((feature, texts))
    texts, feature, value = texts[order], feature[order], value[order]
    changes = (np.diff(texts) != 0) | (np.diff(feature) != 0)
    start = np.flatnonzero(np.concatenate([[len(value) > 0], changes]))
    summed = np.add.reduceat(value, start) if len(start) else value
    return texts[start], feature[start], summed
