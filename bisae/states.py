"""What the autoencoders see: unit hidden states of the corpus, every layer at once.

Reads a split of the store and runs the language model over it once.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from bisae.errors import StateError
from bisae.grid import Cell
from bisae.hidden import LanguageModel, unit_states
from bisae.store import Block, Store


class States(NamedTuple):
    """Unit hidden states of consecutive documents."""

    real: Tensor
    """(documents, context - 1) bool: which positions hold a token."""
    layers: dict[int, Tensor]
    """For each layer the states of the real tokens, (tokens, d)."""


def with_bos(block: Block, bos: int) -> tuple[Tensor, Tensor]:
    """token_id and mask, (documents, context): BOS in front, padding after the end."""
    tokens = torch.from_numpy(block.token_id).long()
    mask = tokens >= 0
    first = torch.full((len(tokens), 1), bos)
    token_id = torch.cat([first, tokens.clamp_min(0)], dim=1)
    return token_id, torch.cat([torch.ones_like(first, dtype=torch.bool), mask], dim=1)


def read_states(
    store: Store, split: str, lm: LanguageModel, cells: Sequence[Cell]
) -> Iterator[States]:
    """Hidden states of the cells' layers, some documents at a time.

    All cells belong to one checkpoint. Raises StateError, naming cell and document, for
    a state that is zero or not finite.
    """
    bos = store.corpus_attributes()["bos_token_id"]
    layers = [cell.layer for cell in cells]
    for block in store.documents(split, store.study.lm.batch_documents):
        token_id, mask = with_bos(block, bos)
        hidden = lm.hidden_states(token_id, mask, layers)
        real = mask[:, 1:]
        found = {
            cell.layer: _unit(hidden[cell.layer], real, cell, split, block.first)
            for cell in cells
        }
        yield States(real, found)


def _unit(hidden: Tensor, real: Tensor, cell: Cell, split: str, first: int) -> Tensor:
    rows: Tensor = hidden[:, 1:][real.to(hidden.device)]
    try:
        return unit_states(rows)
    except StateError as error:
        norms = rows.float().norm(dim=1)
        bad = int((~(norms.isfinite() & (norms > 0))).nonzero()[0])
        document = first + int(real.nonzero()[bad, 0])
        msg = f"cell {cell}, {split} document {document}: a hidden state is zero or "
        msg += "not finite; check that checkpoint, or leave the step out"
        raise StateError(msg) from error
