"""The vectors of tokens whose cosines say how similar tokens are, by source.

Reads tables/embeddings: input embeddings, and the mean hidden states of a cell.
"""

from typing import NamedTuple

import numpy as np

from bisae.files import local_copy, stored_checksum
from bisae.store import Store, vector_files
from bisae.tables.clusters import EmbeddingRows


class TokenVectors(NamedTuple):
    """The vectors of one source."""

    rows: EmbeddingRows
    """Unit rows, (vocabulary, d), mapped into memory; zero for unknown tokens."""
    checksum: str
    """The SHA-256 of their file."""


def vector_sources(store: Store) -> list[str]:
    """Return the sources whose vectors are stored."""
    return [source for source, file in vector_files(store).items() if file.exists()]


def load_vectors(store: Store, source: str) -> TokenVectors:
    """Load the stored vectors of a source."""
    file = vector_files(store)[source]
    with local_copy(file) as copied:
        rows: EmbeddingRows = np.load(copied, mmap_mode="r")
    return TokenVectors(rows, stored_checksum(file))
