"""Open the tokenizer that a checkpoint ships, instead of one rebuilt from its class.

Reads `tokenizer.json` of a folder or the hub. transformers builds many tokenizers anew
from their declared class or `model_type` and drops the pre-tokenizer, normalizer or
model of that file; here the file decides. Without it, the tokenizer must round-trip
text, and split it as its SentencePiece model does.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bisae.corpus.tokens import tokens_of
from bisae.errors import CheckpointError, UntrustedCode, one_line
from bisae.study import Study

PROBE = (
    "The old driver in 2023 paid 1,234.50 for 17 houses (100%), slowly.",
    "two  spaces, a new\nline and a\ttab",
    "for i in range(10): x[i] += 2 ** i",
    "Où naît l'été? Smørrebrød, naïve Straße.",
    "猫が眠る。東京タワーは333メートル。",
    "小猫在睡觉。北京有2000万人。",
    "고양이가 자고 있다",
    "Кошка спит на окне",
    "μια γάτα κοιμάται",
    "القطة نائمة",
    "החתול ישן",
    "बिल्ली सो रही है",
    "แมวกำลังนอน",
)
"""Numbers, spaces and many scripts, which a rebuilt tokenizer splits differently."""
NAMES = ("bos_token", "eos_token", "unk_token")


def load_tokenizer(study: Study) -> Any:
    """Load the study's tokenizer. Raises CheckpointError, UntrustedCode."""
    path, revision = study.tokenizer()
    try:
        return open_tokenizer(path, revision, trust=study.lm.trust_remote_code)
    except UntrustedCode:
        raise
    except CheckpointError as error:
        msg = f"no tokenizer at {path}: {error}; set [corpus] tokenizer"
        raise CheckpointError(msg) from error


def open_tokenizer(path: str, revision: str | None, *, trust: bool = False) -> Any:
    """Load the tokenizer of a folder or hub name. Raises CheckpointError."""
    from transformers import AutoTokenizer

    source = {"revision": revision, "trust_remote_code": trust}
    try:
        with quiet_transformers():
            if file := tokenizer_file(path, revision):
                return _from_file(file, path, source)
            tokenizer: Any = AutoTokenizer.from_pretrained(path, **source)
    except Exception as error:
        if "trust_remote_code" in str(error) and not trust:
            raise UntrustedCode(path) from error
        raise CheckpointError(_reason(error, path, revision)) from error
    check_round_trip(tokenizer, PROBE)
    _check_pieces(tokenizer)
    return tokenizer


def tokenizer_file(path: str, revision: str | None) -> str | None:
    """Return the `tokenizer.json` of a folder or hub name, or None."""
    return _cached(path, revision, "tokenizer.json")


def check_round_trip(tokenizer: Any, texts: Iterable[str]) -> None:
    """Raise CheckpointError unless texts without unknown tokens survive a round trip.

    Case, accents and spaces around punctuation may change; letters, digits and the
    spaces between words may not.
    """
    texts, name = list(texts), type(tokenizer).__name__
    n_compared = 0
    for text, token_id in zip(texts, tokens_of(tokenizer, texts), strict=True):
        if not token_id or tokenizer.unk_token_id in token_id:
            continue
        n_compared += 1
        decoded = tokenizer.decode(token_id, clean_up_tokenization_spaces=False)
        if _content(decoded) != _content(text):
            msg = f"transformers' {name} gives {text[:60]!r} back as {decoded[:60]!r}"
            raise CheckpointError(msg + ", and there is no tokenizer.json that decides")
    if texts and not n_compared:
        msg = f"transformers' {name} knows none of {len(texts)} texts, as one without "
        raise CheckpointError(msg + "a vocabulary does, and there is no tokenizer.json")


def _content(text: str) -> tuple[str, list[str]]:
    """Return what must survive a round trip: characters, and in ASCII the words."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(c for c in letters if not unicodedata.combining(c))
    words = re.findall(r"\w+", letters) if text.isascii() else []
    return "".join(letters.split()), words


def _check_pieces(tokenizer: Any) -> None:
    """Compare a tokenizer with its SentencePiece model. Raises CheckpointError."""
    file = str(getattr(tokenizer, "vocab_file", None))
    if not file.endswith(".model") or not find_spec("sentencepiece"):
        return
    model = import_module("sentencepiece").SentencePieceProcessor(model_file=file)
    for text, token_id in zip(PROBE, tokens_of(tokenizer, list(PROBE)), strict=True):
        pieces = tokenizer.convert_ids_to_tokens(token_id)
        expected = model.encode(text, out_type=str)
        if pieces != expected and tokenizer.unk_token not in pieces:
            msg = f"transformers' {type(tokenizer).__name__} cuts {text!r} into "
            msg += f"{_shown(pieces)}, {Path(file).name} into {_shown(expected)}, and "
            raise CheckpointError(msg + "there is no tokenizer.json that decides")


def _shown(pieces: Sequence[str]) -> str:
    return " ".join(pieces[:8]) + (" ..." if len(pieces) > 8 else "")


def _from_file(file: str, path: str, source: dict[str, Any]) -> Any:
    """Load a tokenizer.json; special tokens that it lacks are left out, not added."""
    from transformers import TokenizersBackend

    of_file: Any = TokenizersBackend
    tokenizer = of_file(tokenizer_file=file)
    vocabulary = tokenizer.get_vocab()
    for key, name in _special_tokens(path, source).items():
        if name in vocabulary:
            setattr(tokenizer, key, name)
    return tokenizer


def _special_tokens(path: str, source: dict[str, Any]) -> dict[str, str]:
    """Return BOS, EOS and the unknown token of the files, else those of the class."""
    from transformers import AutoTokenizer, TokenizersBackend

    names: dict[str, str] = {}
    openers: tuple[Any, ...] = (TokenizersBackend, AutoTokenizer)
    for opener in openers:
        with suppress(Exception):  # only names are read, and some tokenizers have none
            tokenizer = opener.from_pretrained(path, **source)
            for key in NAMES:
                if name := getattr(tokenizer, key):
                    names.setdefault(key, str(name))
        if {"bos_token", "eos_token"} & names.keys():
            break
    return names


def _cached(path: str, revision: str | None, name: str) -> str | None:
    """Return the path of a file, downloading it if needed; None if it is missing."""
    from transformers.utils.hub import cached_file

    if Path(path).is_dir():
        return str(Path(path) / name) if (Path(path) / name).is_file() else None
    with suppress(OSError):
        file: str | None = cached_file(path, name, revision=revision)
        return file
    return None


def _reason(error: Exception, path: str, revision: str | None) -> str:
    """Return why a tokenizer cannot be opened, and what would help."""
    if not find_spec("sentencepiece"):
        models = [file.name for file in Path(path).glob("*.model")]
        if models or _cached(path, revision, "tokenizer.model"):
            name = models[0] if models else "tokenizer.model"
            return (
                f"{name} is read by the package sentencepiece, which is not installed "
                "(pip install sentencepiece)"
            )
    return one_line(error)


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the load report and the progress bar of `transformers`."""
    from transformers import logging

    noise: Any = logging
    verbosity, bars = noise.get_verbosity(), noise.is_progress_bar_enabled()
    noise.set_verbosity_error()
    noise.disable_progress_bar()
    try:
        yield
    finally:
        noise.set_verbosity(verbosity)
        if bars:
            noise.enable_progress_bar()
