"""Translation pairs of a corpus: texts of files, and evaluation documents by key.

Reads the files that [pairs] names. Pairs are numbered in the order of a seeded hash, so
that the first so many are a random sample.
"""

import hashlib
from array import array
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bisae.corpus.files import list_files, read_rows
from bisae.corpus.text import Document, read_documents
from bisae.corpus.tokens import first_tokens
from bisae.errors import CorpusError
from bisae.store import Array
from bisae.study import Source, Study

Texts = dict[int, str]
"""A text and its translations, by the index of their language."""


class PairText(NamedTuple):
    """A text of a pair."""

    pair: int
    """The number of the pair."""
    language: int
    token_id: list[int]


class EvaluationKeys:
    """The keys of the evaluation documents so far, nine bytes each."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._hashes, self._languages = array("Q"), array("B")

    def add(self, language: int, key: str) -> None:
        """Add the next document; an empty key is none."""
        self._hashes.append(_hash(self._seed, key) if key else 0)
        self._languages.append(language)

    def pair_numbers(self) -> Array:
        """Return the pair of each document, (documents,), -1 for none.

        A pair is the first document with a key in each language, if there are several.
        """
        hashes = np.array(self._hashes, np.uint64)
        documents = np.rec.fromarrays([hashes, np.array(self._languages)])
        first = np.unique(documents, return_index=True)[1]
        first = first[hashes[first] > 0]
        keys, n_languages = np.unique(hashes[first], return_counts=True)
        paired = keys[n_languages > 1]
        first = first[np.isin(hashes[first], paired)]
        pair = np.full(len(hashes), -1, np.int32)
        pair[first] = np.searchsorted(paired, hashes[first])
        return pair


def read_pairs(study: Study, tokenizer: Any) -> list[PairText]:
    """Read the pairs of the study's files, without those that repeat a text.

    Raises CorpusError, as for text, and if there are no pairs.
    """
    if not study.pairs or not study.pairs.files:
        return []
    seed, size = study.corpus.seed, study.corpus.context - 1
    pairs = [
        {language: document.text for language, document in row.items()}
        for row in read_translations(study.pairs.files, study.corpus.languages)
    ]
    pairs.sort(key=lambda pair: _hash(seed, "\n".join(pair.values())))
    texts: list[PairText] = []
    seen: set[tuple[int, ...]] = set()
    number = 0
    for pair in pairs:
        encoded = first_tokens(tokenizer, list(pair.values()), size)
        keys = {(language, *ids) for language, ids in zip(pair, encoded, strict=True)}
        if all(encoded) and not keys & seen:
            texts += map(PairText, repeat(number), pair, encoded)
            seen |= keys
            number += 1
    if not texts:
        msg = f"[pairs] {', '.join(study.pairs.files)} has no pairs"
        raise CorpusError(msg)
    return texts


def read_translations(
    patterns: tuple[str, ...], languages: tuple[str, ...], key: str | None = None
) -> Iterator[dict[int, Document]]:
    """Yield a text and its translations, by the index of their language, row by row.

    The first row of a file says which languages it has. Raises CorpusError.
    """
    for file in list_files(Source(files=patterns)):
        source = Source(files=(str(file),))
        spoken = _languages_of(file, source, languages)
        fields = [{"field": languages[language]} for language in spoken]
        columns = [
            read_documents(source.model_copy(update=field), key) for field in fields
        ]
        for documents in zip(*columns, strict=True):
            yield dict(zip(spoken, documents, strict=True))


def _languages_of(file: Path, source: Source, languages: tuple[str, ...]) -> list[int]:
    """Return the languages of a file, by their index. Raises CorpusError."""
    first = next(read_rows(file, source, languages), {})
    spoken = [number for number, language in enumerate(languages) if language in first]
    if len(spoken) < 2:
        msg = f"{file}: its first pair has no fields for two of the study's languages "
        msg += f"({', '.join(languages)}); it has {', '.join(first) or 'none'}"
        raise CorpusError(msg)
    return spoken


def _hash(seed: int, text: str) -> int:
    digest = hashlib.blake2b(f"{seed}:pair:{text}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")
