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

    Texts that open alike, for as many characters as a window has tokens, share a split:
    their windows could be equal. With a key, so do texts of equal keys, and whatever
    hangs together through them: connected components over all documents, held as two
    64-bit numbers each.
    """
    asked = study.corpus.tokens
    bounds = np.cumsum([asked[split] for split in SPLITS]) / sum(asked.values())
    seed, opening = study.corpus.seed, study.corpus.context - 1
    group = _groups(study, opening) if study.corpus.key else _hash

    def split_of(document: Document) -> str:
        place = _hash(f"{seed}:{group(document.text[:opening])}") / 2**64
        return SPLITS[min(int(np.searchsorted(bounds, place, "right")), 3)]

    return split_of


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _groups(study: Study, opening: int) -> Callable[[str], int]:
    """Map how a text opens to its component in the graph of openings and keys."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    sources = study.corpus.text
    documents = chain.from_iterable(
        read_documents(s, study.corpus.key) for s in sources
    )
    pairs = np.fromiter(
        chain.from_iterable(
            (_hash(d.text[:opening]), _hash(f"key:{d.key}")) for d in documents
        ),
        np.uint64,
    )
    nodes, place = np.unique(pairs, return_inverse=True)
    text, key = place[::2], place[1::2]
    edges = coo_array((np.ones(len(text), bool), (text, key)), (len(nodes), len(nodes)))
    _, component = connected_components(edges, directed=False)

    def group(text: str) -> int:
        return int(component[np.searchsorted(nodes, np.uint64(_hash(text)))])

    return group
