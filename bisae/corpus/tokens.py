"""Encode text, and describe a tokenizer: its BOS, size and fingerprint."""

import hashlib
from collections.abc import Sequence
from typing import Any

from bisae.errors import CorpusError
from bisae.study import Study

CHARACTERS_A_TOKEN = 16
"""More than twice the characters per token of most texts."""


def bos_token_id(study: Study, tokenizer: Any) -> int:
    """Return the token that opens a window. Raises CorpusError if there is none."""
    if study.corpus.bos is not None:
        token_id = tokenizer.convert_tokens_to_ids(study.corpus.bos)
        if token_id is None or token_id == tokenizer.unk_token_id:
            msg = f"[corpus] bos: the tokenizer has no token {study.corpus.bos!r}"
            raise CorpusError(msg)
        return int(token_id)
    for token_id in (tokenizer.bos_token_id, tokenizer.eos_token_id):
        if token_id is not None:
            return int(token_id)
    msg = "the tokenizer has neither BOS nor EOS; name a token in [corpus] bos"
    raise CorpusError(msg)


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Encode texts; nothing is added, and special tokens in them are plain text."""
    options = {"add_special_tokens": False, "split_special_tokens": True}
    token_id: list[list[int]] = tokenizer([*texts], verbose=False, **options).input_ids
    return token_id


def n_token_ids(tokenizer: Any) -> int:
    """Return the largest token id plus one; `len` would ignore gaps between ids."""
    return int(max(tokenizer.get_vocab().values(), default=-1)) + 1


def first_tokens(tokenizer: Any, texts: list[str], size: int) -> list[list[int]]:
    """Return the first `size` tokens of each text, or all if it has fewer.

    Only the beginning of a long text is encoded, enough for twice as many tokens, so
    that those returned do not depend on the cut. (Only Unigram, on one piece repeated a
    thousand times, could begin differently.)
    """
    limit = CHARACTERS_A_TOKEN * size
    encoded = tokens_of(tokenizer, [text[:limit] for text in texts])
    for number, text in enumerate(texts):
        length = limit
        while len(encoded[number]) < 2 * size and length < len(text):
            length *= 4
            (encoded[number],) = tokens_of(tokenizer, [text[:length]])
    return [token_id[:size] for token_id in encoded]


def fingerprint(tokenizer: Any) -> str:
    """Return a sha256 of everything that decides how the tokenizer splits text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    description = (
        backend.to_str() if backend else str(sorted(tokenizer.get_vocab().items()))
    )
    return hashlib.sha256(description.encode()).hexdigest()
