"""Find the tokens that belong to words of the lexicon.

Reads a split's windows, the tokenizer and the study's lexicon; returns the positions
whose token consists mostly of such a word.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from bisae.corpus.lexicon import Lexicon, Match
from bisae.store import Block


class TokenConcept(NamedTuple):
    """A token that belongs to a word of the lexicon."""

    token_row: int
    concept: str
    topic: str
    language: str
    word: str
    """The word as written in the lexicon."""


def find_concepts(
    block: Block, languages: tuple[str, ...], tokenizer: Any, lexicon: Lexicon
) -> Iterator[TokenConcept]:
    """Yield each token of the lexicon's words in some documents."""
    width = block.token_id.shape[1]
    for number, tokens in enumerate(block.token_id):
        real = tokens[tokens >= 0].tolist()
        text, ends = _offsets(real, tokenizer)
        language = languages[int(block.language[number])]
        matches = lexicon.find(text, language)
        first_row = (block.first + number) * width
        for position, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if match := _covering(text, start, end, matches):
                row = first_row + position
                yield TokenConcept(
                    row, match.concept, match.topic, language, match.word
                )


def _offsets(token_id: list[int], tokenizer: Any) -> tuple[str, list[int]]:
    """Return the text of a window, and the position at which each token ends.

    A token that ends inside a character counts as ending before it.
    """
    prefixes = [token_id[: end + 1] for end in range(len(token_id))]
    texts = tokenizer.batch_decode(prefixes, clean_up_tokenization_spaces=False)
    return texts[-1], [len(text.rstrip("\ufffd")) for text in texts]


def _covering(text: str, start: int, end: int, matches: list[Match]) -> Match | None:
    """Return the match that covers at least half of a token's visible characters."""
    visible = len(text[start:end].strip())
    for match in matches:
        shared = min(end, match.end) - max(start, match.start)
        if visible and 2 * shared >= visible:
            return match
    return None
