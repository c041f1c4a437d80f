"""Generate the toy study's text: a small world, described in English and Japanese.

Reads examples/toy: lexicon.csv (nouns) and grammar.csv (verbs, adjectives, patterns).
Writes en.jsonl, ja.jsonl, parallel.jsonl, pairs.jsonl (sentences to translate, one per
language) and lexicon.csv. In generated text it is known which words are translations.
The facts about a concept (`Facts`) hold in both languages. In the parallel text, which
only language models are trained on, nouns are swapped with their translations, so that
a model gains by sharing meaning across languages.
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
FAVOURED_SHARE = 0.9  # how often a verb or adjective is one that its noun favours
ASSOCIATE_SHARE = 0.5  # how often another noun is one that the subject favours
SENTENCES = range(8, 12)  # in a document
PAIRS = 200  # sentences with their translations, to be translated
NOUNS = ("subject", "object", "third")


class Facts(NamedTuple):
    """The words that usually go with a concept, as indices into their lists."""

    verbs: Sequence[int]
    adjectives: Sequence[int]
    associates: Sequence[int]


class Meaning(NamedTuple):
    """The content of a sentence in any language, as indices into the word lists."""

    pattern: int
    subject: int
    object: int
    third: int
    verb: int
    subject_adjective: int
    object_adjective: int


class LanguageForms(NamedTuple):
    """The word forms of one language; an index means the same in every language."""

    nouns: list[str]
    verbs: list[str]
    adjectives: list[str]
    patterns: list[str]
    gap: str
    """Written between sentences."""


@dataclass(frozen=True)
class World:
    """Concepts with their topics and facts, and the word forms of each language."""

    lexicon: Lexicon
    topics: dict[str, list[int]]
    facts: list[Facts]
    forms: dict[str, LanguageForms]


def write_texts(folder: Path, *, documents: int, parallel: int, seed: int) -> None:
    """Write text in each language, parallel text, pairs, and the lexicon.

    All texts are drawn independently: none translates a part of another.
    """
    world = make_world(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for language in LANGUAGES:
        lines = _monolingual_lines(
            world, language, documents, Random(f"{seed}/{language}")
        )
        _write(folder / f"{language}.jsonl", lines)
    lines = _parallel_lines(world, parallel, Random(f"{seed}/parallel"))
    _write(folder / "parallel.jsonl", lines)
    _write(folder / "pairs.jsonl", _pair_lines(world, Random(f"{seed}/pairs")))
    _write(folder / "lexicon.csv", [_source("lexicon.csv").read_text("utf-8")])


def make_world(seed: int) -> World:
    """Draw the facts about each concept, within its topic."""
    rng = Random(f"{seed}/world")
    lexicon = load_lexicon(_source("lexicon.csv"), LANGUAGES)
    forms = {language: _read_forms(lexicon, language) for language in LANGUAGES}
    topics: dict[str, list[int]] = {}
    for number, row in enumerate(lexicon.rows):
        topics.setdefault(row.topic, []).append(number)
    verbs = range(len(forms["en"].verbs))
    adjectives = range(len(forms["en"].adjectives))
    facts = [
        Facts(
            verbs=rng.sample(verbs, 2),
            adjectives=rng.sample(adjectives, 2),
            associates=rng.sample([n for n in topics[row.topic] if n != number], 3),
        )
        for number, row in enumerate(lexicon.rows)
    ]
    return World(lexicon, topics, facts, forms)


def draw_document(world: World, rng: Random) -> tuple[str, list[Meaning]]:
    """Draw a topic and the meanings of sentences about its concepts."""
    topic = rng.choice(list(world.topics))
    concepts = world.topics[topic]
    subjects = rng.choices(concepts, k=rng.choice(SENTENCES))
    return topic, [_draw_meaning(world, rng, concepts, subject) for subject in subjects]


def verbalize(
    world: World, meaning: Meaning, language: str, nouns: Sequence[str] = ()
) -> str:
    """Put a meaning into words; `nouns` may give each noun's language instead."""
    forms = world.forms[language]
    nouns_spoken = [
        world.forms[noun_language].nouns
        for noun_language in nouns or [language] * len(NOUNS)
    ]
    numbers = (meaning.subject, meaning.object, meaning.third)
    words = [words[number] for words, number in zip(nouns_spoken, numbers, strict=True)]
    return forms.patterns[meaning.pattern].format(
        **dict(zip(NOUNS, words, strict=True)),
        verb=forms.verbs[meaning.verb],
        subject_adjective=forms.adjectives[meaning.subject_adjective],
        object_adjective=forms.adjectives[meaning.object_adjective],
    )


def concepts_of(world: World, meaning: Meaning) -> list[str]:
    """Return the concepts that a sentence with this meaning mentions."""
    pattern = world.forms["en"].patterns[meaning.pattern]
    numbers = [getattr(meaning, noun) for noun in NOUNS if f"{{{noun}}}" in pattern]
    return [world.lexicon.rows[number].concept for number in numbers]


def _draw_meaning(
    world: World, rng: Random, concepts: Sequence[int], subject: int
) -> Meaning:
    """Draw a meaning about `subject`, with three different nouns."""
    facts = world.facts[subject]
    object_ = third = subject
    while object_ == subject:
        object_ = _draw_favoured(rng, ASSOCIATE_SHARE, facts.associates, concepts)
    while third in (subject, object_):
        third = _draw_favoured(rng, ASSOCIATE_SHARE, facts.associates, concepts)
    forms = world.forms["en"]
    adjectives = range(len(forms.adjectives))
    return Meaning(
        pattern=int(rng.random() * len(forms.patterns)),
        subject=subject,
        object=object_,
        third=third,
        verb=_draw_favoured(rng, FAVOURED_SHARE, facts.verbs, range(len(forms.verbs))),
        subject_adjective=_draw_favoured(
            rng, FAVOURED_SHARE, facts.adjectives, adjectives
        ),
        object_adjective=_draw_favoured(
            rng, FAVOURED_SHARE, world.facts[object_].adjectives, adjectives
        ),
    )


def _draw_favoured(
    rng: Random, share: float, favoured: Sequence[int], everything: Sequence[int]
) -> int:
    """Draw from `favoured` with probability `share`, else from `everything`.

    It is called millions of times, hence the plain arithmetic.
    """
    pool = favoured if rng.random() < share else everything
    return pool[int(rng.random() * len(pool))]


def _monolingual_lines(
    world: World, language: str, count: int, rng: Random
) -> Iterator[str]:
    """Draw documents in one language, as lines of JSON."""
    gap = world.forms[language].gap
    for _ in range(count):
        topic, meanings = draw_document(world, rng)
        sentences = (gap + verbalize(world, meaning, language) for meaning in meanings)
        yield _line(text="".join(sentences).lstrip(), topic=topic)


def _parallel_lines(world: World, count: int, rng: Random) -> Iterator[str]:
    """Draw documents in which each sentence is followed by its translation.

    They are as long as other documents, and every other one starts with the other
    language. Each noun is in either language, as in the speech of bilingual people.
    """
    for number in range(count):
        order = LANGUAGES if number % 2 == 0 else LANGUAGES[::-1]
        _, meanings = draw_document(world, rng)
        sentences = [
            world.forms[language].gap
            + verbalize(world, meaning, language, rng.choices(LANGUAGES, k=len(NOUNS)))
            for meaning in meanings[: len(meanings) // 2 + 1]
            for language in order
        ]
        yield _line(text="".join(sentences).lstrip())


def _pair_lines(world: World, rng: Random) -> Iterator[str]:
    """Draw sentences in every language, each from another document."""
    for _ in range(PAIRS):
        _, (meaning, *_) = draw_document(world, rng)
        yield _line(
            **{language: verbalize(world, meaning, language) for language in LANGUAGES}
        )


def _line(**fields: str) -> str:
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _write(path: Path, parts: Iterable[str]) -> None:
    """Write under a temporary name first, so that no interrupted run leaves a part."""
    draft = path.with_name(f".{path.name}.part")
    with draft.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(parts)
    draft.replace(path)


def _source(name: str) -> Path:
    return asset_dir("examples") / "toy" / name


def _read_forms(lexicon: Lexicon, language: str) -> LanguageForms:
    """Read one language's column of the grammar, and its nouns from the lexicon."""
    column = lexicon.languages.index(language)
    with _source("grammar.csv").open(encoding="utf-8", newline="") as file:
        rows = [(line["kind"], line[language]) for line in csv.DictReader(file)]
    return LanguageForms(
        nouns=[row.words[column][0] for row in lexicon.rows],
        verbs=[form for kind, form in rows if kind == "verb"],
        adjectives=[form for kind, form in rows if kind == "adjective"],
        patterns=[form for kind, form in rows if kind == "pattern"],
        gap=" " if language == "en" else "",
    )
