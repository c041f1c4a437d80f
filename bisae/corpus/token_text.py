"""Determine the text that each token adds, and how tables show it.

Decoded alone a token can change: SentencePiece drops its space, WordPiece its prefix,
and some bytes of a character are not text. So each is decoded between two others.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from bisae.corpus.tokenizer import load_tokenizer
from bisae.corpus.tokens import n_token_ids
from bisae.study import Study

BYTE = re.compile(r"<0x[0-9A-F]{2}>")
PRINTABLE = [*range(33, 127), *range(161, 173), *range(174, 256)]
"""Bytes that byte-level BPE writes as the character with that code point."""
REST = [byte for byte in range(256) if byte not in PRINTABLE]
ALPHABET = {chr(byte): byte for byte in PRINTABLE}
ALPHABET |= {chr(256 + number): byte for number, byte in enumerate(REST)}
"""The other bytes are written as characters from 256 on, in order."""


class Anchor(NamedTuple):
    """A token put before and after others to decode them, and the text of both."""

    token_id: int
    before: str
    after: str


def token_strings(study: Study) -> list[str]:
    """Return the shown text of each token id of the study: see `shown_texts`."""
    return shown_texts(load_tokenizer(study))


def shown_texts(tokenizer: Any) -> list[str]:
    """Return a different text for each token: what it adds to a text, if possible.

    Bytes of a split character are shown as `<0xE7>`. Of several tokens that add the
    same text, one is shown as that text, the others as the vocabulary writes them.
    """
    names = _names(tokenizer)
    texts = [
        _split_character(name) if "\ufffd" in text and name != text else text
        for name, text in zip(names, added_texts(tokenizer), strict=True)
    ]
    alike: dict[str, list[int]] = defaultdict(list)
    for token_id, text in enumerate(texts):
        alike[text].append(token_id)
    for text, token_ids in alike.items():
        token_ids.sort(key=lambda i: (names[i] != text, bool(BYTE.match(names[i])), i))
        for token_id in token_ids[1:]:
            name = names[token_id]
            texts[token_id] = f"{name}<{token_id}>" if name in alike else name
    return texts


def added_texts(tokenizer: Any) -> list[str]:
    """Return what each token id adds within a text; partial characters are U+FFFD."""
    token_ids = range(n_token_ids(tokenizer))
    alone = _decoded(tokenizer, [[token_id] for token_id in token_ids])
    anchor = _anchor(tokenizer, alone)
    if anchor is None:
        return alone
    rows = [[anchor.token_id, token_id, anchor.token_id] for token_id in token_ids]
    return [
        _between(text, anchor, otherwise)
        for text, otherwise in zip(_decoded(tokenizer, rows), alone, strict=True)
    ]


def _anchor(tokenizer: Any, alone: Sequence[str]) -> Anchor | None:
    """Find a letter, if possible one that is not spaced from its neighbours."""
    letters = [
        token_id
        for token_id, (name, text) in enumerate(
            zip(_names(tokenizer), alone, strict=True)
        )
        if re.fullmatch("[A-Za-z]", text.strip())
        and text.strip() in {name[:1], name[-1:]}  # it is not a byte
    ]
    twice = _decoded(tokenizer, [[token_id, token_id] for token_id in letters])
    anchors = [
        Anchor(token_id, alone[token_id], text[len(alone[token_id]) :])
        for token_id, text in zip(letters, twice, strict=True)
        if text.startswith(alone[token_id])
    ]
    return min(
        anchors, key=lambda candidate: candidate.before != candidate.after, default=None
    )


def _between(text: str, anchor: Anchor, otherwise: str) -> str:
    """Return the text between two anchors."""
    _, before, after = anchor
    if not (text.startswith(before) and text.endswith(after)):
        return otherwise
    return text[len(before) : len(text) - len(after)]


def _decoded(tokenizer: Any, rows: list[list[int]]) -> list[str]:
    """Decode each row, special tokens included."""
    if backend := getattr(tokenizer, "backend_tokenizer", None):
        texts: list[str] = backend.decode_batch(rows, skip_special_tokens=False)
        return texts
    return [
        tokenizer.decode(
            row, skip_special_tokens=False, clean_up_tokenization_spaces=False
        )
        for row in rows
    ]


def _names(tokenizer: Any) -> list[str]:
    """Return the vocabulary's name of each id; an id that it skips is `<id>`."""
    names = [f"<{token_id}>" for token_id in range(n_token_ids(tokenizer))]
    for name, token_id in tokenizer.get_vocab().items():
        names[token_id] = name
    return names


def _split_character(name: str) -> str:
    """Show a token with partial characters, whose bytes become `<0xE7>`.

    Byte-level BPE names such tokens in its alphabet; other tokenizers by the byte.
    """
    if not set(name) <= ALPHABET.keys():
        return name
    text = bytes(ALPHABET[c] for c in name).decode("utf-8", "surrogateescape")
    return "".join(
        f"<0x{ord(c) - 0xDC00:02X}>" if 0xDC80 <= ord(c) <= 0xDCFF else c for c in text
    )
