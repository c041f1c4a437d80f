"""The language model behind a page: tokens that a direction promotes, codes of a text.

Loads checkpoints that are folders on this machine, one at a time, and keeps the last.
"""

from threading import Lock
from typing import NamedTuple

import torch
from torch import Tensor

from bisae.browser.library import Library
from bisae.browser.page import Block
from bisae.corpus import load_tokenizer, tokens_of
from bisae.errors import CheckpointError
from bisae.formats import Rows
from bisae.grid import Cell, Checkpoint
from bisae.lm import LanguageModel, unit_states
from bisae.lm.opening import note_checkpoint, open_model
from bisae.query import rows_of
from bisae.sae import from_numpy
from bisae.store import Array, Store

PROMOTED = 15
"""Tokens at each end of the logit lens."""


class TextCodes(NamedTuple):
    """A text as its tokens, and the code of each."""

    token_id: list[int]
    texts: list[str]
    """The text that each token adds; "" for the rest of a split character."""
    feature: Array
    """(tokens, k)"""
    value: Array
    """(tokens, k), descending; 0 in unused slots."""
    is_cut: bool
    """True if the text is longer than a window."""


class Models:
    """The language model of the checkpoint that a page asked for last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._checkpoint: Checkpoint | None = None
        self._lm: LanguageModel | None = None

    def lens(self, library: Library, cell: Cell, feature: int) -> Block:
        """Return the tokens whose logits a feature's direction raises and lowers most.

        The logit lens: the final norm and the unembedding, applied to the direction in
        place of the last layer's state, less the same of a zero state.
        """
        direction = torch.from_numpy(self._store.direction(cell, feature))
        with self._lock:
            logits = _direct_logits(self._model(cell), direction)
        order = logits.argsort(descending=True, stable=True).tolist()
        chosen = dict.fromkeys([*order[:PROMOTED], *order[-PROMOTED:]])
        tokens = _tokens(library, cell, [*chosen])
        rows = [(i, tokens.get(i, f"<{i}>"), float(logits[i])) for i in chosen]
        return Block(Rows(["token_id", "token", "logit"], rows), "")

    def encode(self, library: Library, cell: Cell, text: str) -> TextCodes:
        """Encode a text with the autoencoder of a cell, up to the end of a window."""
        width = self._store.study.corpus.context - 1
        (whole,) = tokens_of(load_tokenizer(self._store.study), [text])
        token_id = whole[:width]
        sae = from_numpy(self._store.weights(cell), self._store.study.sae, "cpu")
        with self._lock:
            x = unit_states(self._states(cell, token_id))
        code = sae.encode(x.cpu()).stored()
        return TextCodes(
            token_id,
            _texts(library, cell, token_id),
            code.index.numpy(),
            code.value.numpy(),
            len(whole) > width,
        )

    def _states(self, cell: Cell, token_id: list[int]) -> Tensor:
        """Return the states of the tokens after BOS, (tokens, d)."""
        bos = self._store.corpus_attributes()["bos_token_id"]
        tokens = torch.tensor([[bos, *token_id]])
        mask = torch.ones_like(tokens, dtype=torch.bool)
        states = self._model(cell).hidden_states(tokens, mask, [cell.layer])
        return states[cell.layer][0, 1:]

    def _model(self, cell: Cell) -> LanguageModel:
        """Return a cell's model. Raises CheckpointError."""
        if self._lm is None or self._checkpoint != cell.checkpoint:
            if not self._store.study.model(cell.size).has_folder(cell.step):
                msg = f"the language model {cell.checkpoint} is not on this machine"
                raise CheckpointError(msg)
            self._lm = None  # one at a time
            note_checkpoint(self._store, cell)
            self._lm = open_model(self._store, cell.checkpoint)
            self._checkpoint = cell.checkpoint
        return self._lm


def _direct_logits(lm: LanguageModel, direction: Tensor) -> Tensor:
    """Return the change of each token's logit, (vocab,), by a direction, (d,)."""
    states = torch.stack([direction, torch.zeros_like(direction)])[:, None]
    token_id = torch.zeros(2, 1, dtype=torch.long)
    mask = torch.ones_like(token_id, dtype=torch.bool)
    with lm.edited(lm.n_layers, lambda state: states.to(state)):
        logits = lm.next_logits(token_id, mask).cpu()
    return logits[0] - logits[1]


def _tokens(library: Library, cell: Cell, token_id: list[int]) -> dict[int, str]:
    listed = ", ".join(map(str, token_id)) or "null"
    query = f"select token_id, token from vocab where token_id in ({listed})"
    with library.open([cell], "vocab") as con:
        return dict(rows_of(con, query).values)


def _texts(library: Library, cell: Cell, token_id: list[int]) -> list[str]:
    """Return what each token adds, as `document_texts` does for the study's text."""
    listed = ", ".join(map(str, token_id)) or "null"
    query = f"""
        with ids as (select unnest([{listed}]) as token_id),
        joined as (
            select string_agg(escaped_token(token, token_id), chr(31)) as text
            from ids left join vocab using (token_id)
        )
        select decoded_tokens(text) from joined
    """
    with library.open([cell], "vocab") as con:
        ((texts,),) = rows_of(con, query).values
    return list(texts or [])
