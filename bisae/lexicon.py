"""Find the words of a lexicon in any text: which concept is named, and where.

Reads a CSV with a column concept, perhaps a column topic, and one column per
language; a cell holds one word or several separated by `|`. Writes nothing.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from bisae.errors import CorpusError

# Letters (and accents put after them) of scripts that set spaces between words:
# Latin, Greek, Cyrillic. In other scripts a word may stand against any letter.
_SPACED = (
    "A-Za-zªºÀ-ÖØ-öø-\u024f\u0250-\u02af\u0300-\u036f"
    "\u0370-\u03ff\u0400-\u052f\u1e00-\u1eff\u1f00-\u1fff"
)
_SPACED_LETTER = re.compile(f"[{_SPACED}]")


class Match(NamedTuple):
    """One word found in a text; `text[start:end]` is the word as written there."""

    start: int
    end: int
    concept: str
    topic: str


class Row(NamedTuple):
    """One line of the lexicon; `words` has one tuple for each language, in order."""

    concept: str
    topic: str
    words: tuple[tuple[str, ...], ...]


class _Finder(NamedTuple):
    """A pattern of all words of a language, and the row of each word in lower case."""

    pattern: re.Pattern[str]
    rows: dict[str, Row]


@dataclass(frozen=True)
class Lexicon:
    """Concepts, the topic of each, and the words for it in each language."""

    languages: tuple[str, ...]
    rows: tuple[Row, ...]

    def find(self, text: str, language: str) -> list[Match]:
        """List the words in `text`, leftmost and longest first, none overlapping.

        Upper and lower case are the same. A word listed twice is its first row's.
        """
        if language not in self._finders:
            msg = f"no language {language!r} in the lexicon: it has {self.languages}"
            raise CorpusError(msg)
        pattern, rows = self._finders[language]
        return [
            Match(found.start(), found.end(), row.concept, row.topic)
            for found in pattern.finditer(_lower(text))
            for row in [rows[found.group()]]
        ]

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
        Row(
            concept=line["concept"],
            topic=line.get("topic", ""),
            words=tuple(_words(line[language]) for language in languages),
        )
        for line in lines
    )
    return Lexicon(tuple(languages), rows)


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Return the header and the lines; `utf-8-sig` drops the mark Excel puts first."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            return list(reader.fieldnames or []), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        msg = f"{path}: cannot read the lexicon: {error}"
        raise CorpusError(msg) from error


def _words(cell: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in cell.split("|") if word.strip())


def _finder(words: Iterator[tuple[str, Row]]) -> _Finder:
    """Compile one alternation; regex takes the first that fits, so longest go first."""
    rows: dict[str, Row] = {}
    for word, row in words:
        rows.setdefault(_lower(word), row)
    longest = sorted(rows, key=len, reverse=True)
    # No position can start words of both kinds, so parting them keeps longest first;
    # the border is then tested once, not once a word.
    spaced = "|".join(_ended(word) for word in longest if _SPACED_LETTER.match(word))
    other = "|".join(_ended(word) for word in longest if not _SPACED_LETTER.match(word))
    kinds = [f"(?<![{_SPACED}])(?:{spaced})"] * bool(spaced) + [other] * bool(other)
    # Without words, `(?!)`: a pattern that never matches.
    return _Finder(re.compile("|".join(kinds) or "(?!)"), rows)


def _ended(word: str) -> str:
    """Forbid a letter of a spaced script to touch one that ends `word`."""
    after = f"(?![{_SPACED}])" if _SPACED_LETTER.match(word[-1]) else ""
    return re.escape(word) + after


def _lower(text: str) -> str:
    """Lower case that keeps every offset; only U+0130 would become two characters."""
    return text.replace("\u0130", "i").lower()
