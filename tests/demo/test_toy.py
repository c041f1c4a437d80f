"""The toy's text is what its world says, and the lexicon reads the world back."""

import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bisae.demo.toy import (
    LANGUAGES,
    Meaning,
    World,
    concepts_of,
    draw_document,
    make_world,
    verbalize,
    write_texts,
)

FILES = ["en.jsonl", "ja.jsonl", "lexicon.csv", "pairs.jsonl", "parallel.jsonl"]


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("toy"), seed=0)


def write(folder: Path, seed: int) -> Path:
    write_texts(folder, documents=200, parallel=20, seed=seed)
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def sentences(text: str) -> list[str]:
    return [sentence.strip() for sentence in re.findall(r"[^.。]+[.。]", text)]


def drawn(world: World) -> Iterator[Meaning]:
    rng = Random(1)
    for _ in range(200):
        yield from draw_document(world, rng)[1]


def test_three_hundred_concepts_with_distinct_words(world: World) -> None:
    rows = world.lexicon.rows
    assert len(rows) >= 300
    assert len({row.concept for row in rows}) == len(rows)
    for column in range(len(LANGUAGES)):
        assert len({row.words[column] for row in rows}) == len(rows)


def test_topics_are_of_one_size(world: World) -> None:
    assert {len(concepts) for concepts in world.topics.values()} == {20}


def test_no_japanese_word_is_part_of_another(world: World) -> None:
    words = world.forms["ja"].nouns
    assert not [(a, b) for a, b in product(words, words) if a != b and a in b]


@pytest.mark.parametrize("language", LANGUAGES)
def test_grammar_names_no_concept(world: World, language: str) -> None:
    forms = world.forms[language]
    for form in [*forms.verbs, *forms.adjectives, *forms.patterns]:
        assert world.lexicon.find(re.sub(r"{\w+}", "_", form), language) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_gives_back_its_concepts(world: World, language: str) -> None:
    for meaning in drawn(world):
        text = verbalize(world, meaning, language)
        actual = [match.concept for match in world.lexicon.find(text, language)]
        assert sorted(actual) == sorted(concepts_of(world, meaning)), text


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_noun_is_read_in_every_place(world: World, language: str) -> None:
    patterns = range(len(world.forms[language].patterns))
    for noun, pattern in product(range(len(world.facts)), patterns):
        others = (noun + 1) % 320, (noun + 2) % 320
        meaning = Meaning(pattern, noun, *others, noun % 24, noun % 16, noun % 15)
        text = verbalize(world, meaning, language)
        actual = [match.concept for match in world.lexicon.find(text, language)]
        assert sorted(actual) == sorted(concepts_of(world, meaning)), text


def test_same_seed_same_bytes(folder: Path, tmp_path: Path) -> None:
    again = write(tmp_path, seed=0)
    assert sorted(path.name for path in again.iterdir()) == FILES
    for name in FILES:
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_other_seed_other_text(folder: Path, tmp_path: Path) -> None:
    second = write(tmp_path, seed=1)
    for name in ["en.jsonl", "ja.jsonl", "pairs.jsonl", "parallel.jsonl"]:
        assert (second / name).read_bytes() != (folder / name).read_bytes()


def test_own_text_holds_no_other_language(folder: Path) -> None:
    assert all(line["text"].isascii() for line in lines(folder / "en.jsonl"))
    japanese = "".join(line["text"] for line in lines(folder / "ja.jsonl"))
    assert not re.search(r"[A-Za-z\s.]", japanese)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_document_has_one_topic(folder: Path, world: World, language: str) -> None:
    for line in lines(folder / f"{language}.jsonl"):
        actual = world.lexicon.find(line["text"], language)
        assert {match.topic for match in actual} == {line["topic"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_documents_are_of_the_length_asked_for(folder: Path, language: str) -> None:
    documents = lines(folder / f"{language}.jsonl")
    assert len(documents) == 200
    assert {len(sentences(line["text"])) for line in documents} == {*range(8, 12)}


def named(world: World, sentence: str) -> list[str]:
    """The concepts of a sentence, in words of either language."""
    actual = (world.lexicon.find(sentence, language) for language in LANGUAGES)
    return sorted(match.concept for matches in actual for match in matches)


def test_parallel_text_alternates_translations(folder: Path, world: World) -> None:
    starts = []
    for line in lines(folder / "parallel.jsonl"):
        said = sentences(line["text"])
        starts.append(said[0][-1])
        assert {sentence[-1] for sentence in said[::2]} == {starts[-1]}
        for first, second in zip(said[::2], said[1::2], strict=True):
            assert {first[-1], second[-1]} == {".", "。"}
            assert named(world, first) == named(world, second) != []
    assert starts.count(".") == starts.count("。")


def test_parallel_text_mixes_the_nouns(folder: Path, world: World) -> None:
    said = [s for x in lines(folder / "parallel.jsonl") for s in sentences(x["text"])]
    for stop, local in ((".", "en"), ("。", "ja")):
        mine = [sentence for sentence in said if sentence.endswith(stop)]
        actual = sum(len(world.lexicon.find(sentence, local)) for sentence in mine)
        every = sum(len(named(world, sentence)) for sentence in mine)
        assert 0.4 < actual / every < 0.6


def test_pairs_are_sentences_that_say_the_same(folder: Path, world: World) -> None:
    pairs = lines(folder / "pairs.jsonl")
    assert len(pairs) == 200
    for pair in pairs:
        assert list(pair) == list(LANGUAGES)
        assert all(len(sentences(text)) == 1 for text in pair.values())
        english, japanese = (
            sorted(item.concept for item in world.lexicon.find(text, language))
            for language, text in pair.items()
        )
        assert english == japanese != []


def test_no_document_translates_another(folder: Path, world: World) -> None:
    english, japanese = (
        {
            tuple(sorted(m.concept for m in world.lexicon.find(line["text"], language)))
            for line in lines(folder / f"{language}.jsonl")
        }
        for language in LANGUAGES
    )
    assert len(english) == len(japanese) == 200  # no copies either
    assert not english & japanese


@pytest.mark.parametrize("language", LANGUAGES)
def test_facts_hold_in_each_language(folder: Path, world: World, language: str) -> None:
    verbs = world.forms[language].verbs
    number = {row.concept: i for i, row in enumerate(world.lexicon.rows)}
    remaining = total = 0
    for line in lines(folder / f"{language}.jsonl"):
        for text in sentences(line["text"]):
            nouns = [m.concept for m in world.lexicon.find(text, language)]
            usual = {verb for noun in nouns for verb in world.facts[number[noun]].verbs}
            remaining += any(verbs[verb] in text for verb in usual)
            total += 1
    assert remaining / total > 0.75  # by chance about 0.2
