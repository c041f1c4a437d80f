"""Read what small language models are trained on, and what measures them.

Reads the study's text, split as the corpus is, and the further text of [pretrain].
"""

import random
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, pairwise
from typing import TypeVar

from bisae.corpus import (
    Document,
    read_documents,
    read_translations,
    shuffled,
    take_turns,
)
from bisae.study import ParallelText, Source, Study

EXTRA = "[pretrain] extra"
PARALLEL = "[pretrain] parallel"
SHUFFLED_ROWS = 4096
"""Rows in the buffer from which unrelated texts are joined."""
RUN = 32
"""Documents of a source before the next source's turn: few windows join two sources."""

Reader = Callable[[], Iterator[str]]
"""Reads one kind of text from its beginning."""
T = TypeVar("T")
SplitOf = Callable[[Document], str]
Translations = dict[int, Document]


def training_texts(study: Study, split_of: SplitOf) -> dict[str, Reader]:
    """Return a reader for each language and for the further text of [pretrain]."""
    settings = study.pretrain
    assert settings is not None
    texts: dict[str, Reader] = language_texts(study, split_of, "train")
    if settings.extra:
        texts[EXTRA] = lambda: (d.text for d in stream(settings.extra))
    if parallel := settings.parallel:
        texts[PARALLEL] = lambda: _parallel(study, parallel, split_of)
    return texts


def language_texts(study: Study, split_of: SplitOf, split: str) -> dict[str, Reader]:
    """Return a reader of one split for each language."""

    def of_language(language: str) -> Iterator[str]:
        documents = stream(study.corpus.sources(language), study.corpus.key)
        return (document.text for document in documents if split_of(document) == split)

    return {
        language: lambda language=language: of_language(language)  # type: ignore[misc]
        for language in study.corpus.languages
    }


def stream(sources: Sequence[Source], key: str | None = None) -> Iterator[Document]:
    """Stream the documents of several sources, interleaved by their weights."""
    streams = [read_documents(source, key) for source in sources]
    weights = [source.weight for source in sources]
    return _interleave(streams, weights, lambda document: len(document.text))


def _interleave(
    streams: Sequence[Iterator[T]], weights: Sequence[float], size: Callable[[T], int]
) -> Iterator[T]:
    """Interleave streams by weight, in runs of consecutive items."""
    runs = take_turns(
        [_runs(stream) for stream in streams], weights, lambda run: sum(map(size, run))
    )
    return chain.from_iterable(runs)


def _runs(stream: Iterator[T]) -> Iterator[list[T]]:
    while run := list(islice(stream, RUN)):
        yield run


def _parallel(study: Study, parallel: ParallelText, split_of: SplitOf) -> Iterator[str]:
    """Join the texts of each row, in random order, if all are training text."""
    assert study.pretrain is not None
    corpus, draw = study.corpus, random.Random(f"{study.pretrain.seed}:parallel")
    streams = [
        read_translations((files,), corpus.languages, corpus.key)
        for files in parallel.files
    ]
    rows = _interleave(streams, [1.0] * len(streams), _characters)
    rows = (row for row in rows if {*map(split_of, row.values())} == {"train"})
    if parallel.pairing == "unrelated":
        rows = _unrelated(shuffled(rows, SHUFFLED_ROWS, draw))
    for row in rows:
        texts = [document.text for document in row.values()]
        draw.shuffle(texts)
        yield "\n".join(texts)


def _characters(row: Translations) -> int:
    return sum(len(document.text) for document in row.values())


def _unrelated(rows: Iterator[Translations]) -> Iterator[Translations]:
    """Give each row the text of the row before in its first language."""
    for previous, row in pairwise(rows):
        first = min(row)
        if first in previous:
            yield row | {first: previous[first]}
