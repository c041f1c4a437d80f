"""The texts with which retrieval is measured: a sample of a store's translation pairs.

Reads `corpus/pairs` of the store or, if it has none, the evaluation documents that have
a number in `corpus/eval/pair`.
"""

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bisae.store import PAIRS, Array, Block, Store
from bisae.study import Pairs


@dataclass(frozen=True)
class PairTexts:
    """The texts of pairs, in memory; each pair has at most one in a language."""

    token_id: Array
    """(texts, context - 1), -1 beyond a text's length."""
    language: Array
    """(texts,), an index into the languages."""
    length: Array
    """(texts,)"""
    pair: Array
    """(texts,): the number of the pair."""
    name: str = PAIRS

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.pair)

    def block(self, first: int, size: int) -> Block:
        """Return `size` texts starting at `first`, fewer at the end."""
        rows = slice(first, first + size)
        arrays = (self.token_id[rows], self.language[rows], self.length[rows])
        return Block(first, *arrays)

    @cached_property
    def fingerprint(self) -> str:
        """The sha256 of the texts."""
        digest = hashlib.sha256()
        for values in (self.token_id, self.language, self.pair):
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()


def pair_texts(store: Store) -> PairTexts | None:
    """Return the texts of at most `[pairs] max_pairs` pairs; None if there are none."""
    most = (store.study.pairs or Pairs()).max_pairs
    for split in (PAIRS, "eval"):
        pair = store.pair_numbers(split)
        if pair is not None and (pair >= 0).any():
            return _select(store, split, pair, (pair >= 0) & (pair < most))
    return None


def _select(store: Store, split: str, pair: Array, is_drawn: Array) -> PairTexts:
    """Read the drawn documents of a split."""
    blocks = [
        (block, is_drawn[block.first : block.first + len(block.length)])
        for block in store.documents(split)
    ]
    token_id, language, length = (
        np.concatenate([getattr(block, name)[drawn] for block, drawn in blocks])
        for name in ("token_id", "language", "length")
    )
    return PairTexts(token_id, language, length, pair[is_drawn])
