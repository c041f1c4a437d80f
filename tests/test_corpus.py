"""Text into windows and splits, through a tokenizer of one token a byte."""

import gzip
import json
import random
import re
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from bisae.corpus import (
    Document,
    bos_token_id,
    build_corpus,
    fingerprint,
    load_tokenizer,
    read_documents,
    splitter,
    token_strings,
    tokens_of,
    windows,
)
from bisae.errors import CheckpointError, CorpusError
from bisae.store import SPLITS, Store, create_store
from bisae.study import Source, Study

BOS, CONTEXT = 0, 9
SIZE = CONTEXT - 1
Rows = list[dict[str, Any]]
anyhow = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def save_tokenizer(folder: Path, **special: str) -> Path:
    """A byte is a token, and `<s>` would stand in front of every text."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = ["<s>", "</s>", *alphabet]
    bytewise = Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, []))
    bytewise.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytewise.decoder = decoders.ByteLevel()
    bytewise.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", BOS)]
    )
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=bytewise, **special).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    return save_tokenizer(folder, bos_token="<s>", eos_token="</s>")


def write_rows(file: Path, rows: Rows) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def make_study(folder: Path, en: Rows, ja: Rows, **corpus: Any) -> Study:
    """A study of two languages whose documents are these."""
    text = [
        {"language": name, "files": [write_rows(folder / f"{name}.jsonl", rows)]}
        for name, rows in (("en", en), ("ja", ja))
    ]
    model = {"size": "1M", "checkpoint": "/lm", "steps": [1], "tokens_per_step": 1}
    raw = {
        "name": "tiny",
        "store": str(folder / "store"),
        "corpus": {"text": text, "context": CONTEXT} | corpus,
        "models": [model],
    }
    return Study.model_validate(raw)


def texts(rows: list[str]) -> Rows:
    return [{"text": text} for text in rows]


# -- reading text ---------------------------------------------------------------------

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
    assert [one.key for one in read_documents(source, "pair")] == ["1", "2"]


def test_a_line_of_plain_text_is_a_document(tmp_path: Path) -> None:
    as_text(tmp_path / "a.txt")
    source = Source(files=(str(tmp_path / "a.txt"),))
    assert [one.text for one in read_documents(source)] == ["a b", "猫 ü"]


def test_files_of_one_source_are_read_in_order(tmp_path: Path) -> None:
    names = ("b.jsonl", "a.jsonl")
    files = [write_rows(tmp_path / name, texts([name])) for name in names]
    read = read_documents(Source(files=tuple(files)))
    assert [one.text for one in read] == ["b.jsonl", "a.jsonl"]


def test_the_study_says_which_field_holds_the_text(tmp_path: Path) -> None:
    rows = [{"en": "cat", "ja": "猫"}]
    source = Source(files=(write_rows(tmp_path / "a.jsonl", rows),), field="ja")
    assert next(read_documents(source)).text == "猫"


def test_reading_files_asks_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *where, **_: asked.append(where))
    as_jsonl(tmp_path / "a.jsonl")
    assert len([*read_documents(Source(files=(str(tmp_path / "a.jsonl"),)))]) == 2
    assert asked == []


def refuses(source: Source, said: str, key: str | None = None) -> None:
    """Reading ends with an error in one line that begins so."""
    with pytest.raises(CorpusError, match=f"^{re.escape(said)}[^\n]*$"):
        list(read_documents(source, key))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"text": "é"}\n', "is not UTF-8 ("),
        ("a.txt", "one\né\n", "is not UTF-8 (invalid continuation byte); convert it"),
        ("a.jsonl", '{"text": "a"}\n{"text":\n', "cannot be read: JSON parse error"),
        ("a.jsonl", "no json", "cannot be read: JSON parse error"),
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


def test_files_of_two_kinds_are_two_sources(tmp_path: Path) -> None:
    as_text(tmp_path / "a.txt")
    as_jsonl(tmp_path / "a.jsonl")
    files = (str(tmp_path / "a.txt"), str(tmp_path / "a.jsonl"))
    refuses(
        Source(files=files), f"{', '.join(files)}: one source holds files of one kind"
    )


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


# -- splits ---------------------------------------------------------------------------

EVEN = {
    "train_tokens": 1000,
    "valid_share": 0.999,
    "eval_tokens": 1000,
    "heldout_tokens": 1000,
}
pairs = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from("abcdefghij")), max_size=14, min_size=1
)


def keyed(rows: list[tuple[int, str]]) -> Rows:
    return [{"pair": pair, "text": text} for pair, text in rows]


@anyhow
@given(pairs, pairs, st.integers(0, 2**30))
def test_no_key_and_no_text_stands_in_two_splits(
    tmp_path: Path, en: list[tuple[int, str]], ja: list[tuple[int, str]], seed: int
) -> None:
    study = make_study(tmp_path, keyed(en), keyed(ja), key="pair", seed=seed, **EVEN)
    split_of = splitter(study)
    splits: dict[object, set[str]] = {}
    for pair, text in en + ja:
        split = split_of(Document(text, str(pair)))
        splits.setdefault(pair, set()).add(split)
        splits.setdefault(text, set()).add(split)
    assert {len(found) for found in splits.values()} == {1}
    assert set.union(*splits.values()) <= set(SPLITS)


def test_chains_of_keys_and_texts_hang_together(tmp_path: Path) -> None:
    chain = [(n // 2, f"text {(n + 1) // 2}") for n in range(40)]  # 0-0 0-1 1-1 1-2 ..
    alone = [(1000 + n, f"alone {n}") for n in range(40)]
    random.Random(0).shuffle(chain)
    study = make_study(
        tmp_path, keyed(chain[:20] + alone), keyed(chain[20:]), key="pair", **EVEN
    )
    split_of = splitter(study)
    assert len({split_of(Document(text, str(pair))) for pair, text in chain}) == 1
    counts = Counter(split_of(Document(text, str(pair))) for pair, text in alone)
    assert counts.keys() == set(SPLITS)


@anyhow
@given(st.text(), st.integers(0, 2**30), st.text(), st.text())
def test_without_a_key_equal_texts_share_a_split(
    tmp_path: Path, text: str, seed: int, one: str, other: str
) -> None:
    split_of = splitter(make_study(tmp_path, [], [], seed=seed, **EVEN))
    assert split_of(Document(text, one)) == split_of(Document(text, other))


def test_splits_are_as_large_as_asked(tmp_path: Path) -> None:
    asked = {"train_tokens": 600, "valid_share": 0.1} | {
        "eval_tokens": 240,
        "heldout_tokens": 100,
    }
    split_of = splitter(make_study(tmp_path, [], [], **asked))
    counts = Counter(split_of(Document(str(n), "")) for n in range(10_000))
    shares = [counts[split] / 10_000 for split in SPLITS]
    assert shares == pytest.approx([0.6, 0.06, 0.24, 0.1], abs=0.02)


def test_another_seed_splits_anew(tmp_path: Path) -> None:
    documents = [Document(str(n), "") for n in range(50)]

    def splits(seed: int) -> list[str]:
        split_of = splitter(make_study(tmp_path, [], [], seed=seed, **EVEN))
        return [split_of(document) for document in documents]

    assert splits(0) == splits(0) != splits(1)


# -- windows --------------------------------------------------------------------------


def cut(
    folder: Path, tokenizer: Path, rows: list[str], **corpus: Any
) -> list[tuple[str, str]]:
    """Split and text of every window; a document's first letter is its split."""
    study = make_study(
        folder, texts(rows), [], tokenizer=str(tokenizer), shuffle_windows=1, **corpus
    )
    names = {split[0]: split for split in SPLITS}
    loaded = load_tokenizer(study)
    found = windows(study, "en", loaded, lambda document: names[document.text[0]])
    return [(window.split[0], loaded.decode(window.token_id)) for window in found]


def test_a_window_is_a_documents_first_tokens_without_bos(
    tmp_path: Path, tokenizer: Path
) -> None:
    rows = ["t" + "x" * 20, "evaluate", "t123456", "h猫猫猫"]
    assert cut(tmp_path, tokenizer, rows) == [
        ("t", "txxxxxxx"),
        ("e", "evaluate"),
        ("h", "h猫猫�"),
    ]


def test_short_documents_may_be_kept(tmp_path: Path, tokenizer: Path) -> None:
    rows = ["t", "txxxxxxxxxx", "ex"]
    found = cut(tmp_path, tokenizer, rows, short="keep")
    assert found == [("t", "t"), ("t", "txxxxxxx"), ("e", "ex")]


def test_documents_may_be_joined_within_their_split(
    tmp_path: Path, tokenizer: Path
) -> None:
    rows = ["tab", "eab", "tcd", "t9876543210", "ecdef", "t", "h"]
    found = cut(tmp_path, tokenizer, rows, join=True)
    assert found == [("t", "tab\ntcd\n"), ("t", "t9876543"), ("e", "eab\necde")]


def test_windows_are_mixed_by_the_seed(tmp_path: Path, tokenizer: Path) -> None:
    rows = [f"{n:08}" for n in range(60)]

    def order(**corpus: Any) -> list[str]:
        study = make_study(
            tmp_path, texts(rows), [], tokenizer=str(tokenizer), **corpus
        )
        loaded = load_tokenizer(study)
        found = windows(study, "en", loaded, lambda _: "train")
        return [loaded.decode(window.token_id) for window in found]

    mixed = order(shuffle_windows=20)
    assert sorted(mixed) == rows != mixed
    assert order(shuffle_windows=20) == mixed != order(shuffle_windows=20, seed=1)
    assert order(shuffle_windows=1) == rows != order(shuffle_windows=1000)


# -- the tokenizer --------------------------------------------------------------------


def test_bos_else_eos_else_the_studys(tmp_path: Path, tokenizer: Path) -> None:
    def bos(place: Path, **corpus: Any) -> int:
        study = make_study(tmp_path, [], [], tokenizer=str(place), **corpus)
        return bos_token_id(study, load_tokenizer(study))

    bare = save_tokenizer(tmp_path / "bare")
    ends = save_tokenizer(tmp_path / "ends", eos_token="</s>")
    assert (bos(tokenizer), bos(ends), bos(bare, bos="</s>")) == (BOS, 1, 1)
    assert bos(tokenizer, bos="!") == 2
    said = r"^the tokenizer has neither BOS nor EOS; name a token in \[corpus\] bos$"
    with pytest.raises(CorpusError, match=said):
        bos(bare)
    said = r"^\[corpus\] bos: the tokenizer has no token '<bos>'$"
    with pytest.raises(CorpusError, match=said):
        bos(tokenizer, bos="<bos>")


def test_a_missing_tokenizer_is_named(tmp_path: Path) -> None:
    place = tmp_path / "nowhere"
    study = make_study(tmp_path, [], [], tokenizer=str(place))
    said = rf"^no tokenizer at {place}: [^\n]*; set \[corpus\] tokenizer$"
    with pytest.raises(CheckpointError, match=said):
        load_tokenizer(study)


def test_a_fingerprint_tells_tokenizers_apart(tmp_path: Path, tokenizer: Path) -> None:
    one, same = (
        load_tokenizer(make_study(tmp_path, [], [], tokenizer=str(tokenizer)))
        for _ in range(2)
    )
    assert fingerprint(one) == fingerprint(same)
    same.add_tokens(["cat"])
    assert fingerprint(one) != fingerprint(same)


def test_every_token_has_a_text(tmp_path: Path, tokenizer: Path) -> None:
    strings = token_strings(make_study(tmp_path, [], [], tokenizer=str(tokenizer)))
    assert len(strings) == 2 + 256
    assert strings[:3] == ["<s>", "</s>", "!"]
    assert "<0xE7>" in strings  # a byte that is no text alone


# -- the stored corpus ----------------------------------------------------------------

ASKED = {
    "train_tokens": 150,
    "valid_share": 0.2,
    "eval_tokens": 81,
    "heldout_tokens": 33,
}
WHOLE = {"train": 80, "valid": 16, "eval": 48, "heldout": 24}  # a language, in windows


def some_text(n: int, letters: str, seed: int = 0) -> Rows:
    """Texts of 12 to 20 letters, each twice; no two others open alike."""
    draw = random.Random(seed)
    found = [
        f"{seed}{number:04}" + "".join(draw.choices(letters, k=draw.randint(7, 15)))
        for number in range(n)
    ]
    found += found
    draw.shuffle(found)
    return texts(found)


def make_store(
    folder: Path, tokenizer: Path, n: int = 400, place: str = "store", **corpus: Any
) -> Store:
    study = make_study(
        folder,
        some_text(n, "abcdefg"),
        some_text(n, "あいうえお", seed=1),
        **(ASKED | {"tokenizer": str(tokenizer), "shuffle_windows": 50} | corpus),
    )
    return create_store(study.model_copy(update={"store": str(folder / place)}))


def stored(store: Store) -> Iterator[tuple[str, str, list[int]]]:
    """Split, language and token ids of every stored document."""
    for split in SPLITS:
        for block in store.documents(split):
            for row, language, n in zip(*block[1:], strict=True):
                assert set(row[n:].tolist()) <= {-1}
                yield split, store.languages[language], row[:n].tolist()


@pytest.mark.parametrize("short", ["skip", "keep"])
def test_tokens_are_equal_per_language_in_whole_windows(
    tmp_path: Path, tokenizer: Path, short: str
) -> None:
    store = make_store(tmp_path, tokenizer, short=short)
    build_corpus(store)
    tokens: Counter[tuple[str, str]] = Counter()
    for split, language, token_id in stored(store):
        tokens[split, language] += len(token_id)
        assert BOS not in token_id
    assert tokens == {
        (split, name): n for split, n in WHOLE.items() for name in ("en", "ja")
    }


def test_no_text_stands_in_two_splits(tmp_path: Path, tokenizer: Path) -> None:
    store = make_store(
        tmp_path,
        tokenizer,
        80,
        train_tokens=320,
        eval_tokens=160,
        heldout_tokens=160,
    )
    build_corpus(store)
    splits: dict[tuple[int, ...], set[str]] = {}
    seen = 0
    for split, _, token_id in stored(store):
        splits.setdefault(tuple(token_id), set()).add(split)
        seen += 1
    assert {len(found) for found in splits.values()} == {1}
    assert len(splits) < seen  # copies there are


def test_the_corpus_says_what_made_it(tmp_path: Path, tokenizer: Path) -> None:
    store = make_store(tmp_path, tokenizer)
    build_corpus(store)
    attributes = store.corpus_attributes()
    assert attributes["bos_token_id"] == BOS
    assert attributes["vocab_size"] == 258
    assert attributes["context"] == CONTEXT
    loaded = load_tokenizer(store.study)
    assert attributes["tokenizer_fingerprint"] == fingerprint(loaded)


def test_two_builds_are_the_same_and_another_seed_is_not(
    tmp_path: Path, tokenizer: Path
) -> None:
    prints = []
    for place, seed in (("one", 0), ("two", 0), ("three", 1)):
        store = make_store(tmp_path, tokenizer, place=place, seed=seed)
        build_corpus(store)
        prints.append(store.corpus_attributes()["fingerprint"])
    assert prints[0] == prints[1] != prints[2]


def test_a_corpus_that_is_there_is_not_built_again(
    tmp_path: Path, tokenizer: Path
) -> None:
    store = make_store(tmp_path, tokenizer)
    build_corpus(store)
    before = {p: p.stat().st_mtime_ns for p in store.zarr.rglob("*")}
    (tmp_path / "en.jsonl").unlink()
    build_corpus(store)
    assert {p: p.stat().st_mtime_ns for p in store.zarr.rglob("*")} == before


@pytest.mark.parametrize("split", SPLITS)
def test_too_little_text_names_language_split_and_setting(
    tmp_path: Path, tokenizer: Path, split: str
) -> None:
    store = make_store(tmp_path, tokenizer)
    split_of = splitter(store.study)
    japanese = [row["text"] for row in some_text(400, "あいう", seed=1)]
    others = [text for text in japanese if split_of(Document(text, "")) != split]
    write_rows(tmp_path / "ja.jsonl", texts(others))
    setting = {"valid": "valid_share"}.get(split, f"{split}_tokens")
    said = f"ja has too little text: {WHOLE[split]} tokens of {split} are missing once "
    said += "all documents of 8 tokens or more are used; "
    said += f"lower [corpus] {setting}, or give more text"
    with pytest.raises(CorpusError, match=f"^{re.escape(said)}$"):
        build_corpus(store)
    assert not store.has_corpus()


def test_the_split_that_lacks_most_is_named(tmp_path: Path, tokenizer: Path) -> None:
    store = make_store(tmp_path, tokenizer, eval_tokens=50_000)
    with pytest.raises(CorpusError, match=r" of eval are .*; lower \[corpus\] eval_to"):
        build_corpus(store)


def test_what_was_cut_short_is_built_anew(tmp_path: Path, tokenizer: Path) -> None:
    store = make_store(tmp_path, tokenizer, 5)
    with pytest.raises(CorpusError, match="has too little text"):
        build_corpus(store)
    write_rows(tmp_path / "en.jsonl", some_text(400, "abcdefg"))
    write_rows(tmp_path / "ja.jsonl", some_text(400, "あいうえお", seed=1))
    build_corpus(store)
    assert np.sum([len(ids) for *_, ids in stored(store)]) == 2 * sum(WHOLE.values())


def test_translations_stay_together_in_the_stored_corpus(
    tmp_path: Path, tokenizer: Path
) -> None:
    rows = [{"pair": n, "text": f"{n:08}"} for n in range(400)]
    other = [{"pair": n, "text": f"{n:07}!"} for n in reversed(range(400))]
    asked = ASKED | {"tokenizer": str(tokenizer), "key": "pair"}
    store = create_store(make_study(tmp_path, rows, other, **asked))
    build_corpus(store)
    loaded = load_tokenizer(store.study)
    splits: dict[int, set[str]] = {}
    for split, _, token_id in stored(store):
        pair = int(loaded.decode(token_id).rstrip("!"))
        splits.setdefault(pair, set()).add(split)
    assert {len(found) for found in splits.values()} == {1}


def test_texts_that_open_alike_share_a_split(tmp_path: Path) -> None:
    """Their windows are equal, so they are copies as far as the models can see."""
    opening = "the same beginning of many texts, "
    rows = texts([opening + str(number) for number in range(200)])
    study = make_study(tmp_path, rows, rows, context=len(opening))
    split_of = splitter(study)
    assert len({split_of(Document(str(row["text"]), "")) for row in rows}) == 1


def test_a_special_token_in_a_text_is_text(tokenizer: Path) -> None:
    loaded = AutoTokenizer.from_pretrained(tokenizer)
    (found,) = tokens_of(loaded, [f"a {loaded.bos_token} b"])
    assert loaded.bos_token_id not in found
