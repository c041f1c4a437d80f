"""The splits of the store, equal tokens per language."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from bisae.corpus.splits import splitter
from bisae.corpus.text import read_documents
from bisae.corpus.tokenizer import check_round_trip, load_tokenizer, tokenizer_file
from bisae.corpus.tokens import bos_token_id, fingerprint, n_token_ids
from bisae.corpus.windows import Window, windows
from bisae.errors import CorpusError
from bisae.progress import bar
from bisae.store import SPLITS, Store
from bisae.study import Study

DOCUMENTS_AT_ONCE = 4096
DOCUMENTS_TRIED, CHARACTERS_TRIED = 16, 1000
"""Text of each source that a tokenizer without a file of its own must give back."""


def build_corpus(store: Store) -> None:
    """Write all splits, equal tokens per language. Does nothing when they are there.

    Raises CorpusError when a language has fewer documents than asked for.
    """
    if store.has_corpus():
        return
    study = store.study
    tokenizer = load_tokenizer(study)
    _check_text(study, tokenizer)
    attributes = {
        "bos_token_id": bos_token_id(study, tokenizer),
        "vocab_size": n_token_ids(tokenizer),
        "tokenizer_fingerprint": fingerprint(tokenizer),
        "context": study.corpus.context,
    }
    with store.write_corpus() as writer:
        rows: dict[str, list[tuple[int, list[int]]]] = {split: [] for split in SPLITS}
        for language, window in _equal_shares(study, tokenizer):
            held = rows[window.split]
            held.append((language, window.token_id))
            if len(held) == DOCUMENTS_AT_ONCE:
                writer.append(window.split, *_arrays(held, study.corpus.context))
                held.clear()
        for split, held in rows.items():
            if held:
                writer.append(split, *_arrays(held, study.corpus.context))
        writer.finish(attributes)


def _check_text(study: Study, tokenizer: Any) -> None:
    """Where no tokenizer.json decides, the study's own text must come back whole."""
    if tokenizer_file(*study.tokenizer()):
        return
    for source in study.corpus.text:
        documents = islice(read_documents(source), DOCUMENTS_TRIED)
        check_round_trip(tokenizer, [one.text[:CHARACTERS_TRIED] for one in documents])


def _equal_shares(study: Study, tokenizer: Any) -> Iterator[tuple[int, Window]]:
    """Windows of all languages in turn, until each has its tokens in every split."""
    size, languages = study.corpus.context - 1, study.corpus.languages
    left = {
        (split, language): -(-asked // (len(languages) * size)) * size
        for split, asked in study.corpus.tokens.items()
        for language in languages
    }
    split_of = splitter(study)
    streams = {name: windows(study, name, tokenizer, split_of) for name in languages}
    with bar(sum(left.values()), "corpus", "tokens") as shown:
        while any(left.values()):
            for number, language in enumerate(languages):
                if not any(left[split, language] for split in SPLITS):
                    continue
                window = next(streams[language], None)
                if window is None:
                    raise CorpusError(_shortage(language, left, size))
                room = left[window.split, language]
                token_id = window.token_id[:room]
                left[window.split, language] -= len(token_id)
                shown.update(len(token_id))
                if token_id:
                    yield number, Window(window.split, token_id)


def _shortage(language: str, left: dict[tuple[str, str], int], size: int) -> str:
    split = max(SPLITS, key=lambda split: left[split, language])
    setting = {"valid": "valid_share"}.get(split, f"{split}_tokens")
    return (
        f"{language} has too little text: {left[split, language]} tokens of {split} "
        f"are missing once all documents of {size} tokens or more are used; "
        f"lower [corpus] {setting}, or give more text"
    )


def _arrays(rows: list[tuple[int, list[int]]], context: int) -> tuple[Any, Any]:
    token_id = np.full((len(rows), context - 1), -1, np.int32)
    for row, (_, ids) in enumerate(rows):
        token_id[row, : len(ids)] = ids
    return token_id, np.array([language for language, _ in rows], np.uint8)
