"""Text becomes token windows in four splits.

Reads the study's text through `datasets` and its tokenizer, writes `corpus/` of the
store. Translations and copies of one text never stand in two splits.
"""

import hashlib
import random
from collections.abc import Callable, Iterator
from itertools import chain, islice
from logging import CRITICAL
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bisae.errors import CheckpointError, CorpusError
from bisae.progress import bar
from bisae.store import SPLITS, Store
from bisae.study import Source, Study

READERS = {".jsonl": "json", ".json": "json", ".parquet": "parquet", ".txt": "text"}
TEXTS_AT_ONCE = 512
DOCUMENTS_AT_ONCE = 4096


class Document(NamedTuple):
    """One text and the key that ties it to its translations."""

    text: str
    key: str


class Window(NamedTuple):
    """The first tokens of a document, BOS left out."""

    split: str
    token_id: list[int]


# -- text -------------------------------------------------------------------------


def read_documents(source: Source, key: str | None = None) -> Iterator[Document]:
    """Stream a source's documents.

    Raises CorpusError: a file is missing, is not UTF-8, or lacks a field.
    """
    from datasets.exceptions import DatasetGenerationError

    name = source.dataset or ", ".join(source.files)
    try:
        for row in _open(source):
            yield Document(*(_field(row, field, name) for field in (source.field, key)))
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 ({error.reason}); convert it"
        raise CorpusError(msg) from error
    except (OSError, ValueError, DatasetGenerationError) as error:
        if isinstance(error, CorpusError):
            raise
        reason = str(error.__cause__ or error).splitlines()[0]
        msg = f"{name} cannot be read: {reason}"
        raise CorpusError(msg) from error


def _open(source: Source) -> Any:
    from datasets import disable_progress_bars, load_dataset
    from datasets.utils.logging import set_verbosity

    disable_progress_bars()
    set_verbosity(CRITICAL)  # what it logs, it raises as well
    if source.dataset:
        return load_dataset(
            source.dataset,
            source.dataset_config,
            split=source.dataset_split,
            streaming=True,
        )
    readers = set()
    for file in source.files:
        if not Path(file).is_file():
            msg = f"no text file {file}"
            raise CorpusError(msg)
        suffix = Path(file.removesuffix(".gz")).suffix
        if suffix not in READERS:
            msg = f"{file}: text files end in {', '.join(READERS)} (and .gz)"
            raise CorpusError(msg)
        readers.add(READERS[suffix])
    if len(readers) > 1:
        msg = f"{', '.join(source.files)}: one source holds files of one kind"
        raise CorpusError(msg)
    return load_dataset(
        readers.pop(), data_files=list(source.files), split="train", streaming=True
    )


def _field(row: dict[str, Any], field: str | None, name: str) -> str:
    if field is None:
        return ""
    if row.get(field) is None:
        have = ", ".join(map(str, row))
        msg = f"{name} has a document without the field {field!r} (it has {have})"
        raise CorpusError(msg)
    return str(row[field])


# -- splits -----------------------------------------------------------------------


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


# -- windows ----------------------------------------------------------------------


def load_tokenizer(study: Study) -> Any:
    """The study's tokenizer. Raises CheckpointError."""
    from transformers import AutoTokenizer

    place, revision = study.tokenizer()
    trust = study.lm.trust_remote_code
    try:
        return AutoTokenizer.from_pretrained(
            place, revision=revision, trust_remote_code=trust
        )
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        msg = f"no tokenizer at {place}: {reason}; set [corpus] tokenizer"
        raise CheckpointError(msg) from error


def bos_token_id(study: Study, tokenizer: Any) -> int:
    """The token that opens a window. Raises CorpusError where there is none."""
    if study.corpus.bos is not None:
        found = tokenizer.convert_tokens_to_ids(study.corpus.bos)
        if found is None or found == tokenizer.unk_token_id:
            msg = f"[corpus] bos: the tokenizer has no token {study.corpus.bos!r}"
            raise CorpusError(msg)
        return int(found)
    for found in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if found is not None:
            return int(found)
    msg = "the tokenizer has neither BOS nor EOS; name a token in [corpus] bos"
    raise CorpusError(msg)


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
        encoded = tokenizer(texts, add_special_tokens=False, verbose=False).input_ids
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


# -- the corpus -------------------------------------------------------------------


def build_corpus(store: Store) -> None:
    """Write all splits, equal tokens per language. Does nothing when they are there.

    Raises CorpusError when a language has fewer documents than asked for.
    """
    if store.has_corpus():
        return
    study = store.study
    tokenizer = load_tokenizer(study)
    attributes = {
        "bos_token_id": bos_token_id(study, tokenizer),
        "vocab_size": len(tokenizer),
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
    split = next(s for s in SPLITS if left[s, language])
    setting = {"valid": "valid_share"}.get(split, f"{split}_tokens")
    return (
        f"{language} has too little text: {left[split, language]} tokens of {split} are "
        f"missing once all documents of {size} tokens or more are used; "
        f"lower [corpus] {setting}, or give more text"
    )


def _arrays(rows: list[tuple[int, list[int]]], context: int) -> tuple[Any, Any]:
    token_id = np.full((len(rows), context - 1), -1, np.int32)
    for row, (_, ids) in enumerate(rows):
        token_id[row, : len(ids)] = ids
    return token_id, np.array([language for language, _ in rows], np.uint8)


def fingerprint(tokenizer: Any) -> str:
    """A sha256 of all that decides how the tokenizer cuts text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    told = backend.to_str() if backend else str(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(told.encode()).hexdigest()


def token_strings(study: Study) -> list[str]:
    """Each token id's text; bytes that are no text alone show as U+FFFD."""
    tokenizer = load_tokenizer(study)
    return [tokenizer.decode([token_id]) for token_id in range(len(tokenizer))]
