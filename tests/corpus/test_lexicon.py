"""Words are found where they stand as words, longest first, in any case."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest

from bisae.corpus.concepts import TokenConcept
from bisae.corpus.lexicon import Lexicon, Match, load_lexicon
from bisae.errors import CorpusError
from bisae.tables.lexicon_tables import note_unused_words

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
    assert lexicon.find("My cat.", "en") == [Match(3, 6, "cat", "animal", "cat")]


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
    assert lexicon.find("İİ Cat", "en") == [Match(3, 6, "cat", "animal", "cat")]


MORE = """concept,ar,he,hi,ko,th,ja
sea,بحر,ים,सागर,바다,ทะเล,海
cat,قط,חתול,बिल्ली,고양이,แมว,ネコ
"""


@pytest.mark.parametrize(
    ("language", "text", "concepts"),
    [
        ("ar", "قط في بحر", ["cat", "sea"]),
        ("ar", "بحرين قطار", []),  # Bahrain; a train
        ("ar", "بَحر", []),  # a vowel sign is another spelling
        ("he", "ים, חתול!", ["sea", "cat"]),
        ("he", "מים חתולים", []),
        ("hi", "सागर बिल्ली", ["sea", "cat"]),
        ("hi", "महासागर बिल्लियाँ सागरों", []),
        ("ko", "고양이가 바다를", ["cat", "sea"]),  # particles are written on
        ("th", "แมวทะเล", ["cat", "sea"]),  # no spaces
        ("ja", "海のネコー", ["sea", "cat"]),
    ],
)
def test_borders_follow_the_script(
    tmp_path: Path, language: str, text: str, concepts: list[str]
) -> None:
    assert found(load(tmp_path, MORE, [language]), text, language) == concepts


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize(
    ("language", "text", "written"),
    [
        ("en", "Un Café, déjà", "Café"),
        ("en", "the ｃａｔ sat", "ｃａｔ"),
        ("ja", "黒いﾈｺ", "ﾈｺ"),
        ("ja", "赤いｶﾞ。", "ｶﾞ"),
        ("ko", "나는 고양이다", "고양이"),
        ("de", "Die STRASSE!", "STRASSE"),
        ("de", "die Straße!", "Straße"),
        ("el", "ΟΔΥΣΣΕΥΣ ναι", "ΟΔΥΣΣΕΥΣ"),
    ],
)
@pytest.mark.parametrize("lexicon_form", ["NFC", "NFD"])
def test_writings_of_one_word_are_one(
    tmp_path: Path, form: Any, lexicon_form: Any, language: str, text: str, written: str
) -> None:
    """And where it was found is said in the text as it is."""
    rows = "concept,en,ja,ko,de,el\na,café|cat,ネコ|ガ,고양이,Straße,Οδυσσευς\n"
    lexicon = load(tmp_path, unicodedata.normalize(lexicon_form, rows), [language])
    text, written = (unicodedata.normalize(form, item) for item in (text, written))
    (match,) = lexicon.find(text, language)
    assert text[match.start : match.end] == written


def test_words_that_never_occur_are_told(
    lexicon: Lexicon, capsys: pytest.CaptureFixture[str]
) -> None:
    tokens = [
        TokenConcept(0, "sea", "nature", "en", "ocean"),
        TokenConcept(1, "sea", "nature", "ja", "海"),
    ]
    tokens += [TokenConcept(2, "", "", "ru", word) for word in lexicon.words("ru")]
    note_unused_words(lexicon, tokens)
    said = "words of {} never occur in the evaluation text: {}"
    assert capsys.readouterr().err.splitlines() == [
        "lexicon: 5 of 6 " + said.format("en", "cat, sea, sea lion, coast, café"),
        "lexicon: 5 of 6 " + said.format("ja", "猫, ネコ, アシカ, 海岸, 喫茶店"),
    ]


def test_many_words_are_counted_not_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"c{n},w{n}\n" for n in range(40))
    note_unused_words(load(tmp_path, "concept,en\n" + rows, ["en"]), [])
    shown = ", ".join(f"w{n}" for n in range(10))
    assert capsys.readouterr().err.endswith(f"text: {shown}, ...\n")


def test_words_are_listed_once(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "concept,en\na,cat|Cat\nb,CAT|sea\n", ["en"])
    assert lexicon.words("en") == ["cat", "sea"]


def test_a_word_repeated_in_its_field_counts_once(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "concept,en\nindex,index|indexes|indexes\n", ["en"])
    assert [entry.words for entry in lexicon.rows] == [(("index", "indexes"),)]


def test_a_word_listed_twice_is_its_first_row(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "concept,en\nriver bank,bank\nmoney,Bank\n", ["en"])
    assert found(lexicon, "bank", "en") == ["river bank"]


def test_an_empty_cell_names_nothing(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "concept,en,ja\ncat,cat,\n", ["en", "ja"])
    assert found(lexicon, "catネコ", "ja") == []


def test_topic_may_be_absent(tmp_path: Path) -> None:
    lexicon = load(tmp_path, "\ufeffconcept,en\ncat,cat\n", ["en"])
    assert lexicon.find("cat", "en") == [Match(0, 3, "cat", "", "cat")]


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
