"""Build the splits of the store with equal tokens per language.

Reads the study's text, writes `corpus/`; reports how much was left out as copies, and
the share of each source of a language.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from bisae.corpus.amounts import (
    Amounts,
    count_tokens,
    misfits,
    requested_tokens,
    shared_tokens,
    shortage,
)
from bisae.corpus.pairs import EvaluationKeys, read_pairs
from bisae.corpus.splits import splitter
from bisae.corpus.text import Document, read_documents
from bisae.corpus.tokenizer import check_round_trip, load_tokenizer, tokenizer_file
from bisae.corpus.tokens import bos_token_id, fingerprint, n_token_ids
from bisae.corpus.windows import Distinct, Window, windows
from bisae.errors import CorpusError
from bisae.progress import bar, note
from bisae.store import PAIRS, SPLITS, Store
from bisae.study import Study

DOCUMENTS_AT_ONCE = 4096
DOCUMENTS_TRIED, CHARACTERS_TRIED = 16, 1000
"""Text of each source that a tokenizer without a tokenizer.json must round-trip."""


def build_corpus(store: Store) -> None:
    """Write all splits with equal tokens per language, unless they exist.

    Raises CorpusError if there is too little text, listing everything that is missing.
    """
    if store.has_corpus():
        _note_missing_pairs(store)
        return
    study = store.study
    tokenizer = load_tokenizer(study)
    _check_text(study, tokenizer)
    target = _target(study, tokenizer)
    attributes = {
        "bos_token_id": bos_token_id(study, tokenizer),
        "vocab_size": n_token_ids(tokenizer),
        "tokenizer_fingerprint": fingerprint(tokenizer),
        "context": study.corpus.context,
    }
    pairs, keys = read_pairs(study, tokenizer), EvaluationKeys(study.corpus.seed)
    split_of = splitter(study)
    shares = [
        _LanguageWindows(study, language, tokenizer, split_of, target)
        for language in study.corpus.languages
    ]
    with store.write_corpus() as writer:
        rows: dict[str, list[tuple[int, list[int]]]] = {split: [] for split in SPLITS}
        for language, window in _in_turn(shares, sum(target.values())):
            waiting = rows[window.split]
            waiting.append((language, window.token_id))
            if window.split == "eval":
                keys.add(language, window.key)
            if len(waiting) == DOCUMENTS_AT_ONCE:
                writer.append(window.split, *_arrays(waiting, study.corpus.context))
                waiting.clear()
        for split, waiting in rows.items():
            if waiting:
                writer.append(split, *_arrays(waiting, study.corpus.context))
        counts = {key: n for share in shares for key, n in share.counts.items()}
        if message := shortage(study, target, counts):
            raise CorpusError(message)
        if study.corpus.key:
            writer.write_pair_numbers(keys.pair_numbers())
        if pairs:
            rows_of_pairs = [(text.language, text.token_id) for text in pairs]
            number = np.array([text.pair for text in pairs])
            writer.write_pairs(*_arrays(rows_of_pairs, study.corpus.context), number)
        writer.finish(attributes)
    for share in shares:
        share.note_copies()
        share.note_sources()


def _note_missing_pairs(store: Store) -> None:
    """Report that the study names files of pairs but its corpus is older than that."""
    pairs = store.study.pairs
    if pairs and pairs.files and store.pair_numbers(PAIRS) is None:
        note(
            f"{store.path}: the corpus was built without [pairs] files, so retrieval "
            "is not measured; build the study in another store"
        )


def _check_text(study: Study, tokenizer: Any) -> None:
    """Without a tokenizer.json, check that the study's text survives a round trip."""
    if tokenizer_file(*study.tokenizer()):
        return
    for source in study.corpus.text:
        documents = islice(read_documents(source), DOCUMENTS_TRIED)
        check_round_trip(
            tokenizer, [document.text[:CHARACTERS_TRIED] for document in documents]
        )


class _LanguageWindows:
    """The windows of one language, up to the target of each split."""

    def __init__(
        self,
        study: Study,
        language: str,
        tokenizer: Any,
        split_of: Callable[[Document], str],
        target: Amounts,
    ) -> None:
        self._language = language
        self._sources = study.corpus.sources(language)
        self._distinct = Distinct()
        self._windows = windows(study, language, tokenizer, split_of, self._distinct)
        self._target = {key: n for key, n in target.items() if key[1] == language}
        self._by_source = Counter[int]()
        self.counts = dict.fromkeys(self._target, 0)
        """Tokens so far, by split and language."""

    def take(self) -> Window | None:
        """Take the next window, emptied if its split has enough tokens.

        Returns None once all splits have enough, or at the end of the text.
        """
        window = None if self.counts == self._target else next(self._windows, None)
        if window is None:
            return None
        key = window.split, self._language
        token_id = window.token_id[: self._target[key] - self.counts[key]]
        self.counts[key] += len(token_id)
        self._by_source[window.source] += len(token_id)
        return window._replace(token_id=token_id)

    def note_copies(self) -> None:
        """Report how many documents were left out as copies, if any."""
        documents, copies = self._distinct.documents, self._distinct.copies
        if copies:
            note(
                f"{self._language}: {copies:,} of {documents:,} documents begin with "
                "the same tokens as an earlier one and are left out as copies"
            )

    def note_sources(self) -> None:
        """Report the share of each source, if there are several."""
        if len(self._sources) > 1:
            total = self._by_source.total()
            parts = (
                f"{self._by_source[number] / total:.1%} from {source.name} "
                f"({source.field})"
                for number, source in enumerate(self._sources)
            )
            note(f"{self._language}: {', '.join(parts)}")


def _in_turn(
    shares: list[_LanguageWindows], total: int
) -> Iterator[tuple[int, Window]]:
    """Yield windows of all languages in turn, until each has enough in every split."""
    unfinished = dict(enumerate(shares))
    with bar(total, "corpus", "tokens") as shown:
        while unfinished:
            for number, share in list(unfinished.items()):
                window = share.take()
                if window is None:
                    del unfinished[number]
                elif window.token_id:
                    shown.update(len(window.token_id))
                    yield number, window


def _target(study: Study, tokenizer: Any) -> Amounts:
    """Return the target tokens by split and language, counting text for shares."""
    if not study.corpus.asks_for_shares:
        return requested_tokens(study)
    counts = count_tokens(study, tokenizer)
    if messages := misfits(study, counts):
        raise CorpusError("; ".join(messages))
    return shared_tokens(study, counts)


def _arrays(rows: list[tuple[int, list[int]]], context: int) -> tuple[Any, Any]:
    token_id = np.full((len(rows), context - 1), -1, np.int32)
    for row, (_, ids) in enumerate(rows):
        token_id[row, : len(ids)] = ids
    return token_id, np.array([language for language, _ in rows], np.uint8)
