"""Words are found where they stand as words, longest first, in any case."""

from pathlib import Path

import pytest

from bisae.errors import CorpusError
from bisae.lexicon import Lexicon, Match, load_lexicon

# ruff: noqa: RUF001 (letters of three scripts are the point here)

CSV = """concept,topic,en,ja,ru
cat,animal,cat,猫|ネコ,кот
sea,nature,sea|ocean,海,море
sea lion,animal,sea lion,アシカ,
coast,nature,coast,海岸,берег
cafe,city,café,喫茶店,кафе
"""


@pytest.fixture
def lexicon(tmp_path: Path) -> Lexicon:
    return load(tmp_path, CSV, ["en", "ja", "ru"])


def load(folder: Path, text: str, languages: list[str]) -> Lexicon:
    path = folder / "lexicon.csv"
    path.write_text(text, encoding="utf-8")
    return load_lexicon(path, languages)


def found(lexicon: Lexicon, text: str, language: str) -> list[str]:
    return [match.concept for match in lexicon.find(text, language)]


def test_a_match_says_where_and_what(lexicon: Lexicon) -> None:
    assert lexicon.find("My cat.", "en") == [Match(3, 6, "cat", "animal")]


@pytest.mark.parametrize("text", ["category", "bobcat", "catá", "écat", "caté"])
def test_a_word_does_not_touch_a_letter(lexicon: Lexicon, text: str) -> None:
    assert found(lexicon, text, "en") == []


@pytest.mark.parametrize("text", ["cat", "cat's", "(cat)", "cat2", "黒cat猫", "cat-"])
def test_a_word_may_touch_anything_else(lexicon: Lexicon, text: str) -> None:
    assert found(lexicon, text, "en") == ["cat"]


def test_a_script_without_spaces_has_no_borders(lexicon: Lexicon) -> None:
    assert found(lexicon, "黒猫とcatネコ海", "ja") == ["cat", "cat", "sea"]


def test_the_longest_word_wins(lexicon: Lexicon) -> None:
    assert found(lexicon, "sea lion, sea lions", "en") == ["sea lion", "sea"]
    assert found(lexicon, "海岸と海", "ja") == ["coast", "sea"]


def test_case_is_ignored(lexicon: Lexicon) -> None:
    assert found(lexicon, "CAT Ocean CAFÉ", "en") == ["cat", "sea", "cafe"]
    assert found(lexicon, "Кот МОРЕ котик", "ru") == ["cat", "sea"]


def test_a_letter_that_lowers_to_two_moves_nothing(lexicon: Lexicon) -> None:
    assert lexicon.find("İİ Cat", "en") == [Match(3, 6, "cat", "animal")]


def test_a_word_listed_twice_is_its_first_row(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "concept,en\nriver bank,bank\nmoney,Bank\n", ["en"])
    assert found(lexicon, "bank", "en") == ["river bank"]


def test_an_empty_cell_names_nothing(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "concept,en,ja\ncat,cat,\n", ["en", "ja"])
    assert found(lexicon, "catネコ", "ja") == []


def test_topic_may_be_absent(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "\ufeffconcept,en\ncat,cat\n", ["en"])
    assert lexicon.find("cat", "en") == [Match(0, 3, "cat", "")]


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"lexicon\.csv: no column 'fr'"):
        load(tmp_path, CSV, ["en", "fr"])


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"nowhere\.csv"):
        load_lexicon(tmp_path / "nowhere.csv", ["en"])


def test_bytes_that_are_not_utf8_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("concept,en\ncafé,café\n".encode("latin-1"))
    with pytest.raises(CorpusError, match=r"latin\.csv"):
        load_lexicon(path, ["en"])


def test_an_unknown_language_is_named(lexicon: Lexicon) -> None:
    with pytest.raises(CorpusError, match="no language 'fr'"):
        lexicon.find("chat", "fr")
