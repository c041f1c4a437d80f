"""Cut text into the windows of tokens that small language models read."""

import random
from collections.abc import Iterator
from itertools import islice, repeat
from typing import Any

from bisae.corpus import bos_token_id, shuffled, tokens_of
from bisae.errors import CorpusError
from bisae.pretrain.texts import EXTRA, PARALLEL, Reader
from bisae.study import Study

TEXTS_AT_ONCE = 256
SHUFFLE_WINDOWS = 4096
"""Size of the shuffle buffer of each kind of text, in windows."""


def training_windows(
    study: Study, texts: dict[str, Reader], tokenizer: Any
) -> Iterator[list[int]]:
    """Yield windows of `context` tokens endlessly, BOS first.

    Each kind of further text has its share; each language is drawn equally often.
    Raises CorpusError if a kind of text has no document of a window's length.
    """
    settings = study.pretrain
    assert settings is not None
    draw, streams = random.Random(settings.seed), {}
    for name, read in texts.items():
        # The seeds of extra text and of the order are older than parallel text.
        seed = f"{settings.seed}:{name if name != EXTRA else ''}"
        cut = _repeat(study, name, read, tokenizer)
        streams[name] = shuffled(cut, SHUFFLE_WINDOWS, random.Random(seed))
    shares = {EXTRA: settings.extra_share} if EXTRA in texts else {}
    if settings.parallel:
        shares[PARALLEL] = settings.parallel.share
    while True:
        yield next(streams[_draw_kind(draw, shares, study.corpus.languages)])


def _draw_kind(
    draw: random.Random, shares: dict[str, float], languages: tuple[str, ...]
) -> str:
    """Draw the kind of the next window: further text by its share, or a language."""
    position = draw.random() if shares else 1.0
    for name, share in shares.items():
        if position < share:
            return name
        position -= share
    return draw.choice(languages)


def _repeat(
    study: Study, name: str, read: Reader, tokenizer: Any
) -> Iterator[list[int]]:
    """Cut one kind of text into windows, again and again."""
    for texts in (read() for _ in repeat(None)):
        has_window = False
        for window in cut_windows(study, texts, tokenizer):
            has_window = True
            yield window
        if not has_window:
            is_language = name in study.corpus.languages
            source = f"the training text in {name}" if is_language else name
            msg = f"{source} has no document of {study.corpus.context - 1} tokens; "
            msg += "give more text, or lower [corpus] context"
            raise CorpusError(msg)


def cut_windows(
    study: Study, texts: Iterator[str], tokenizer: Any
) -> Iterator[list[int]]:
    """Cut each document into windows of `context` tokens, BOS first.

    Short documents and the ends of documents are dropped, unless the corpus keeps or
    joins short ones: then the next document follows, after a BOS unless they are
    joined.
    """
    corpus, bos = study.corpus, bos_token_id(study, tokenizer)
    size, end = corpus.context - 1, "\n" if corpus.join else ""
    pending = list[int]()
    while batch := list(islice(texts, TEXTS_AT_ONCE)):
        lines = [text + end for text in batch]
        for token_id in tokens_of(tokenizer, lines):
            pending += [bos] * (bool(pending) and not corpus.join) + token_id
            while len(pending) >= size:
                yield [bos, *pending[:size]]
                pending = pending[size:]
            if not corpus.join and corpus.short == "skip":
                pending = []
