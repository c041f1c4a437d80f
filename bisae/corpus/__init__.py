"""Text becomes token windows in four splits.

Reads the study's text through `datasets` and its tokenizer, writes `corpus/` of the
store. Translations and copies of one text never stand in two splits.
"""

from bisae.corpus.build import build_corpus
from bisae.corpus.splits import splitter
from bisae.corpus.text import Document, read_documents
from bisae.corpus.tokens import (
    bos_token_id,
    fingerprint,
    load_tokenizer,
    token_strings,
    tokens_of,
)
from bisae.corpus.windows import Window, windows

__all__ = [
    "Document",
    "Window",
    "bos_token_id",
    "build_corpus",
    "fingerprint",
    "load_tokenizer",
    "read_documents",
    "splitter",
    "token_strings",
    "tokens_of",
    "windows",
]
