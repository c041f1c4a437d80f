"""What the autoencoders see: hidden states of the corpus, every layer at once.

Reads a split of the store and runs the language model over it, a block of documents at
a time.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from bisae.errors import StateError
from bisae.grid import Cell
from bisae.hidden import LanguageModel, undirected
from bisae.store import Block, Store


class States(NamedTuple):
    """Hidden states of consecutive documents."""

    real: Tensor
    """(documents, context - 1) bool: which positions hold a token."""
    layers: dict[int, Tensor]
    """For each layer the states of the real tokens, (tokens, d), as the LM gives them:
    finite and not zero, so each has a direction."""


class Blocks(Protocol):
    """Hidden states that can be had again: block i is the same whenever it is asked."""

    def __len__(self) -> int:
        """How many blocks there are."""

    def __getitem__(self, number: int) -> States:
        """The states of a block."""


class StateBlocks:
    """The states of a split, `batch_documents` documents a block, one pass a block."""

    def __init__(
        self, store: Store, split: str, lm: LanguageModel, cells: Sequence[Cell]
    ) -> None:
        """All cells belong to the checkpoint that `lm` is. Raises Unfinished."""
        self._name = split
        self._split = store.split(split)
        self._documents = store.study.lm.batch_documents
        self._bos = store.corpus_attributes()["bos_token_id"]
        self._lm = lm
        self._cells = {cell.layer: cell for cell in cells}

    def __len__(self) -> int:
        """How many blocks there are."""
        return -(-len(self._split) // self._documents)

    def __getitem__(self, number: int) -> States:
        """The states of a block.

        Raises StateError, naming cell and document, for one that is zero or not finite.
        """
        block = self._split.block(number * self._documents, self._documents)
        token_id, mask = with_bos(block, self._bos)
        hidden = self._lm.hidden_states(token_id, mask, list(self._cells))
        real = mask[:, 1:]
        found = {}
        for layer, cell in self._cells.items():  # each is let go when it is copied
            found[layer] = hidden.pop(layer)[:, 1:][real.to(self._lm.device)]
            _check(found[layer], real, cell, self._name, block.first)
        return States(real, found)


def with_bos(block: Block, bos: int) -> tuple[Tensor, Tensor]:
    """token_id and mask, (documents, context): BOS in front, padding after the end."""
    tokens = torch.from_numpy(block.token_id).long()
    mask = tokens >= 0
    first = torch.full((len(tokens), 1), bos)
    token_id = torch.cat([first, tokens.clamp_min(0)], dim=1)
    return token_id, torch.cat([torch.ones_like(first, dtype=torch.bool), mask], dim=1)


def without_bos(mask: Tensor) -> Tensor:
    """A mask as `with_bos` gives it, false at BOS too: what may be edited."""
    real = mask.clone()
    real[:, 0] = False
    return real


def _check(rows: Tensor, real: Tensor, cell: Cell, split: str, first: int) -> None:
    bad = undirected(rows)
    if bool(bad.any()):
        document = first + int(real.nonzero()[int(bad.nonzero()[0]), 0])
        msg = f"cell {cell}, {split} document {document}: a hidden state is zero or "
        msg += "not finite; check that checkpoint, or leave the step out"
        raise StateError(msg)
