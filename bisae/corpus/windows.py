"""Token windows of one language: the first tokens of each document."""

import random
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

from bisae.corpus.text import Document, read_documents
from bisae.corpus.tokens import tokens_of
from bisae.store import SPLITS
from bisae.study import Source, Study

TEXTS_AT_ONCE = 512


class Window(NamedTuple):
    """The first tokens of a document, BOS left out."""

    split: str
    token_id: list[int]


def windows(
    study: Study, language: str, tokenizer: Any, split_of: Callable[[Document], str]
) -> Iterator[Window]:
    """One language's windows, source by source, mixed within a buffer."""
    corpus = study.corpus
    sources = [source for source in corpus.text if source.language == language]
    found = chain.from_iterable(
        _cut(study, _tokens(source, study, tokenizer, split_of)) for source in sources
    )
    seed = f"{corpus.seed}:{language}"
    return _mixed(found, corpus.shuffle_windows, random.Random(seed))


def _tokens(
    source: Source, study: Study, tokenizer: Any, split_of: Callable[[Document], str]
) -> Iterator[Window]:
    """Whole documents as tokens; a line break ends those that will be joined."""
    end = "\n" if study.corpus.join else ""
    documents = read_documents(source, study.corpus.key)
    while some := list(islice(documents, TEXTS_AT_ONCE)):
        texts = [document.text + end for document in some]
        encoded = tokens_of(tokenizer, texts)
        for document, token_id in zip(some, encoded, strict=True):
            yield Window(split_of(document), token_id)


def _cut(study: Study, documents: Iterator[Window]) -> Iterator[Window]:
    """Keep each document's first context - 1 tokens, joined and skipped as asked."""
    size = study.corpus.context - 1
    held: dict[str, list[int]] = {split: [] for split in SPLITS}
    for split, token_id in documents:
        whole = held[split] + token_id
        if len(whole) >= size:
            yield Window(split, whole[:size])
            held[split] = []
        elif study.corpus.join:
            held[split] = whole
        elif study.corpus.short == "keep" and whole:
            yield Window(split, whole)


def _mixed(items: Iterator[Window], size: int, draw: random.Random) -> Iterator[Window]:
    """Pass items on in random order, `size` of them held back at a time."""
    held: list[Window] = []
    for item in items:
        if len(held) < size:
            held.append(item)
            continue
        place = draw.randrange(size)
        held[place], item = item, held[place]
        yield item
    draw.shuffle(held)
    yield from held
