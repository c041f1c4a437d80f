"""Text as its files have it: the strings, the fields asked for, and no others."""

import gzip
import json
import re
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bisae.corpus import Document, read_documents
from bisae.errors import CorpusError
from bisae.study import Source

Rows = list[dict[str, Any]]
TEXTS = ["a b", "猫 ü"]
anyhow = settings(
    deadline=None,
    max_examples=50,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def write_rows(file: Path, rows: Rows) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def texts(rows: list[str]) -> Rows:
    return [{"text": text} for text in rows]


def read(source: Source, key: str | None = None) -> list[tuple[str, str]]:
    return [(text, pair) for text, pair in read_documents(source, key)]


ROWS = [{"text": "a b", "pair": 1}, {"text": "猫 ü", "pair": 2}]


def as_jsonl(file: Path) -> None:
    write_rows(file, ROWS)


def as_gz(file: Path) -> None:
    plain = file.with_suffix("")
    write_rows(plain, ROWS)
    file.write_bytes(gzip.compress(plain.read_bytes()))


def as_parquet(file: Path) -> None:
    pq.write_table(pa.Table.from_pylist(ROWS), file)


def as_text(file: Path) -> None:
    file.write_text("a b\n猫 ü\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.jsonl", as_jsonl), ("a.jsonl.gz", as_gz), ("a.parquet", as_parquet)],
)
def test_documents_and_their_keys_are_read(
    tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    write(tmp_path / name)
    source = Source(files=(str(tmp_path / name),))
    assert [*read_documents(source)] == [Document("a b", ""), Document("猫 ü", "")]
    assert [document.key for document in read_documents(source, "pair")] == ["1", "2"]


def test_a_line_of_plain_text_is_a_document(tmp_path: Path) -> None:
    as_text(tmp_path / "a.txt")
    source = Source(files=(str(tmp_path / "a.txt"),))
    assert [document.text for document in read_documents(source)] == ["a b", "猫 ü"]


def test_files_of_one_source_are_read_in_order(tmp_path: Path) -> None:
    names = ("b.jsonl", "a.jsonl")
    files = [write_rows(tmp_path / name, texts([name])) for name in names]
    read = read_documents(Source(files=tuple(files)))
    assert [item.text for item in read] == ["b.jsonl", "a.jsonl"]


def test_the_study_says_which_field_holds_the_text(tmp_path: Path) -> None:
    rows = [{"en": "cat", "ja": "猫"}]
    source = Source(files=(write_rows(tmp_path / "a.jsonl", rows),), field="ja")
    assert next(read_documents(source)).text == "猫"


def test_reading_files_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request: list[object] = []
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *where, **_: request.append(where)
    )
    as_jsonl(tmp_path / "a.jsonl")
    assert len([*read_documents(Source(files=(str(tmp_path / "a.jsonl"),)))]) == 2
    assert request == []


def refuses(source: Source, said: str, key: str | None = None) -> None:
    """Reading ends with an error in one line that begins so."""
    with pytest.raises(CorpusError, match=f"^{re.escape(said)}[^\n]*$"):
        list(read_documents(source, key))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"text": "é"}\n', "is not UTF-8 ("),
        ("a.txt", "one\né\n", "is not UTF-8 (invalid continuation byte); convert it"),
        ("a.jsonl", '{"text": "a"}\n{"text":\n', "line 2 is not JSON ("),
        ("a.jsonl", "no json", "line 1 is not JSON ("),
        ("a.jsonl", "[" * 100_000, "is not JSON (maximum recursion depth"),
        ("a.json", '{\n"text": "a"\n}\n', "line 1 is not JSON ("),
        ("a.jsonl", '"a"\n', "has a str where an object with the document's field"),
        ("a.jsonl", "", "is empty"),
        ("a.parquet", "no parquet", "cannot be read: Parquet"),
        ("a.jsonl.gz", "no gzip", "cannot be read: Not a gzipped file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content.encode("latin-1"))
    refuses(Source(files=(str(file),)), f"{file} {said}")


def test_a_download_that_was_cut_short_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl.gz"
    as_gz(file)
    file.write_bytes(file.read_bytes()[:-12])
    refuses(Source(files=(str(file),)), f"{file} cannot be read: Compressed file ended")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "nowhere.jsonl"
    refuses(Source(files=(str(file),)), f"no text file {file}")


@pytest.mark.parametrize("name", ["a.csv", "a", "a.gz"])
def test_a_file_of_another_kind_is_named(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.write_text("a")
    said = f"{file}: text files end in .jsonl, .json, .parquet, .txt (and .gz)"
    refuses(Source(files=(str(file),)), said)


def test_files_of_two_kinds_may_be_one_source(tmp_path: Path) -> None:
    as_text(tmp_path / "a.txt")
    as_jsonl(tmp_path / "a.jsonl")
    files = (str(tmp_path / "a.txt"), str(tmp_path / "a.jsonl"))
    assert [
        document.text for document in read_documents(Source(files=files))
    ] == TEXTS * 2


@pytest.mark.parametrize(
    ("rows", "has"),
    [
        ([{"txt": "a", "pair": 1}], "txt, pair"),
        ([{"text": "a"}, {"txt": "b"}], "txt"),
        ([{"text": "a"}, {"text": None}], "nothing"),
    ],
)
def test_a_missing_field_is_named(tmp_path: Path, rows: Rows, has: str) -> None:
    file = write_rows(tmp_path / "a.jsonl", rows)
    said = f"{file} has a document without the field 'text' (it has {has})"
    refuses(Source(files=(file,)), said)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", texts(["a"]))
    said = f"{file} has a document without the field 'pair' (it has text)"
    refuses(Source(files=(file,)), said, "pair")


# -- a document is the string in the file ---------------------------------------------

STRINGS = ["2024-01-02", "2024-01-02T03:04:05Z", "1", "1.0", "null", "NaN", "true", ""]
STRINGS += ["\ufeffx", " a\r\nb\u2028c\x85d\x0be ", "\0", "𝄞"]


def as_bytes(file: Path, rows: Rows) -> None:
    columns = ({k: str(v).encode() for k, v in row.items()} for row in rows)
    pq.write_table(pa.Table.from_pylist(list(columns)), file)


def as_categories(file: Path, rows: Rows) -> None:
    table = pa.Table.from_pylist(rows)
    columns = [column.dictionary_encode() for column in table.columns]
    pq.write_table(pa.table(columns, table.column_names), file)


def as_table(file: Path, rows: Rows) -> None:
    pq.write_table(pa.Table.from_pylist(rows), file)


def as_array(file: Path, rows: Rows) -> None:
    file.write_text(json.dumps(rows, indent=1), encoding="utf-8")


WAYS: list[tuple[str, Callable[[Path, Rows], object]]] = [
    *(("a.jsonl", write_rows), ("a.json", as_array), ("a.parquet", as_table)),
    *(("b.parquet", as_bytes), ("c.parquet", as_categories)),
]


@pytest.mark.parametrize(("name", "write"), WAYS)
def test_a_document_and_its_key_are_the_strings_in_the_file(
    tmp_path: Path, name: str, write: Callable[[Path, Rows], object]
) -> None:
    rows = [{"text": string, "pair": string} for string in STRINGS]
    write(tmp_path / name, rows)
    expected = [(string, string) for string in STRINGS]
    assert read(Source(files=(str(tmp_path / name),)), "pair") == expected


@anyhow
@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_is_read_as_it_was_written(tmp_path: Path, strings: list[str]) -> None:
    for name, write in WAYS[:3]:
        write(tmp_path / name, texts(strings))
        documents = read(Source(files=(str(tmp_path / name),)))
        assert [text for text, _ in documents] == strings


def test_keys_of_dates_and_numbers_meet_across_files(tmp_path: Path) -> None:
    """One file has a null-free column of them, the other something else among them."""
    dates = [f"20{n // 28:02}-01-{n % 28 + 1:02}" for n in range(400)]
    result = write_rows(
        tmp_path / "one.jsonl", [{"text": "a", "pair": day} for day in dates]
    )
    two = write_rows(
        tmp_path / "two.jsonl",
        [{"text": "b", "pair": day} for day in ["no date", *reversed(dates)]],
    )
    as_table(tmp_path / "n.parquet", [{"text": "c", "pair": n} for n in (1, 2**60)])
    keys = [
        {key for _, key in read(Source(files=(str(file),)), "pair")}
        for file in (result, two, tmp_path / "n.parquet")
    ]
    assert keys[0] == keys[1] - {"no date"} == set(dates)
    assert keys[2] == {"1", str(2**60)}


ODD = [
    *((1.0, "float"), (True, "bool"), (["a"], "list"), ({"a": "b"}, "dict")),
    *((date(2024, 1, 2), "date"), (datetime(2024, 1, 2, tzinfo=UTC), "datetime")),
    (Decimal("1.5"), "Decimal"),
]


@pytest.mark.parametrize(("value", "name"), ODD)
def test_every_other_type_is_refused_by_name(
    tmp_path: Path, value: object, name: str
) -> None:
    file = tmp_path / "a.parquet"
    as_table(file, [{"text": "a", "pair": value}])
    said = f"{file}: document 1: 'pair' is of type {name} ({value!s:.40}); write it as "
    refuses(Source(files=(str(file),)), said, "pair")
    refuses(Source(files=(str(file),), field="pair"), said)


def test_a_number_is_no_text(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.jsonl", [{"text": "a"}, {"text": 5}])
    said = f"{file}: document 2: 'text' is of type int (5); write it as a string"
    refuses(Source(files=(file,)), said)


def test_what_utf8_cannot_hold_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "\\ud800"}\n')
    said = f"{file}: document 1: 'text' has half a surrogate pair"
    refuses(Source(files=(str(file),)), said)
    as_table(tmp_path / "a.parquet", [{"text": b"\xe7"}])
    said = f"{tmp_path}/a.parquet: document 1: 'text' is not UTF-8 (unexpected end"
    refuses(Source(files=(f"{tmp_path}/a.parquet",)), said)


def test_only_the_fields_asked_for_are_read(tmp_path: Path) -> None:
    """Other columns change their type from row to row and from file to file."""
    second: list[Any] = [1, "x", None, [1], {"a": 1}, 1.5, "2024-01-02", True]
    rows = [{"text": str(n), "other": value} for n, value in enumerate(second)]
    write_rows(tmp_path / "a.jsonl", [*rows, {"text": "8"}])
    as_table(tmp_path / "a.parquet", [{"text": "9", "other": 1, "more": 1}])
    as_table(tmp_path / "b.parquet", [{"other": [b"\xff"], "text": "10"}])
    files = tuple(
        f"{tmp_path}/{name}" for name in ("a.jsonl", "a.parquet", "b.parquet")
    )
    documents = read(Source(files=files))
    assert [text for text, _ in documents] == [str(n) for n in range(11)]


# -- data sets ------------------------------------------------------------------------


def test_a_data_set_is_held_to_the_same(tmp_path: Path) -> None:
    """`datasets` reads a folder as it reads the hub."""
    as_table(tmp_path / "a.parquet", [{"text": b"\xe7\x8c\xab", "pair": 1}])
    source = Source(dataset=str(tmp_path))
    assert read(source, "pair") == [("猫", "1")]
    as_table(tmp_path / "a.parquet", [{"text": "a", "pair": date(2024, 1, 2)}])
    said = f"{tmp_path}: document 1: 'pair' is of type date"
    refuses(source, said, "pair")


# -- names of files -------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.txt", "a.txt", "en[1].txt", "en1.txt", "in/c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n\nsecond\n")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("?.txt", ["a.txt", "b.txt"]),
        ("**/*.txt", ["a.txt", "b.txt", "en1.txt", "en[1].txt", "in/c.txt"]),
        ("en[1].txt", ["en[1].txt"]),
    ],
)
def test_a_pattern_names_files_and_a_name_that_exists_that_file(
    folder: Path, pattern: str, names: list[str]
) -> None:
    source = Source(files=(f"{folder}/{pattern}",))
    lines = [line for name in names for line in (name, "", "second")]
    assert [text for text, _ in read(source)] == lines


def test_a_file_may_be_a_document(folder: Path) -> None:
    source = Source(files=(f"{folder}/?.txt",), document="file")
    wholes = [f"{name}\n\nsecond\n" for name in ("a.txt", "b.txt")]
    assert [text for text, _ in read(source)] == wholes
    write_rows(folder / "a.jsonl", texts(["a"]))
    said = f'{folder}/a.jsonl: document = "file" is for .txt files; leave it out'
    refuses(Source(files=(f"{folder}/a.jsonl",), document="file"), said)


def test_a_folder_is_refused_with_what_to_write(folder: Path) -> None:
    said = f"{folder} is a folder; give a pattern for its files, such as "
    refuses(Source(files=(str(folder),)), f"{said}{folder}/**/*.txt")
    (folder / "empty").mkdir()
    empty = str(folder / "empty")
    said = f"{empty} is a folder; give a pattern for its files, such as {empty}/**/*.js"
    refuses(Source(files=(empty,)), said)
    refuses(Source(files=(f"{folder}/*.md",)), f"no text file {folder}/*.md")


@pytest.mark.parametrize("name", ["A.JSONL", "a.Jsonl.GZ"])
def test_a_name_ends_in_any_case(tmp_path: Path, name: str) -> None:
    as_jsonl(tmp_path / "a.jsonl")
    content = (tmp_path / "a.jsonl").read_bytes()
    is_gzip = name.lower().endswith("gz")
    (tmp_path / name).write_bytes(gzip.compress(content) if is_gzip else content)
    assert len(read(Source(files=(str(tmp_path / name),)))) == 2


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet"])
def test_a_dot_leads_into_nested_fields(tmp_path: Path, name: str) -> None:
    write: Any = write_rows if name == "a.jsonl" else as_table
    rows = [{"a": {"b": {"c": "inner"}, "d": 1}, "e.f": "flat", "e": {"f": "nested"}}]
    write(tmp_path / name, rows)
    files = (str(tmp_path / name),)
    assert read(Source(files=files, field="a.b.c"), "a.d") == [("inner", "1")]
    assert read(Source(files=files, field="e.f"))[0][0] == "flat"
    said = f"{tmp_path / name} has a document without the field 'a.x' (it has a"
    refuses(Source(files=files, field="a.x"), said)
