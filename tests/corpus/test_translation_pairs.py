"""Translation pairs of a corpus: evaluation documents of a key, and texts of files."""

import json
from pathlib import Path
from typing import Any

import pytest

from bisae.corpus import build_corpus, load_tokenizer, pair_texts
from bisae.corpus.pairs import EvaluationKeys
from bisae.errors import CorpusError
from bisae.store import PAIRS, Store, create_store
from bisae.store.verify import check
from bisae.study import Pairs, Study
from support.byte_tokenizer import save_tokenizer

CONTEXT = 9
N = 300
AMOUNTS = {
    "train_tokens": 800,
    "valid_share": 0.1,
    "eval_tokens": 800,
    "heldout_tokens": 160,
}
Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer")
    return save_tokenizer(folder, bos_token="<s>", eos_token="</s>")


def write(file: Path, rows: Rows) -> str:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(file)


def make_store(
    folder: Path,
    tokenizer: Path,
    files: list[str] | None = None,
    languages: tuple[str, ...] = ("en", "ja"),
    **corpus: Any,
) -> Store:
    """A corpus in which the text of document n begins with n, in every language."""
    text = [
        {
            "language": name,
            "files": [
                write(
                    folder / f"{name}.jsonl",
                    [{"pair": n, "text": f"{n:07}{name}"} for n in range(N)],
                )
            ],
        }
        for name in languages
    ]
    model = {"size": "1M", "checkpoint": "/lm", "steps": [1], "tokens_per_step": 1}
    raw: dict[str, Any] = {
        "name": "tiny",
        "store": str(folder / "store"),
        "corpus": {"text": text, "context": CONTEXT, "tokenizer": str(tokenizer)}
        | AMOUNTS
        | corpus,
        "models": [model],
    }
    if files:
        raw["pairs"] = {"files": files}
    store = create_store(Study.model_validate(raw))
    build_corpus(store)
    return store


def decoded(store: Store, token_id: Any) -> list[str]:
    tokenizer = load_tokenizer(store.study)
    return [tokenizer.decode(row[row >= 0].tolist()) for row in token_id]


def evaluation(store: Store) -> tuple[list[str], Any, Any]:
    """Text, language and pair of each evaluation document."""
    block = store.split("eval").block(0, 10**6)
    return decoded(store, block.token_id), block.language, store.pair_numbers("eval")


# -- by key ---------------------------------------------------------------------------


def test_evaluation_documents_of_a_key_are_a_pair(
    tmp_path: Path, tokenizer: Path
) -> None:
    store = make_store(tmp_path, tokenizer, key="pair")
    texts, language, pair = evaluation(store)
    keys = [set[str](), set[str]()]
    for text, number in zip(texts, language, strict=True):
        keys[number].add(text[:7])
    numbers: dict[int, set[str]] = {}
    for text, number in zip(texts, pair, strict=True):
        assert (number >= 0) == (text[:7] in keys[0] & keys[1])
        if number >= 0:
            numbers.setdefault(int(number), set()).add(text[:7])
    assert sorted(numbers) == [*range(len(keys[0] & keys[1]))]
    assert {len(of_pair) for of_pair in numbers.values()} == {1}
    assert 0 < len(numbers) < len(keys[0])
    assert check(store, "corpus") == []


def test_two_builds_number_pairs_alike_and_another_seed_does_not(
    tmp_path: Path, tokenizer: Path
) -> None:
    pairs = []
    for place, seed in (("a", 0), ("b", 0), ("c", 1)):
        folder = tmp_path / place
        folder.mkdir()
        texts, _, pair = evaluation(
            make_store(folder, tokenizer, key="pair", seed=seed)
        )
        pairs.append({t[:7]: int(n) for t, n in zip(texts, pair, strict=True)})
    assert pairs[0] == pairs[1] != pairs[2]


def test_the_first_document_of_a_language_is_the_pairs() -> None:
    keys = EvaluationKeys(seed=0)
    documents = [(0, "a"), (0, "a"), (1, "b"), (1, "a"), (0, ""), (1, ""), (0, "c")]
    for language, key in documents:
        keys.add(language, key)
    assert keys.pair_numbers().tolist() == [0, -1, -1, 0, -1, -1, -1]


def test_joined_documents_are_no_translations(tmp_path: Path, tokenizer: Path) -> None:
    store = make_store(tmp_path, tokenizer, key="pair", join=True, context=20)
    assert evaluation(store)[2].max() == -1
    assert pair_texts(store) is None


def test_without_a_key_there_are_no_pairs(tmp_path: Path, tokenizer: Path) -> None:
    store = make_store(tmp_path, tokenizer)
    assert store.pair_numbers("eval") is store.pair_numbers(PAIRS) is None
    assert pair_texts(store) is None


# -- of files -------------------------------------------------------------------------


def test_pairs_of_files_are_a_split_of_their_own(
    tmp_path: Path, tokenizer: Path
) -> None:
    """Texts of any length up to the window; a pair that repeats a text is left out."""
    rows = [{"ja": f"j{n}" * (n % 4 + 1), "en": f"e{n}"} for n in range(20)]
    repeated = [{"en": "e3", "ja": "other"}, {"en": "new", "ja": "j5j5"}]
    other = [{"en": "only here", "ja": "ここ"}]
    file = write(tmp_path / "pairs.jsonl", rows + repeated)
    store = make_store(tmp_path, tokenizer, [file, write(tmp_path / "2.jsonl", other)])
    block = store.split(PAIRS).block(0, 100)
    pair = store.pair_numbers(PAIRS)
    assert pair is not None
    by_pair: dict[int, dict[str, str]] = {}
    texts = decoded(store, block.token_id)
    for number, language, text in zip(pair, block.language, texts, strict=True):
        by_pair.setdefault(int(number), {})[store.languages[language]] = text
    expected = [
        {name: text.encode()[: CONTEXT - 1].decode(errors="ignore")}
        for row in [*rows, *other]
        for name, text in row.items()
    ]
    actual = [{name: text} for of in by_pair.values() for name, text in of.items()]
    kept = {(name, text) for item in expected for name, text in item.items()}
    assert sorted(by_pair) == [*range(len(by_pair))]
    assert all(len(of) == 2 for of in by_pair.values())
    assert len(by_pair) == 21
    assert {(n, t.rstrip("\ufffd")) for item in actual for n, t in item.items()} <= kept
    assert (block.length == (block.token_id >= 0).sum(1)).all()
    assert check(store, "corpus") == []


def test_the_number_of_pairs_is_limited(tmp_path: Path, tokenizer: Path) -> None:
    rows = [{"en": f"e{n}", "ja": f"j{n}"} for n in range(20)]
    store = make_store(tmp_path, tokenizer, [write(tmp_path / "pairs.jsonl", rows)])
    texts = pair_texts(store)
    assert texts
    assert len(texts) == 40
    section = store.study.pairs
    assert section
    few = store.study.model_copy(
        update={"pairs": section.model_copy(update={"max_pairs": 7})}
    )
    limited = pair_texts(Store(store.path, few))
    assert limited
    assert sorted(limited.pair) == sorted([*range(7)] * 2)
    assert limited.fingerprint != texts.fingerprint
    rows_of = {
        (int(p), int(n)): t
        for p, n, t in zip(
            texts.pair, texts.language, decoded(store, texts.token_id), strict=True
        )
    }
    for number, language, text in zip(
        limited.pair, limited.language, decoded(store, limited.token_id), strict=True
    ):
        assert rows_of[int(number), int(language)] == text


def test_a_corpus_that_is_older_than_its_pairs_is_reported(
    tmp_path: Path, tokenizer: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = make_store(tmp_path, tokenizer)
    build_corpus(store)
    assert capsys.readouterr().err == ""
    named = store.study.model_copy(update={"pairs": Pairs(files=("pairs.jsonl",))})
    build_corpus(Store(store.path, named))
    assert capsys.readouterr().err == (
        f"{store.path}: the corpus was built without [pairs] files, so retrieval is "
        "not measured; build the study in another store\n"
    )


def test_files_are_used_rather_than_keys(tmp_path: Path, tokenizer: Path) -> None:
    rows = [{"en": f"e{n}", "ja": f"j{n}"} for n in range(5)]
    file = write(tmp_path / "pairs.jsonl", rows)
    texts = pair_texts(make_store(tmp_path, tokenizer, [file], key="pair"))
    assert texts
    assert len(texts) == 10


def test_a_file_may_have_some_of_the_languages(tmp_path: Path, tokenizer: Path) -> None:
    rows = [{"de": f"d{n}", "ja": f"j{n}"} for n in range(5)]
    file = write(tmp_path / "pairs.jsonl", rows)
    languages = ("de", "en", "ja")
    texts = pair_texts(make_store(tmp_path, tokenizer, [file], languages))
    assert texts
    assert set(texts.language) == {0, 2}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"en": "one", "fr": "un"}],
            "pairs.jsonl: its first pair has no fields for two of the study's "
            "languages (en, ja); it has en, fr",
        ),
        (
            [{"en": "one", "ja": "一"}, {"en": "two"}],
            "pairs.jsonl has a document without the field 'ja' (it has en)",
        ),
        ([{"en": "", "ja": "一"}], "pairs.jsonl has no pairs"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    tmp_path: Path, tokenizer: Path, rows: Rows, message: str
) -> None:
    file = write(tmp_path / "pairs.jsonl", rows)
    with pytest.raises(CorpusError) as error:
        make_store(tmp_path, tokenizer, [file])
    assert message in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path, tokenizer: Path) -> None:
    file = str(tmp_path / "nothing.jsonl")
    with pytest.raises(CorpusError, match=r"no text file .*nothing\.jsonl"):
        make_store(tmp_path, tokenizer, [file])
