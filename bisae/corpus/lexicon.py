"""Find the words of a lexicon in text, with their concepts and positions.

Reads a CSV file with a column concept, optionally topic, and one column per language; a
cell holds one or more words separated by `|`. Writes nothing.
"""

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import regex

from bisae.errors import CorpusError

# Scripts in which a word may touch any letter: those without spaces, and Korean, which
# attaches particles to words. Line_Break covers more of them.
_UNSPACED = "".join(
    rf"\p{{scx={script}}}"
    for script in ("Han", "Hira", "Kana", "Bopo", "Hang", "Tibt", "Mymr", "Khmr")
)
_SPACED = rf"[[\p{{L}}\p{{M}}]--[{_UNSPACED}\p{{Line_Break=Complex_Context}}]]"
"""A letter, or a combining mark, of a script that puts spaces between words."""
_SPACED_LETTER = regex.compile(_SPACED, regex.V1)


class Match(NamedTuple):
    """A word that occurs in a text; `text[start:end]` is the word as written there."""

    start: int
    end: int
    concept: str
    topic: str
    word: str
    """The word as written in the lexicon."""


class Entry(NamedTuple):
    """One line of the lexicon, with a tuple of words for each language in order."""

    concept: str
    topic: str
    words: tuple[tuple[str, ...], ...]


class _Finder(NamedTuple):
    """A pattern of a language's words, and the word and entry of each folded form."""

    pattern: Any
    words: dict[str, tuple[str, Entry]]


class _Folded(NamedTuple):
    """A text in one normal form and case, with the original offsets."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


@dataclass(frozen=True)
class Lexicon:
    """Concepts, the topic of each, and the words for it in each language."""

    languages: tuple[str, ...]
    rows: tuple[Entry, ...]

    def find(self, text: str, language: str) -> list[Match]:
        """List the words in `text`, leftmost and longest first, none overlapping.

        Ignores case and the ways to write one character (composed or not, half or full
        width). A word listed twice belongs to its first entry.
        """
        if language not in self._finders:
            msg = f"no language {language!r} in the lexicon: it has {self.languages}"
            raise CorpusError(msg)
        pattern, words = self._finders[language]
        folded, starts, ends = _fold(text)
        return [
            Match(starts[match.start()], ends[match.end() - 1], *row[:2], word)
            for match in pattern.finditer(folded)
            for word, row in [words[match.group()]]
        ]

    def words(self, language: str) -> list[str]:
        """List a language's words, each once."""
        return [word for word, _ in self._finders[language].words.values()]

    @cached_property
    def _finders(self) -> dict[str, _Finder]:
        """Compile each language's words once, at the first search."""
        return {
            language: _finder(
                (word, row) for row in self.rows for word in row.words[column]
            )
            for column, language in enumerate(self.languages)
        }


def load_lexicon(path: Path, languages: Sequence[str]) -> Lexicon:
    """Read the columns of `languages` from a CSV file."""
    columns, lines = _read(path)
    for column in ("concept", *languages):
        if column not in columns:
            msg = f"{path}: no column {column!r} in the lexicon, only {columns}"
            raise CorpusError(msg)
    rows = tuple(
        Entry(
            concept=line["concept"],
            topic=line.get("topic", ""),
            words=tuple(_words(line[language]) for language in languages),
        )
        for line in lines
    )
    return Lexicon(tuple(languages), rows)


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return header and lines; `utf-8-sig` drops the mark that Excel puts first."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            return list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: cannot read the lexicon: {error}"
        raise CorpusError(msg) from error


def _words(cell: str) -> tuple[str, ...]:
    """Return the words of a field, each once."""
    words = (word.strip() for word in cell.split("|"))
    return tuple(dict.fromkeys(word for word in words if word))


def _finder(words: Iterator[tuple[str, Entry]]) -> _Finder:
    """Compile one alternation, longest first, as regex takes the first that matches."""
    listed: dict[str, tuple[str, Entry]] = {}
    for word, row in words:
        listed.setdefault(_fold(word).text, (word, row))
    longest = sorted(listed, key=len, reverse=True)
    # No position can start words of both kinds, so separating them keeps the longest
    # first, and the border is tested once instead of once per word.
    spaced = "|".join(_bounded(word) for word in longest if _SPACED_LETTER.match(word))
    unspaced = "|".join(
        _bounded(word) for word in longest if not _SPACED_LETTER.match(word)
    )
    kinds = [f"(?<!{_SPACED})(?:{spaced})"] * bool(spaced) + [unspaced] * bool(unspaced)
    # Without words, `(?!)`: a pattern that never matches.
    return _Finder(regex.compile("|".join(kinds) or "(?!)", regex.V1), listed)


def _bounded(word: str) -> str:
    """Escape a word; if it ends in a spaced script, no such letter may follow."""
    after = f"(?!{_SPACED})" if _SPACED_LETTER.match(word[-1]) else ""
    return str(regex.escape(word)) + after


def _fold(text: str) -> _Folded:
    """Bring a text to one normal form and case, keeping the order of characters."""
    if text.isascii():
        return _Folded(text.lower(), range(len(text)), range(1, len(text) + 1))
    pieces, starts, ends = list[str](), list[int](), list[int]()
    for match in regex.finditer(r"\X", text):
        piece = _fold_character(match.group())
        pieces.append(piece)
        starts += [match.start()] * len(piece)
        ends += [match.end()] * len(piece)
    return _Folded("".join(pieces), starts, ends)


@lru_cache(maxsize=65_536)
def _fold_character(character: str) -> str:
    """Fold a character with its combining marks; U+0130 would keep its dot."""
    composed = unicodedata.normalize("NFKC", character).replace("\u0130", "i")
    return unicodedata.normalize("NFKC", composed.casefold())
