"""The tables of a study's lexicon: its words, and the tokens that are part of them.

Reads the evaluation text, the tokenizer and the lexicon; registers `lexicon` and
`token_concepts` with a connection, and notes words that never occur.
"""

from collections.abc import Sequence

import pyarrow as pa

from bisae.corpus import load_tokenizer
from bisae.corpus.concepts import TokenConcept, find_concepts
from bisae.corpus.lexicon import Lexicon
from bisae.progress import note
from bisae.query import Connection
from bisae.store import Store

TOKEN_CONCEPTS = pa.schema(
    [("token_row", pa.int64()), ("concept", pa.string()), ("topic", pa.string())]
)
SHOWN_WORDS = 10
"""The most words that a note names."""


def put_lexicon(con: Connection, lexicon: Lexicon) -> None:
    """Register the table `lexicon` with a connection."""
    rows = [
        {"concept": row.concept, "topic": row.topic, "language": language, "word": word}
        for row in lexicon.rows
        for language, words in zip(lexicon.languages, row.words, strict=True)
        for word in words
    ]
    con.register("lexicon", pa.Table.from_pylist(rows))


def put_concepts(con: Connection, store: Store, lexicon: Lexicon) -> None:
    """Register the table `token_concepts` with a connection."""
    tokenizer = load_tokenizer(store.study)
    tokens = [
        token
        for block in store.documents("eval")
        for token in find_concepts(block, store.languages, tokenizer, lexicon)
    ]
    note_unused_words(lexicon, tokens)
    columns = {
        name: [getattr(token, name) for token in tokens]
        for name in TOKEN_CONCEPTS.names
    }
    con.register("token_concepts", pa.table(columns, schema=TOKEN_CONCEPTS))


def note_unused_words(lexicon: Lexicon, tokens: Sequence[TokenConcept]) -> None:
    """Note the words of the lexicon that never occur in the evaluation text."""
    used_words = {(token.language, token.word) for token in tokens}
    for language in lexicon.languages:
        words = lexicon.words(language)
        unused = [word for word in words if (language, word) not in used_words]
        if unused:
            shown = unused[:SHOWN_WORDS] + ["..."] * (len(unused) > SHOWN_WORDS)
            note(
                f"lexicon: {len(unused):,} of {len(words):,} words of {language} never "
                f"occur in the evaluation text: {', '.join(shown)}"
            )
