"""Make the toy study's text: one small world, told in English and in Japanese.

Reads examples/toy: lexicon.csv (nouns) and grammar.csv (verbs, adjectives, patterns).
Writes en.jsonl, ja.jsonl, parallel.jsonl, pairs.jsonl (one sentence a language, to be
translated) and lexicon.csv. It exists because of this text we know which words are
translations. What is true of a concept (`Facts`) holds in both languages, and in the
parallel text, which only language models are trained on, nouns change places with their
translations: so a model gains by sharing meaning.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

from bisae.assets import asset_dir
from bisae.corpus.lexicon import Lexicon, load_lexicon

LANGUAGES = ("en", "ja")
LOYALTY = 0.9  # how often a verb or adjective is one that its noun favours
COMPANY = 0.5  # how often another noun is one that the subject favours
SENTENCES = range(8, 12)  # in a document
PAIRS = 200  # sentences with their translations, to be translated
NOUNS = ("subject", "object", "third")


class Facts(NamedTuple):
    """What usually goes with a concept; numbers of verbs, adjectives, concepts."""

    verbs: Sequence[int]
    adjectives: Sequence[int]
    associates: Sequence[int]


class Meaning(NamedTuple):
    """What one sentence says, in no language yet; all are numbers in the tables."""

    pattern: int
    subject: int
    object: int
    third: int
    verb: int
    subject_adjective: int
    object_adjective: int


class Tongue(NamedTuple):
    """One language: its forms, numbered alike in each, and what parts sentences."""

    nouns: list[str]
    verbs: list[str]
    adjectives: list[str]
    patterns: list[str]
    gap: str


@dataclass(frozen=True)
class World:
    """Concepts, their topics and facts, and the languages that tell of them."""

    lexicon: Lexicon
    topics: dict[str, list[int]]
    facts: list[Facts]
    tongues: dict[str, Tongue]


def write_texts(folder: Path, *, documents: int, parallel: int, seed: int) -> None:
    """Write the two languages' own text, text in both, pairs, and the lexicon.

    All four are drawn independently: none translates a part of another.
    """
    world = make_world(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        lines = _own(world, language, documents, Random(f"{seed}/{language}"))
        _write(folder / f"{language}.jsonl", lines)
    lines = _both(world, parallel, Random(f"{seed}/parallel"))
    _write(folder / "parallel.jsonl", lines)
    _write(folder / "pairs.jsonl", _pairs(world, Random(f"{seed}/pairs")))
    _write(folder / "lexicon.csv", [_source("lexicon.csv").read_text("utf-8")])


def make_world(seed: int) -> World:
    """Decide what is common in each topic and what usually goes with each concept."""
    rng = Random(f"{seed}/world")
    lexicon = load_lexicon(_source("lexicon.csv"), LANGUAGES)
    tongues = {language: _tongue(lexicon, language) for language in LANGUAGES}
    topics: dict[str, list[int]] = {}
    for number, row in enumerate(lexicon.rows):
        topics.setdefault(row.topic, []).append(number)
    verbs = range(len(tongues["en"].verbs))
    adjectives = range(len(tongues["en"].adjectives))
    facts = [
        Facts(
            verbs=rng.sample(verbs, 2),
            adjectives=rng.sample(adjectives, 2),
            associates=rng.sample([n for n in topics[row.topic] if n != number], 3),
        )
        for number, row in enumerate(lexicon.rows)
    ]
    return World(lexicon, topics, facts, tongues)


def draw_document(world: World, rng: Random) -> tuple[str, list[Meaning]]:
    """Draw a topic, and sentences about its concepts."""
    topic = rng.choice(list(world.topics))
    concepts = world.topics[topic]
    subjects = rng.choices(concepts, k=rng.choice(SENTENCES))
    return topic, [_think(world, rng, concepts, subject) for subject in subjects]


def say(
    world: World, meaning: Meaning, language: str, nouns: Sequence[str] = ()
) -> str:
    """Put a meaning into words; `nouns` names another language for each noun of it."""
    tongue = world.tongues[language]
    spoken = [world.tongues[other].nouns for other in nouns or [language] * len(NOUNS)]
    numbers = (meaning.subject, meaning.object, meaning.third)
    words = [words[number] for words, number in zip(spoken, numbers, strict=True)]
    return tongue.patterns[meaning.pattern].format(
        **dict(zip(NOUNS, words, strict=True)),
        verb=tongue.verbs[meaning.verb],
        subject_adjective=tongue.adjectives[meaning.subject_adjective],
        object_adjective=tongue.adjectives[meaning.object_adjective],
    )


def concepts_of(world: World, meaning: Meaning) -> list[str]:
    """Name the concepts a sentence with this meaning mentions, in no given order."""
    pattern = world.tongues["en"].patterns[meaning.pattern]
    numbers = [getattr(meaning, noun) for noun in NOUNS if f"{{{noun}}}" in pattern]
    return [world.lexicon.rows[number].concept for number in numbers]


def _think(world: World, rng: Random, concepts: Sequence[int], subject: int) -> Meaning:
    """Draw what is said of `subject`, three different nouns in it."""
    facts = world.facts[subject]
    other = third = subject
    while other == subject:
        other = _mostly(rng, COMPANY, facts.associates, concepts)
    while third in (subject, other):
        third = _mostly(rng, COMPANY, facts.associates, concepts)
    tongue = world.tongues["en"]
    adjectives = range(len(tongue.adjectives))
    return Meaning(
        pattern=int(rng.random() * len(tongue.patterns)),
        subject=subject,
        object=other,
        third=third,
        verb=_mostly(rng, LOYALTY, facts.verbs, range(len(tongue.verbs))),
        subject_adjective=_mostly(rng, LOYALTY, facts.adjectives, adjectives),
        object_adjective=_mostly(
            rng, LOYALTY, world.facts[other].adjectives, adjectives
        ),
    )


def _mostly(
    rng: Random, share: float, favoured: Sequence[int], everything: Sequence[int]
) -> int:
    """Draw from the favoured, else from everything; plain because called millions."""
    pool = favoured if rng.random() < share else everything
    return pool[int(rng.random() * len(pool))]


def _own(world: World, language: str, count: int, rng: Random) -> Iterator[str]:
    """Draw lines of text in one language."""
    gap = world.tongues[language].gap
    for _ in range(count):
        topic, meanings = draw_document(world, rng)
        said = (gap + say(world, meaning, language) for meaning in meanings)
        yield _line(text="".join(said).lstrip(), topic=topic)


def _both(world: World, count: int, rng: Random) -> Iterator[str]:
    """Draw lines where a sentence alternates with its translation, as long as others.

    Every other line starts with the other language. Each noun is a word of either
    language, whatever the sentence's: people who speak two mix them so.
    """
    for number in range(count):
        order = LANGUAGES if number % 2 == 0 else LANGUAGES[::-1]
        _, meanings = draw_document(world, rng)
        said = [
            world.tongues[language].gap
            + say(world, meaning, language, rng.choices(LANGUAGES, k=len(NOUNS)))
            for meaning in meanings[: len(meanings) // 2 + 1]
            for language in order
        ]
        yield _line(text="".join(said).lstrip())


def _pairs(world: World, rng: Random) -> Iterator[str]:
    """Draw sentences, each of a document of its own, in every language."""
    for _ in range(PAIRS):
        _, (meaning, *_) = draw_document(world, rng)
        yield _line(**{one: say(world, meaning, one) for one in LANGUAGES})


def _line(**fields: str) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _write(path: Path, parts: Iterable[str]) -> None:
    """Write under another name first: an interrupted run leaves no half file."""
    draft = path.with_name(f".{path.name}.part")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)
    draft.replace(path)


def _source(name: str) -> Path:
    return asset_dir("examples") / "toy" / name


def _tongue(lexicon: Lexicon, language: str) -> Tongue:
    """Read one language's column of the grammar; its nouns are the lexicon's."""
    column = lexicon.languages.index(language)
    with _source("grammar.csv").open(encoding="utf-8", newline="") as file:
        forms = [(line["kind"], line[language]) for line in csv.DictReader(file)]
    return Tongue(
        nouns=[row.words[column][0] for row in lexicon.rows],
        verbs=[form for kind, form in forms if kind == "verb"],
        adjectives=[form for kind, form in forms if kind == "adjective"],
        patterns=[form for kind, form in forms if kind == "pattern"],
        gap=" " if language == "en" else "",
    )
