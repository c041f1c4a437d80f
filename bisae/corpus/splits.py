"""Which split a document is in: translations and copies of a text stay together."""

import hashlib
from collections.abc import Callable
from itertools import chain

import numpy as np

from bisae.corpus.text import Document, read_documents
from bisae.store import SPLITS
from bisae.study import Study


def splitter(study: Study) -> Callable[[Document], str]:
    """Decide each document's split by its text and key alone.

    Without a key, equal texts share a split. With one, so do texts of equal keys, and
    whatever hangs together through them: connected components over all documents, held
    as two 64-bit numbers each.
    """
    asked = study.corpus.tokens
    bounds = np.cumsum([asked[split] for split in SPLITS]) / sum(asked.values())
    seed = study.corpus.seed
    group = _groups(study) if study.corpus.key else _hash

    def split_of(document: Document) -> str:
        place = _hash(f"{seed}:{group(document.text)}") / 2**64
        return SPLITS[min(int(np.searchsorted(bounds, place, "right")), 3)]

    return split_of


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _groups(study: Study) -> Callable[[str], int]:
    """Map a text to its component in the graph that joins texts with their keys."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sources = study.corpus.text
    documents = chain.from_iterable(
        read_documents(s, study.corpus.key) for s in sources
    )
    pairs = np.fromiter(
        chain.from_iterable((_hash(d.text), _hash(f"key:{d.key}")) for d in documents),
        np.uint64,
    )
    nodes, place = np.unique(pairs, return_inverse=True)
    text, key = place[::2], place[1::2]
    edges = coo_array((np.ones(len(text), bool), (text, key)), (len(nodes), len(nodes)))
    _, component = connected_components(edges, directed=False)

    def group(text: str) -> int:
        return int(component[np.searchsorted(nodes, np.uint64(_hash(text)))])

    return group
