"""Token windows of one language: the first tokens of each document, each window once.

Reads the language's sources, which share it by weight.
"""

import hashlib
import random
from array import array
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from bisae.corpus.text import Document, read_documents
from bisae.corpus.tokens import first_tokens
from bisae.corpus.turns import shuffled, take_turns
from bisae.store import SPLITS
from bisae.study import Source, Study

TEXTS_AT_ONCE = 512
CHARACTERS_AT_ONCE = 4_000_000
"""Maximum number of documents and characters in memory at once."""


class Window(NamedTuple):
    """The first tokens of a document, without BOS."""

    split: str
    token_id: list[int]
    source: int = 0
    """The number of its source among those of its language."""
    key: str = ""
    """The key of its document; "" for none, and for several that are joined."""


class Distinct:
    """Detect copies, using eight bytes for each document."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self.documents = 0
        self.copies = 0

    def is_new(self, token_id: list[int]) -> bool:
        """Say if these tokens are seen for the first time, and count copies."""
        digest = hashlib.blake2b(array("q", token_id).tobytes(), digest_size=8).digest()
        number, self.documents = int.from_bytes(digest, "big"), self.documents + 1
        if number in self._seen:
            self.copies += 1
            return False
        self._seen.add(number)
        return True


def windows(
    study: Study,
    language: str,
    tokenizer: Any,
    split_of: Callable[[Document], str],
    distinct: Distinct | None = None,
) -> Iterator[Window]:
    """Yield one language's windows; sources take turns, each shuffled in a buffer.

    No two windows are equal; `distinct` counts the copies left out.
    """
    corpus, distinct = study.corpus, distinct or Distinct()
    sources = corpus.sources(language)
    buffer, streams = max(1, corpus.shuffle_windows // len(sources)), []
    for number, source in enumerate(sources):
        seed = f"{corpus.seed}:{language}" + f":{number}" * bool(number)
        documents = _tokens(source, study, tokenizer, split_of)
        cut = _cut(study, number, documents, distinct)
        streams.append(shuffled(cut, buffer, random.Random(seed)))
    weights = [source.weight for source in sources]
    return take_turns(streams, weights, lambda window: len(window.token_id))


def batches_of(documents: Iterator[Document]) -> Iterator[list[Document]]:
    """Divide documents into lists that fit in memory, however long they are."""
    batch, characters = list[Document](), 0
    for document in documents:
        batch.append(document)
        characters += len(document.text)
        if len(batch) == TEXTS_AT_ONCE or characters >= CHARACTERS_AT_ONCE:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _tokens(
    source: Source, study: Study, tokenizer: Any, split_of: Callable[[Document], str]
) -> Iterator[tuple[str, str, list[int]]]:
    """Yield each document's split, key and first tokens.

    To join documents, each is ended by a line break.
    """
    size, end = study.corpus.context - 1, "\n" if study.corpus.join else ""
    for batch in batches_of(read_documents(source, study.corpus.key)):
        texts = [document.text + end for document in batch]
        encoded = first_tokens(tokenizer, texts, size)
        for document, token_id in zip(batch, encoded, strict=True):
            if document.text and not document.text.isspace():
                yield split_of(document), document.key, token_id


def _cut(
    study: Study,
    source: int,
    documents: Iterator[tuple[str, str, list[int]]],
    distinct: Distinct,
) -> Iterator[Window]:
    """Cut distinct documents into windows, joining or skipping short ones."""
    corpus = study.corpus
    size, may_be_short = corpus.context - 1, corpus.join or corpus.short == "keep"
    waiting: dict[str, list[int]] = {split: [] for split in SPLITS}
    for split, key, token_id in documents:
        if not token_id or (len(token_id) < size and not may_be_short):
            continue
        if not distinct.is_new(token_id):
            continue
        joined = waiting[split] + token_id
        if len(joined) < size and corpus.join:
            waiting[split] = joined
            continue
        is_joined, waiting[split] = bool(waiting[split]), []
        yield Window(split, joined[:size], source, "" if is_joined else key)
