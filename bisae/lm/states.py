"""Compute hidden states of the corpus, the input of the autoencoders, at all layers.

Reads a split of the store and runs the language model over it, one block of documents
at a time, each block in buckets of documents of similar length.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from bisae.corpus import Documents
from bisae.errors import StateError
from bisae.grid import Cell
from bisae.lm import LanguageModel, has_no_direction
from bisae.store import Block, Store

CPU_PASS_TOKENS, GPU_PASS_TOKENS = 64, 2048
"""The fixed cost of a language model's pass, in tokens that take as long: reading the
weights on a CPU, launching the kernels on a GPU (estimated)."""


class States(NamedTuple):
    """Hidden states of consecutive documents."""

    real: Tensor
    """(documents, context - 1) bool, true at positions with a token."""
    token_id: Tensor
    """The ids of the real tokens, (tokens,)."""
    layers: dict[int, Tensor]
    """Each layer's raw states of the real tokens, (tokens, d): finite and not zero, so
    each has a direction."""


class Blocks(Protocol):
    """Repeatable hidden states: block i is the same every time it is read."""

    def __len__(self) -> int:
        """Return the number of blocks."""

    def __getitem__(self, number: int) -> States:
        """Compute the states of a block."""


class StateBlocks:
    """The states of documents, `batch_documents` of them a block."""

    def __init__(
        self,
        store: Store,
        documents: Documents,
        lm: LanguageModel,
        cells: Sequence[Cell],
    ) -> None:
        """All cells belong to the checkpoint loaded as `lm`. Raises Unfinished."""
        self._split = documents
        self._documents = store.study.lm.batch_documents
        self._bos = store.corpus_attributes()["bos_token_id"]
        self._lm = lm
        self._cells = {cell.layer: cell for cell in cells}

    def __len__(self) -> int:
        """Return the number of blocks."""
        return -(-len(self._split) // self._documents)

    def __getitem__(self, number: int) -> States:
        """Compute the states of a block.

        Raises StateError, naming cell and document, for a zero or non-finite state.
        """
        block = self._split.block(number * self._documents, self._documents)
        token_id, mask = with_bos(block, self._bos)
        real = mask[:, 1:]
        layers = self._layers(token_id, mask)
        for layer, cell in self._cells.items():
            _check(layers[layer], real, cell, self._split.name, block.first)
        return States(real, token_id[:, 1:][real], layers)

    def _layers(self, token_id: Tensor, mask: Tensor) -> dict[int, Tensor]:
        """Run a block bucket by bucket; return the states in document order."""
        device = self._lm.device
        position = torch.arange(mask[:, 1:].numel()).view(len(mask), -1)
        positions: list[Tensor] = []
        states: dict[int, list[Tensor]] = {layer: [] for layer in self._cells}
        for bucket in buckets(token_id, mask, device):
            hidden = self._lm.hidden_states(*bucket.text, list(states))
            real = bucket.mask[:, 1:]
            positions.append(position[bucket.documents, : real.shape[1]][real])
            for layer, rows in states.items():  # each is freed once it is copied
                rows.append(hidden.pop(layer)[:, 1:][real.to(device)])
        order = torch.cat(positions).argsort().to(device)
        return {layer: torch.cat(states.pop(layer))[order] for layer in self._cells}


class Bucket(NamedTuple):
    """Documents of similar length, trimmed to the longest of them."""

    documents: Tensor
    """(documents,): their indices in the block."""
    token_id: Tensor
    """(documents, tokens of the longest)"""
    mask: Tensor
    """(documents, tokens of the longest) bool"""

    @property
    def text(self) -> tuple[Tensor, Tensor]:
        """token_id and mask, the arguments of `LanguageModel`."""
        return self.token_id, self.mask


def buckets(token_id: Tensor, mask: Tensor, device: torch.device) -> list[Bucket]:
    """Divide documents by length, so that a pass over them computes little padding.

    `token_id` and `mask` are (documents, context), padding on the right. A further
    bucket is made only if it saves more tokens than its pass costs; documents of one
    length stay together.
    """
    pass_tokens = CPU_PASS_TOKENS if device.type == "cpu" else GPU_PASS_TOKENS
    length, order = mask.sum(1).sort(stable=True)
    result = []
    for start, end in pairwise(_bounds(length, pass_tokens)):
        documents, longest = order[start:end], int(length[end - 1])
        text = token_id[documents, :longest], mask[documents, :longest]
        result.append(Bucket(documents, *text))
    return result


def _bounds(length: Tensor, pass_tokens: int) -> list[int]:
    """Find the cuts of ascending lengths, (documents,), with the least total cost.

    A pass costs `pass_tokens` plus the longest length times its documents. Dynamic
    programming over the end of the last bucket.
    """
    cost = torch.zeros(len(length) + 1, dtype=torch.long)
    start = [0] * len(cost)
    for end in range(1, len(cost)):
        documents = end - torch.arange(end)  # of a bucket that starts at 0, 1, ...
        costs = cost[:end] + documents * length[end - 1] + pass_tokens
        start[end] = int(costs.argmin())
        cost[end] = costs[start[end]]
    bounds = [len(length)]
    while bounds[-1]:
        bounds.append(start[bounds[-1]])
    return bounds[::-1]


def with_bos(block: Block, bos: int) -> tuple[Tensor, Tensor]:
    """Return token_id and mask, (documents, context), with BOS in front."""
    tokens = torch.from_numpy(block.token_id).long()
    mask = tokens >= 0
    first = torch.full((len(tokens), 1), bos)
    token_id = torch.cat([first, tokens.clamp_min(0)], dim=1)
    return token_id, torch.cat([torch.ones_like(first, dtype=torch.bool), mask], dim=1)


def without_bos(mask: Tensor) -> Tensor:
    """Return a mask of `with_bos` with BOS excluded too, for positions to edit."""
    real = mask.clone()
    real[:, 0] = False
    return real


def _check(rows: Tensor, real: Tensor, cell: Cell, split: str, first: int) -> None:
    bad = has_no_direction(rows)
    if bool(bad.any()):
        document = first + int(real.nonzero()[int(bad.nonzero()[0]), 0])
        msg = f"cell {cell}, {split} document {document}: a hidden state is zero or "
        msg += f"not finite; {_remedy(rows)}"
        raise StateError(msg)


def _remedy(rows: Tensor) -> str:
    """Return what to do about states, (tokens, d), that are zero or not finite."""
    if rows.dtype == torch.float16 and not bool(rows.isfinite().all()):
        largest = torch.finfo(rows.dtype).max
        return (
            f"float16 has no number above {largest:,.0f}: load the model in a wider "
            'dtype, [lm] dtype = "float32" or "bfloat16"'
        )
    return "check that checkpoint, or leave the step out"
