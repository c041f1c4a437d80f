"""Text into windows and splits, through a tokenizer of one token a byte."""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import (
    Tokenizer,
    models,
    trainers,
)
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from bisae.corpus import (
    Document,
    batches_of,
    bos_token_id,
    build_corpus,
    fingerprint,
    first_tokens,
    load_tokenizer,
    read_documents,
    splitter,
    token_strings,
    tokens_of,
    windows,
)
from bisae.errors import CheckpointError, CorpusError
from bisae.store import SPLITS, Store, create_store
from bisae.study import Study
from support.byte_tokenizer import BOS, save_tokenizer

CONTEXT = 9
SIZE = CONTEXT - 1
Rows = list[dict[str, Any]]
anyhow = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


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
    assert {len(actual) for actual in splits.values()} == {1}
    assert set.union(*splits.values()) <= set(SPLITS)


def test_keys_that_never_meet_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    en, ja = ([(n, f"{name} {n}") for n in range(40)] for name in ("en", "ja"))
    splitter(make_study(tmp_path, keyed(en), keyed(ja[39:]), key="pair", **EVEN))
    assert capsys.readouterr().err == ""
    away = [{"pair": f"{n}.0", "text": f"ja {n}"} for n in range(40)]
    splitter(make_study(tmp_path, keyed(en), away, key="pair", **EVEN))
    said = "no key matches a text in another language, so its translations, if there"
    assert capsys.readouterr().err.splitlines() == [
        f"{tmp_path}/{name}.jsonl: {said} are any, may be in other splits"
        for name in ("en", "ja")
    ]


def test_translations_of_dates_share_a_split(tmp_path: Path, tokenizer: Path) -> None:
    """Keys that look like dates or numbers, in columns of unlike values."""
    keys = [f"2024-{n % 12 + 1:02}-{n // 12 + 1:02}" for n in range(300)]
    keys += [str(n) for n in range(100)]
    rows = [{"pair": key, "text": f"{n:08}"} for n, key in enumerate(keys)]
    second = [{"pair": key, "text": f"{n:07}!"} for n, key in enumerate(keys)]
    second.append({"pair": "no date", "text": "no date!"})
    study = make_study(tmp_path, rows, second, key="pair", tokenizer=str(tokenizer))
    split_of, loaded = splitter(study), load_tokenizer(study)
    splits: dict[int, set[str]] = {}
    for language in ("en", "ja"):
        for window in windows(study, language, loaded, split_of):
            text = loaded.decode(window.token_id)
            if text != "no date!":
                splits.setdefault(int(text.rstrip("!")), set()).add(window.split)
    assert len(splits) == 400
    assert {len(names) for names in splits.values()} == {1}


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


def test_text_outside_the_corpus_is_split_with_what_it_belongs_to(
    tmp_path: Path,
) -> None:
    inside = [(n, f"text {n}") for n in range(40)]
    study = make_study(tmp_path, keyed(inside), keyed(inside[::-1]), key="pair", **EVEN)
    split_of = splitter(study)
    splits = [split_of(Document(text, str(pair))) for pair, text in inside]
    assert [split_of(Document("new", str(pair))) for pair, _ in inside] == splits
    assert [split_of(Document(text, "new")) for _, text in inside] == splits
    alone = {split_of(Document(f"new {n}", f"new {n}")) for n in range(100)}
    assert alone == set(SPLITS) == set(splits)


@anyhow
@given(st.text(), st.integers(0, 2**30), st.text(), st.text())
def test_without_a_key_equal_texts_share_a_split(
    tmp_path: Path, text: str, seed: int, one: str, other: str
) -> None:
    split_of = splitter(make_study(tmp_path, [], [], seed=seed, **EVEN))
    assert split_of(Document(text, one)) == split_of(Document(text, other))


def test_splits_are_as_large_as_asked(tmp_path: Path) -> None:
    request = {"train_tokens": 600, "valid_share": 0.1} | {
        "eval_tokens": 240,
        "heldout_tokens": 100,
    }
    split_of = splitter(make_study(tmp_path, [], [], **request))
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
    actual = windows(study, "en", loaded, lambda document: names[document.text[0]])
    return [(window.split[0], loaded.decode(window.token_id)) for window in actual]


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
    actual = cut(tmp_path, tokenizer, rows, short="keep")
    assert actual == [("t", "t"), ("t", "txxxxxxx"), ("e", "ex")]


def test_documents_may_be_joined_within_their_split(
    tmp_path: Path, tokenizer: Path
) -> None:
    rows = ["tab", "eab", "tcd", "t9876543210", "ecdef", "t", "h"]
    actual = cut(tmp_path, tokenizer, rows, join=True)
    assert actual == [("t", "tab\ntcd\n"), ("t", "t9876543"), ("e", "eab\necde")]


def test_windows_are_mixed_by_the_seed(tmp_path: Path, tokenizer: Path) -> None:
    rows = [f"{n:08}" for n in range(60)]

    def order(**corpus: Any) -> list[str]:
        study = make_study(
            tmp_path, texts(rows), [], tokenizer=str(tokenizer), **corpus
        )
        loaded = load_tokenizer(study)
        actual = windows(study, "en", loaded, lambda _: "train")
        return [loaded.decode(window.token_id) for window in actual]

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
    location = tmp_path / "nowhere"
    study = make_study(tmp_path, [], [], tokenizer=str(location))
    said = rf"^no tokenizer at {location}: [^\n]*; set \[corpus\] tokenizer$"
    with pytest.raises(CheckpointError, match=said):
        load_tokenizer(study)


def test_a_fingerprint_tells_tokenizers_apart(tmp_path: Path, tokenizer: Path) -> None:
    result, same = (
        load_tokenizer(make_study(tmp_path, [], [], tokenizer=str(tokenizer)))
        for _ in range(2)
    )
    assert fingerprint(result) == fingerprint(same)
    same.add_tokens(["cat"])
    assert fingerprint(result) != fingerprint(same)


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
    actual = [
        f"{seed}{number:04}" + "".join(draw.choices(letters, k=draw.randint(7, 15)))
        for number in range(n)
    ]
    actual += actual
    draw.shuffle(actual)
    return texts(actual)


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
    documents = [tuple(token_id) for _, _, token_id in stored(store)]
    assert len(set(documents)) == len(documents) == 88


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
    for location, seed in (("one", 0), ("two", 0), ("three", 1)):
        store = make_store(tmp_path, tokenizer, place=location, seed=seed)
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
    said = f"too little text: ja lacks {WHOLE[split]} tokens of {split}, once all "
    said += "documents of 8 tokens or more are used, equal ones once (join = true or "
    said += 'short = "keep" uses shorter ones too); lower [corpus] '
    said += f'{setting}, give more text, or divide what there is: train_tokens = "all"'
    said += ", eval_tokens = 0.2, heldout_tokens = 0.05"
    with pytest.raises(CorpusError, match=f"^{re.escape(said)}$"):
        build_corpus(store)
    assert not store.has_corpus()


def test_everything_that_lacks_is_named_at_once(
    tmp_path: Path, tokenizer: Path
) -> None:
    """Each language and split, though the first language ends long before the other."""
    store = make_store(tmp_path, tokenizer, 5)
    write_rows(tmp_path / "ja.jsonl", some_text(20, "あいう", seed=1))
    split_of = splitter(store.study)
    lacking = []
    for language in ("en", "ja"):
        rows = (tmp_path / f"{language}.jsonl").read_text("utf-8").splitlines()
        distinct = {json.loads(row)["text"] for row in rows}
        have = Counter(split_of(Document(text, "")) for text in distinct)
        few = {split: WHOLE[split] - SIZE * have[split] for split in SPLITS}
        parts = (f"{n} tokens of {split}" for split, n in few.items() if n > 0)
        lacking.append(f"{language} lacks {', '.join(parts)}")
    said = f"too little text: {'; '.join(lacking)}, once"
    assert said.count(" of ") > 4
    with pytest.raises(CorpusError, match=f"^{re.escape(said)}"):
        build_corpus(store)


def test_what_was_cut_short_is_built_anew(tmp_path: Path, tokenizer: Path) -> None:
    store = make_store(tmp_path, tokenizer, 5)
    with pytest.raises(CorpusError, match="too little text"):
        build_corpus(store)
    write_rows(tmp_path / "en.jsonl", some_text(400, "abcdefg"))
    write_rows(tmp_path / "ja.jsonl", some_text(400, "あいうえお", seed=1))
    build_corpus(store)
    assert np.sum([len(ids) for *_, ids in stored(store)]) == 2 * sum(WHOLE.values())


def test_translations_stay_together_in_the_stored_corpus(
    tmp_path: Path, tokenizer: Path
) -> None:
    rows = [{"pair": n, "text": f"{n:08}"} for n in range(400)]
    second = [{"pair": n, "text": f"{n:07}!"} for n in reversed(range(400))]
    request = ASKED | {"tokenizer": str(tokenizer), "key": "pair"}
    store = create_store(make_study(tmp_path, rows, second, **request))
    build_corpus(store)
    loaded = load_tokenizer(store.study)
    splits: dict[int, set[str]] = {}
    for split, _, token_id in stored(store):
        pair = int(loaded.decode(token_id).rstrip("!"))
        splits.setdefault(pair, set()).add(split)
    assert {len(actual) for actual in splits.values()} == {1}


def test_texts_that_open_alike_share_a_split(tmp_path: Path) -> None:
    """Their windows are equal, so they are copies as far as the models can see."""
    opening = "the same beginning of many texts, "
    rows = texts([opening + str(number) for number in range(200)])
    study = make_study(tmp_path, rows, rows, context=len(opening))
    split_of = splitter(study)
    assert len({split_of(Document(str(row["text"]), "")) for row in rows}) == 1


def test_a_special_token_in_a_text_is_text(tokenizer: Path) -> None:
    loaded = AutoTokenizer.from_pretrained(tokenizer)
    (actual,) = tokens_of(loaded, [f"a {loaded.bos_token} b"])
    assert loaded.bos_token_id not in actual


# -- copies ---------------------------------------------------------------------------


def test_copies_are_one_document_and_the_command_says_how_many(
    tmp_path: Path, tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each page five times, and pages that open alike: independent is what differs."""
    pages = [f"{n:07}a{'x' * n}" for n in range(100)]
    study = make_study(
        tmp_path,
        texts(pages * 5),
        texts([page + end for page in pages for end in ("b", "c")]),
        tokenizer=str(tokenizer),
        **ASKED | {"train_tokens": "all", "eval_tokens": 0.3, "heldout_tokens": 0.1},
    )
    sae = study.sae.model_copy(update={"batch_tokens": SIZE})
    store = create_store(study.model_copy(update={"sae": sae}))
    build_corpus(store)
    documents = [(language, tuple(ids)) for _, language, ids in stored(store)]
    assert len(set(documents)) == len(documents) == 200
    said = "documents begin with the same tokens as an earlier one and are left out"
    assert capsys.readouterr().err.splitlines() == [
        f"en: 400 of 500 {said} as copies",
        f"ja: 100 of 200 {said} as copies",
    ]


def test_a_window_that_is_in_two_sources_is_one(
    tmp_path: Path, tokenizer: Path
) -> None:
    rows = [f"{n:08}" for n in range(40)]
    study = make_study(tmp_path, texts(rows), [], tokenizer=str(tokenizer))
    file = write_rows(tmp_path / "more.jsonl", texts([*rows[20:], "new text"]))
    more = study.corpus.text[0].model_copy(update={"files": (file,)})
    corpus = study.corpus.model_copy(update={"text": (*study.corpus.text, more)})
    study = study.model_copy(update={"corpus": corpus})
    loaded = load_tokenizer(study)
    actual = windows(study, "en", loaded, lambda _: "train")
    texts_found = sorted(loaded.decode(window.token_id) for window in actual)
    assert texts_found == [*rows, "new text"]


def test_joined_documents_are_no_copies_of_each_other(
    tmp_path: Path, tokenizer: Path
) -> None:
    rows = ["tab", "tcd", "tab", "tef", "tab", "tgh", "", "  ", "tij"]
    assert cut(tmp_path, tokenizer, rows, join=True) == [
        ("t", "tab\ntcd\n"),
        ("t", "tef\ntgh\n"),
    ]


# -- several sources of a language ----------------------------------------------------


def two_sources(
    folder: Path, tokenizer: Path, first: int, second: int, **weights: float
) -> Study:
    """English of two sources, whose windows begin with 1 and 2; Japanese of one."""
    study = make_study(
        folder, [], texts([f"3{n:07}" for n in range(2000)]), tokenizer=str(tokenizer)
    )
    sources: list[dict[str, Any]] = []
    for name, number in (("1", first), ("2", second)):
        file = write_rows(
            folder / f"{name}.jsonl", texts([f"{name}{n:07}" for n in range(number)])
        )
        sources.append({"language": "en", "files": [file]})
    sources[1] |= weights
    raw = study.model_dump()
    raw["corpus"]["text"] = [*sources, raw["corpus"]["text"][1]]
    raw["corpus"] |= ASKED | {"shuffle_windows": 300}
    return Study.model_validate(raw)


@pytest.mark.parametrize(
    ("second", "weights", "share"),
    [(900, {}, 0.5), (900, {"weight": 3.0}, 0.75), (5, {}, 5 / 21), (0, {}, 0.0)],
)
def test_sources_of_a_language_share_it(
    tmp_path: Path,
    tokenizer: Path,
    capsys: pytest.CaptureFixture[str],
    second: int,
    weights: dict[str, float],
    share: float,
) -> None:
    """Equal parts or by weight, though either alone would do; one that ends gives all
    that it has.
    """
    study = two_sources(tmp_path, tokenizer, 900, max(1, second), **weights)
    if not second:
        write_rows(tmp_path / "2.jsonl", texts(["short"]))
    store = create_store(study)
    build_corpus(store)
    loaded = load_tokenizer(study)
    english = [ids for _, name, ids in stored(store) if name == "en"]
    given = Counter(loaded.decode(ids)[0] for ids in english)
    assert given["2"] / given.total() == pytest.approx(share, abs=0.15 * (second > 5))
    result, two = (f"{given[name] / given.total():.1%}" for name in "12")
    said = f"en: {result} from {tmp_path}/1.jsonl (text), {two} from {tmp_path}/2.jsonl"
    assert capsys.readouterr().err.splitlines() == [f"{said} (text)"]


# -- long documents -------------------------------------------------------------------


@pytest.mark.parametrize("model", ["bpe", "unigram"])
@pytest.mark.parametrize("letters", ["ab ", "ab", "あい。"])
def test_the_beginning_of_a_long_text_has_the_tokens_of_the_whole(
    model: str, letters: str
) -> None:
    """Also of models whose best segmentation is one of the whole text, unspaced."""
    draw = random.Random(0)
    lines = ["".join(draw.choices(letters, k=400)) for _ in range(40)]
    loaded = trained_tokenizer(model, lines)
    long = ["".join(draw.choices(letters, k=k)) for k in (10, 300, 3000, 20_000)]
    long += ["a" * 5000, " " * 9000 + "ab" * 500] * (model == "bpe")
    whole = [token_id[:30] for token_id in tokens_of(loaded, long)]
    assert first_tokens(loaded, long, 30) == whole


def trained_tokenizer(model: str, lines: list[str]) -> Any:
    kinds: Any = {
        "bpe": (models.BPE, trainers.BpeTrainer),
        "unigram": (models.Unigram, trainers.UnigramTrainer),
    }
    kind, trainer = kinds[model]
    trained = Tokenizer(kind())
    alphabet = sorted(set("".join(lines)) | set("ab "))
    options = {"vocab_size": 60, "initial_alphabet": alphabet, "show_progress": False}
    trained.train_from_iterator(lines, trainer(**options))
    fast: Any = PreTrainedTokenizerFast
    return fast(tokenizer_object=trained)


def test_work_follows_what_is_kept_of_a_document(
    tmp_path: Path, tokenizer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of 40 documents of 200,000 characters 8 tokens each are kept."""
    rows = texts([f"{n:04}" + "x" * 200_000 for n in range(40)])
    study = make_study(tmp_path, rows, [], tokenizer=str(tokenizer))
    read: list[int] = []

    def counting(tokenizer: Any, texts: list[str]) -> list[list[int]]:
        read.extend(map(len, texts))
        return tokens_of(tokenizer, texts)

    monkeypatch.setattr("bisae.corpus.tokens.tokens_of", counting)
    actual = [*windows(study, "en", load_tokenizer(study), lambda _: "train")]
    assert len(actual) == 40
    assert sum(read) < 40 * 200
    batches = batches_of(read_documents(study.corpus.text[0]))
    assert [len(batch) for batch in batches] == [20, 20]
