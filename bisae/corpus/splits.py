"""Assign documents to splits; translations and copies of a text stay together."""

import hashlib
from collections.abc import Callable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from bisae.corpus.text import Document, read_documents
from bisae.progress import note
from bisae.store import SPLITS
from bisae.study import Source, Study, Text

Hashes = NDArray[np.uint64]


def splitter(study: Study) -> Callable[[Document], str]:
    """Decide each document's split by its text and key alone.

    Texts that begin alike, for as many characters as a window has tokens, share a
    split, as their windows could be equal. With a key, so do texts of equal keys and
    everything linked through them: connected components over all documents, which
    take two 64-bit numbers each. A document outside the corpus belongs with the text
    that begins like it or has its key, if there is one.
    """
    sizes = study.corpus.split_sizes
    bounds = np.cumsum([sizes[split] for split in SPLITS]) / sum(sizes.values())
    seed, opening = study.corpus.seed, study.corpus.context - 1
    group = _groups(study, opening) if study.corpus.key else _alone

    def split_of(document: Document) -> str:
        group_number = group(document.text[:opening], document.key)
        position = _hash(f"{seed}:{group_number}") / 2**64
        return SPLITS[min(int(np.searchsorted(bounds, position, "right")), 3)]

    return split_of


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def _alone(text: str, _key: str) -> int:
    return _hash(text)


def _groups(study: Study, opening: int) -> Callable[[str, str], int]:
    """Map the opening of a text to its component in the graph of openings and keys."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = [
        _opening_and_key_hashes(source, study.corpus.key, opening)
        for source in study.corpus.text
    ]
    _note_unmet_keys(study.corpus.text, [source[1::2] for source in pairs])
    nodes, node = np.unique(np.concatenate(pairs), return_inverse=True)
    text, key = node[::2], node[1::2]
    edges = coo_array((np.ones(len(text), bool), (text, key)), (len(nodes), len(nodes)))
    _, component = connected_components(edges, directed=False)

    def group(text: str, key: str) -> int:
        for node in (_hash(text), _hash(f"key:{key}")):
            index = np.searchsorted(nodes, np.uint64(node))
            if index < len(nodes) and nodes[index] == node:
                return int(component[index])
        return _hash(text)

    return group


def _opening_and_key_hashes(source: Source, key: str | None, opening: int) -> Hashes:
    """Return the hashes of each document's opening and key, interleaved."""
    documents = read_documents(source, key)
    pairs = ((_hash(d.text[:opening]), _hash(f"key:{d.key}")) for d in documents)
    return np.fromiter(chain.from_iterable(pairs), np.uint64)


def _note_unmet_keys(sources: Sequence[Text], keys: Sequence[Hashes]) -> None:
    """Report sources that share no key with a source of another language."""
    languages = [source.language for source in sources]
    for source, hashes in zip(sources, keys, strict=True):
        others = [
            other_keys
            for other_keys, language in zip(keys, languages, strict=True)
            if language != source.language
        ]
        if not np.isin(hashes, np.concatenate(others)).any():
            note(
                f"{source.name}: no key matches a text in another language, so its "
                "translations, if there are any, may be in other splits"
            )
