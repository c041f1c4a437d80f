"""Random text: the control that keeps each language's tokens, and nothing else.

Reads the `eval` split of the store, whose tokens are counted.
"""

import zlib
from typing import Protocol

import numpy as np

from bisae.grid import Cell
from bisae.store import Array, Block, Store


class Documents(Protocol):
    """Documents that can be read in any order: a split of the corpus, or texts."""

    @property
    def name(self) -> str:
        """The name of the documents in messages."""

    def __len__(self) -> int:
        """Return the number of documents."""

    def block(self, first: int, size: int) -> Block:
        """Return `size` documents starting at `first`, fewer at the end."""


def text_for(store: Store, cell: Cell, documents: Documents) -> Documents:
    """Return documents as a cell reads them: as they are, or as random tokens."""
    if not has_random_tokens(store, cell):
        return documents
    return RandomTokens(documents, _counts(store), store.study.sae.seed)


def has_random_tokens(store: Store, cell: Cell) -> bool:
    """Say if a cell reads random tokens instead of the text."""
    return store.study.model(cell.size).control == "random tokens"


class RandomTokens:
    """Documents of the same languages and lengths, of tokens drawn independently.

    Every token is drawn with replacement from the tokens of its document's language in
    the evaluation text, each occurrence being as likely. A document's tokens depend on
    the seed, the name of the documents and its index alone.
    """

    def __init__(self, documents: Documents, counts: Array, seed: int) -> None:
        """`counts` are the occurrences of each token, (languages, vocabulary)."""
        self.name = documents.name
        self._documents = documents
        self._sums = counts.cumsum(axis=1)
        self._entropy = seed % 2**64, zlib.crc32(self.name.encode())

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self._documents)

    def block(self, first: int, size: int) -> Block:
        """Return `size` documents starting at `first`, fewer at the end."""
        block = self._documents.block(first, size)
        token_id = block.token_id.copy()
        for row, length in enumerate(block.length):
            sums = self._sums[block.language[row]]
            generator = np.random.default_rng((*self._entropy, first + row))
            occurrences = generator.integers(sums[-1], size=int(length))
            token_id[row, :length] = sums.searchsorted(occurrences, side="right")
        return block._replace(token_id=token_id)


def _counts(store: Store) -> Array:
    """Count each token of the evaluation text, (languages, vocabulary)."""
    vocabulary = store.corpus_attributes()["vocab_size"]
    counts = np.zeros((len(store.languages), vocabulary), np.int64)
    for block in store.documents("eval"):
        for language in range(len(store.languages)):
            token_id = block.token_id[block.language == language]
            of_block = np.bincount(token_id[token_id >= 0], minlength=vocabulary)
            counts[language] += of_block
    return counts
