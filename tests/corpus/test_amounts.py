"""Numbers of tokens and shares of the text: what a small text is divided into."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from click.testing import CliRunner, Result

from bisae.cli import main
from bisae.corpus import build_corpus, tokens_of, with_stored_numbers
from bisae.errors import CorpusError, StudyError
from bisae.store import SPLITS, Store, create_store
from bisae.study import Study, load_study
from support.byte_tokenizer import save_tokenizer

SIZE = 7
"""Tokens of a window; a byte is one."""
DOCUMENTS = {"en": 400, "ja": 300}


@pytest.fixture
def raw(tmp_path: Path) -> dict[str, Any]:
    """A study of one's own small text, every setting left at its default."""
    save_tokenizer(tmp_path / "tokenizer", bos_token="<s>")
    for language, n in DOCUMENTS.items():
        lines = [json.dumps({"text": f"{language}{i:05}..."}) for i in range(n)]
        (tmp_path / f"{language}.jsonl").write_text("\n".join(lines))
    return {
        "name": "small",
        "corpus": {
            "tokenizer": "./tokenizer",
            "context": SIZE + 1,
            "text": [
                {"language": language, "files": [f"{language}.jsonl"]}
                for language in DOCUMENTS
            ],
        },
        "models": [
            {
                "size": "1M",
                "checkpoint": "./lm/{step}",
                "steps": [1],
                "tokens_per_step": 1,
                "layers": "1-2",
                "d_model": 8,
            }
        ],
        "sae": {"n_features": 16, "k": 2},
        "lm": {"device": "cpu"},
    }


def load(folder: Path, raw: dict[str, Any]) -> Study:
    (folder / "study.toml").write_text(tomli_w.dumps(raw))
    return load_study(folder / "study.toml")


def tokens(store: Store) -> dict[tuple[str, str], int]:
    counts = {(split, language): 0 for split in SPLITS for language in DOCUMENTS}
    for split in SPLITS:
        for block in store.documents(split):
            for number, length in zip(block.language, block.length, strict=True):
                counts[split, store.languages[number]] += int(length)
    return counts


SHARES = {"train_tokens": "all", "eval_tokens": 0.25, "heldout_tokens": 0.05}


@pytest.mark.parametrize(
    "asked", [SHARES, SHARES | {"train_tokens": 0.7}, SHARES | {"eval_tokens": 0.4}]
)
def test_shares_divide_all_the_text_that_every_language_has(
    tmp_path: Path, raw: dict[str, Any], asked: dict[str, Any]
) -> None:
    raw["corpus"] |= asked | {"valid_share": 0.1}
    raw["sae"]["batch_tokens"] = SIZE
    store = create_store(load(tmp_path, raw))
    build_corpus(store)
    counts = tokens(store)
    assert all(counts[split, "en"] == counts[split, "ja"] > 0 for split in SPLITS)
    total = DOCUMENTS["ja"] * SIZE
    used = {split: counts[split, "ja"] / total for split in SPLITS}
    assert 0.9 < sum(used.values()) <= 1
    evaluation, heldout = asked["eval_tokens"], asked["heldout_tokens"]
    train = (1 - evaluation - heldout) / 1.1
    expected = {"train": train, "valid": 0.1 * train}
    expected |= {"eval": evaluation, "heldout": heldout}
    assert used == pytest.approx(expected, abs=0.08)


def test_who_asks_for_shares_finds_numbers_in_the_store(
    tmp_path: Path, raw: dict[str, Any]
) -> None:
    raw["corpus"] |= SHARES
    raw["sae"]["batch_tokens"] = SIZE
    study = load(tmp_path, raw)
    store = create_store(study)
    build_corpus(store)
    assert create_store(study).has_corpus()  # the same study goes on
    numbers, counts = with_stored_numbers(store).corpus.tokens, tokens(store)
    for split in ("train", "eval", "heldout"):
        assert numbers[split] == sum(
            n for (item, _), n in counts.items() if item == split
        )


@pytest.mark.parametrize(
    "asked",
    [
        {"train_tokens": "all"},
        {"train_tokens": "all", "eval_tokens": "all", "heldout_tokens": 0.1},
        {"train_tokens": 0.5, "eval_tokens": 0.3, "heldout_tokens": 0.3},
        {"train_tokens": 0.5, "eval_tokens": 0.3, "heldout_tokens": 0.1},
        {"train_tokens": "all", "eval_tokens": 0.5, "heldout_tokens": 0.5},
        {"train_tokens": 0.5, "eval_tokens": 0.5, "heldout_tokens": 1_000},
    ],
)
def test_shares_that_are_not_one_whole_are_refused(
    tmp_path: Path, raw: dict[str, Any], asked: dict[str, Any]
) -> None:
    raw["corpus"] |= asked
    said = r"train_tokens, eval_tokens, heldout_tokens: give three numbers, or shares"
    with pytest.raises(StudyError, match=said):
        load(tmp_path, raw)


@pytest.mark.parametrize("asked", [0, -1, 1.5, "most", True, -0.5])
def test_what_is_no_amount_is_refused(
    tmp_path: Path, raw: dict[str, Any], asked: object
) -> None:
    raw["corpus"]["eval_tokens"] = asked
    said = 'eval_tokens: give a number of tokens, a share of the text or "all", not '
    with pytest.raises(StudyError, match=said):
        load(tmp_path, raw)


def test_a_share_without_a_document_and_a_batch_that_is_too_large_are_told_at_once(
    tmp_path: Path, raw: dict[str, Any]
) -> None:
    raw["corpus"] |= SHARES | {"valid_share": 1e-9}
    store = create_store(load(tmp_path, raw))
    said = "^too little text: en lacks 7 tokens of valid; ja lacks 7 tokens of valid, "
    said += r"once .*; \[sae\] batch_tokens = 32,768 is more than \[corpus\] train_to"
    with pytest.raises(CorpusError, match=said):
        build_corpus(store)


# -- a plan ---------------------------------------------------------------------------


def plan(folder: Path, raw: dict[str, Any]) -> Result:
    load(folder, raw)
    return CliRunner().invoke(
        main, ["plan", str(folder / "study.toml"), "--format=csv"]
    )


def test_a_plan_says_at_once_all_that_does_not_fit(
    tmp_path: Path, raw: dict[str, Any]
) -> None:
    """And what to write instead: then the corpus is built at the next try."""
    raw["corpus"] |= {"train_tokens": 20_000, "valid_share": 0.1}
    result = plan(tmp_path, raw)
    assert result.exit_code == 2
    assert result.stdout.startswith("size,d_model,")
    (line,) = result.stderr.splitlines()[-1:]
    assert line.startswith("Error: too little text: en lacks ")
    assert all(f"tokens of {split}" in line for split in ("eval", "heldout"))
    assert "; ja lacks " in line
    assert "; [sae] batch_tokens = 32,768 is more than [corpus] train_tokens" in line
    _, _, advice = line.partition("divide what there is: ")
    advice, _, _ = advice.partition("; [sae]")
    settings = (word.split(" = ") for word in advice.split(", "))
    raw["corpus"] |= {name: json.loads(value) for name, value in settings}
    raw["sae"]["batch_tokens"] = SIZE
    raw["sae"]["batch_tokens"] = SIZE
    assert plan(tmp_path, raw).exit_code == 0
    store = create_store(load(tmp_path, raw))
    build_corpus(store)
    assert store.has_corpus()


def test_no_more_is_counted_than_numbers_ask_for(
    tmp_path: Path, raw: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw["corpus"] |= {"train_tokens": 700, "eval_tokens": 140, "heldout_tokens": 140}
    raw["corpus"]["valid_share"] = 0.2
    raw["sae"]["batch_tokens"] = SIZE
    module = sys.modules["bisae.corpus.windows"]  # the name is a function's too
    monkeypatch.setattr(module, "TEXTS_AT_ONCE", 1)
    documents: list[str] = []

    def counting(tokenizer: Any, texts: list[str]) -> list[list[int]]:
        documents.extend(texts)
        return tokens_of(tokenizer, texts)

    monkeypatch.setattr("bisae.corpus.tokens.tokens_of", counting)
    assert plan(tmp_path, raw).exit_code == 0
    assert 160 <= len(documents) < 400  # of 700


def test_a_plan_counts_shares(tmp_path: Path, raw: dict[str, Any]) -> None:
    """What it costs is that of the numbers that the corpus then has."""
    raw["corpus"] |= SHARES | {"valid_share": 0.1}
    raw["sae"]["batch_tokens"] = SIZE
    shares = plan(tmp_path, raw)
    store = create_store(load(tmp_path, raw))
    build_corpus(store)
    counts = tokens(store)
    numbers = {
        f"{split}_tokens": counts[split, "en"] + counts[split, "ja"]
        for split in ("train", "eval", "heldout")
    }
    raw["corpus"] |= numbers
    for language in DOCUMENTS:
        (tmp_path / f"{language}.jsonl").unlink()
    said = f"the text is not counted: no text file {tmp_path}/en.jsonl"
    same = plan(tmp_path, raw)
    assert said in same.stderr.splitlines()
    codes = [result.stdout.split(",")[-3:-1] for result in (shares, same)]
    assert codes[0] == codes[1]
    raw["corpus"] |= SHARES
    line = plan(tmp_path, raw).stderr.splitlines()[-1]
    assert line == (
        f"Error: no text file {tmp_path}/en.jsonl; without its text, give the study "
        "numbers of tokens"
    )


def test_a_data_set_of_the_hub_is_not_read_for_a_plan(
    tmp_path: Path, raw: dict[str, Any]
) -> None:
    raw["corpus"]["text"][1] = {"language": "ja", "dataset": "org/name"}
    raw["corpus"]["train_tokens"] = 100
    result = plan(tmp_path, raw)
    said = (
        "the text is not counted: org/name is on the hub, and only `bisae build` read"
    )
    assert said in result.stderr
    assert "Error: [sae] batch_tokens = 32,768 is more than [corpus]" in result.stderr
