"""Turn text into token windows in four splits.

Reads the study's text through `datasets` and its tokenizer, writes `corpus/` of the
store. Translations and copies of a text are always in the same split.
"""

from bisae.corpus.amounts import (
    batch_misfit,
    count_tokens,
    misfits,
    with_numbers,
    with_stored_numbers,
)
from bisae.corpus.build import build_corpus
from bisae.corpus.files import list_files
from bisae.corpus.pair_texts import PairTexts, pair_texts
from bisae.corpus.pairs import read_translations
from bisae.corpus.random_tokens import Documents, has_random_tokens, text_for
from bisae.corpus.splits import splitter
from bisae.corpus.text import Document, read_documents
from bisae.corpus.token_text import added_texts, shown_texts, token_strings
from bisae.corpus.tokenizer import (
    load_tokenizer,
    open_tokenizer,
    quiet_transformers,
)
from bisae.corpus.tokens import (
    bos_token_id,
    fingerprint,
    first_tokens,
    n_token_ids,
    tokens_of,
)
from bisae.corpus.turns import shuffled, take_turns
from bisae.corpus.windows import Window, batches_of, windows

__all__ = [
    "Document",
    "Documents",
    "PairTexts",
    "Window",
    "added_texts",
    "batch_misfit",
    "batches_of",
    "bos_token_id",
    "build_corpus",
    "count_tokens",
    "fingerprint",
    "first_tokens",
    "has_random_tokens",
    "list_files",
    "load_tokenizer",
    "misfits",
    "n_token_ids",
    "open_tokenizer",
    "pair_texts",
    "quiet_transformers",
    "read_documents",
    "read_translations",
    "shown_texts",
    "shuffled",
    "splitter",
    "take_turns",
    "text_for",
    "token_strings",
    "tokens_of",
    "windows",
    "with_numbers",
    "with_stored_numbers",
]
