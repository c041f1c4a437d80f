"""Text as token ids: the BOS of a tokenizer, its size, its fingerprint."""

import hashlib
from collections.abc import Sequence
from typing import Any

from bisae.errors import CorpusError
from bisae.study import Study

CHARACTERS_A_TOKEN = 16
"""More than the tokens of most texts have, twice over."""


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


def tokens_of(tokenizer: Any, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of texts and nothing added; what looks like a special token is text."""
    options = {"add_special_tokens": False, "split_special_tokens": True}
    token_id: list[list[int]] = tokenizer([*texts], verbose=False, **options).input_ids
    return token_id


def n_token_ids(tokenizer: Any) -> int:
    """The largest token id and one; `len` counts tokens, and ids may have gaps."""
    return int(max(tokenizer.get_vocab().values(), default=-1)) + 1


def first_tokens(tokenizer: Any, texts: list[str], size: int) -> list[list[int]]:
    """The first `size` tokens of each text, or all that it has.

    Of a long text only a beginning is read: enough that as many tokens again follow
    those that are kept, so that they do not depend on where it was cut. (Only Unigram,
    on one piece repeated a thousand times over, could begin otherwise.)
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
    """A sha256 of all that decides how the tokenizer cuts text."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    told = backend.to_str() if backend else str(sorted(tokenizer.get_vocab().items()))
    return hashlib.sha256(told.encode()).hexdigest()
