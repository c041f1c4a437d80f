"""Text becomes token windows in four splits.

Reads the study's text through `datasets` and its tokenizer, writes `corpus/` of the
store. Translations and copies of one text never stand in two splits.
"""

from bisae.corpus.build import build_corpus
from bisae.corpus.splits import splitter
from bisae.corpus.text import Document, read_documents
from bisae.corpus.token_text import added_texts, shown_texts, token_strings
from bisae.corpus.tokenizer import load_tokenizer, open_tokenizer
from bisae.corpus.tokens import bos_token_id, fingerprint, n_token_ids, tokens_of
from bisae.corpus.windows import Window, windows

__all__ = [
    "Document",
    "Window",
    "added_texts",
    "bos_token_id",
    "build_corpus",
    "fingerprint",
    "load_tokenizer",
    "n_token_ids",
    "open_tokenizer",
    "read_documents",
    "shown_texts",
    "splitter",
    "token_strings",
    "tokens_of",
    "windows",
]
