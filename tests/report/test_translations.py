"""Which features fire on translations of each other, against plain Python."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from random import Random

import pytest

from bisae.query import Connection
from support import reference
from support.reference import MIXED, Token, Word
from support.rows import Row, assert_same, near, planted, rows_of

WHERE = "where size = 'M' and step = 5 and layer = 1"
PAIR = ("en", "ja")


@pytest.fixture(scope="module")
def tokens(con: Connection) -> dict[int, Token]:
    names = ", ".join(Token._fields)
    rows = [Token(**row) for row in rows_of(con, f"select {names} from tokens")]
    return {item.token_row: item for item in rows}


@pytest.fixture(scope="module")
def words(con: Connection) -> dict[int, Word]:
    rows = rows_of(con, "from token_concepts")
    return {row["token_row"]: (row["concept"], row["topic"]) for row in rows}


def chance(tokens: Mapping[int, Token], words: Mapping[int, Word]) -> float:
    """How often two words of the text, one of each language, share a topic."""
    shares: list[dict[str, float]] = []
    for language in PAIR:
        on = [words[row] for row in words if tokens[row].language == language]
        counts = Counter(topic for _, topic in on)
        shares.append({topic: n / len(on) for topic, n in counts.items()})
    rest, right = shares
    return reference.agreement(rest, right)


def met(fired: list[Token], words: Mapping[int, Word]) -> Row:
    """The concept that a feature fires on most in both languages."""
    rest, right = (
        reference.word_shares([t for t in fired if t.language == name], words)
        for name in PAIR
    )
    both = {word: rest[word] * right[word] for word in rest.keys() & right}
    if not both:
        return {}
    top = max(both, key=lambda word: (both[word], word[0]))
    row: Row = {"concept": top[0], "topic": top[1], "n_concepts": len(both)}
    return row | {"share_a": rest[top], "share_b": right[top]}


def named_in(lexicon: list[Row], concept: str, language: str) -> str:
    """The concept's words in a language."""
    rows = [row for row in lexicon if row["concept"] == concept]
    return ", ".join(sorted(r["word"] for r in rows if r["language"] == language))


def test_features_on_translations_are_found(
    con: Connection, tokens: dict[int, Token], words: dict[int, Word]
) -> None:
    labelled = {r["feature"]: r for r in rows_of(con, f"from features {WHERE}")}
    fired: defaultdict[int, list[Token]] = defaultdict(list)
    for row in rows_of(con, f"from firings {WHERE}"):
        fired[row["feature"]].append(tokens[row["token_row"]])
    lexicon = rows_of(con, "from lexicon")
    chances = reference.concept_chances(tokens.values(), words, PAIR)
    by_chance, expected = chance(tokens, words), []
    for feature, on in fired.items():
        if labelled[feature]["language"] != MIXED or not (top := met(on, words)):
            continue
        row = {"feature": feature, "supported": labelled[feature]["supported"], **top}
        row |= reference.alignment(on, words, chances, PAIR)._asdict()
        row |= {"language_a": PAIR[0], "language_b": PAIR[1]}
        row |= {"same_topic_chance": by_chance}
        for side, language in zip("ab", PAIR, strict=True):
            row[f"words_{side}"] = named_in(lexicon, top["concept"], language)
        expected.append(row)
    assert_same(rows_of(con, f"from feature_translations {WHERE}"), expected, "feature")


def test_chance_is_that_of_the_frequencies_in_the_text() -> None:
    """Concepts of a topic are Zipf-distributed; features fire on random words of it.

    So their translations are as frequent as by chance, and several times as frequent
    as if all concepts were equally frequent. Each language lacks one of the concepts.
    """
    draw, concepts = Random(0), [f"c{number}" for number in range(40)]
    zipf = [1 / (rank + 1) for rank in range(40)]
    text = {"en": concepts[1:], "ja": concepts[:-1]}
    words: list[tuple[str, str]] = [
        (language, concept)
        for language, listed in text.items()
        for concept in draw.choices(listed, k=4000, weights=zipf[:39])
    ]
    cell = {"size": "S", "step": 1, "layer": 1}
    fired = [
        (feature, row, *word)
        for row, word in enumerate(words)
        for feature in range(20)
        if draw.random() < 0.1
    ]
    counts = Counter((feature, *word) for feature, _, *word in fired)
    chosen = {"topic": "animal"}
    tables: dict[str, list[Row]] = {
        "tokens": [
            {"token_row": row, "language": language}
            for row, (language, _) in enumerate(words)
        ],
        "token_concepts": [
            chosen | {"token_row": row, "concept": concept}
            for row, (_, concept) in enumerate(words)
        ],
        "features": [
            cell | {"feature": feature, "language": MIXED, "supported": True}
            for feature in range(20)
        ],
        "feature_concepts": [
            cell
            | chosen
            | {"feature": feature, "n_firings": n}
            | {"language": language, "concept": concept}
            for (feature, language, concept), n in counts.items()
        ],
    }
    rows = rows_of(planted(tables, "concept_pairs"), "from concept_pairs")
    english, japanese = (
        Counter(concept for name, concept in words if name == language)
        for language in PAIR
    )
    expected = sum(english[c] * japanese[c] for c in concepts) / 4000**2
    assert {row["feature"] for row in rows} == {*range(20)}
    for row in rows:
        assert row["same_topic"] == near(1.0)
        assert row["same_concept_chance"] == near(expected)
    mean = reference.mean([row["same_concept"] for row in rows])
    assert mean == pytest.approx(expected, rel=0.1)
    assert expected > 2 / 40


def test_the_concept_is_the_one_of_most_pairs() -> None:
    """English stands on cats most, but Japanese on dogs: most pairs are of dogs."""
    cell = {"size": "S", "step": 1, "layer": 1, "feature": 0}
    shares = {"en": {"cat": 0.6, "dog": 0.4}, "ja": {"cat": 0.1, "dog": 0.9}}
    pair = {"language_a": "en", "language_b": "ja"}
    same = {"supported": True, "same_topic": 1.0, "same_concept": 0.42}
    word = {"topic": "animal", "language": "ja"}
    tables: dict[str, list[Row]] = {
        "concept_shares": [
            cell | {"topic": "animal", "language": name, "concept": concept, "p": p}
            for name, concepts in shares.items()
            for concept, p in concepts.items()
        ],
        "concept_pairs": [cell | pair | same | {"same_concept_chance": 0.5}],
        "topic_chance": [pair | {"same_topic_chance": 0.1}],
        "lexicon": [word | {"concept": "dog", "word": item} for item in ("犬", "イヌ")],
    }
    con = planted(tables, "feature_translations")
    (row,) = rows_of(con, "from feature_translations")
    assert (row["concept"], row["share_a"], row["share_b"]) == ("dog", 0.4, 0.9)
    assert (row["words_a"], row["words_b"]) == (None, "イヌ, 犬")
    assert row["n_concepts"] == 2
