"""Tokenizers as checkpoints ship them, and what each token adds to a text."""

import json
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PythonBackend

from bisae.corpus import (
    added_texts,
    fingerprint,
    n_token_ids,
    open_tokenizer,
    shown_texts,
    tokens_of,
)
from bisae.corpus.tokenizer import PROBE, check_round_trip
from bisae.errors import CheckpointError
from support.tokenizer_kinds import KINDS, TEXT, ship

CLASSES = ["", "LlamaTokenizer", "GPT2Tokenizer", "Qwen2TokenizerFast", "T5Tokenizer"]
TYPES = ["", "llama", "qwen2", "gpt2", "gpt_neox"]


@pytest.fixture(scope="module", params=KINDS)
def shipped(request: pytest.FixtureRequest) -> Tokenizer:
    return KINDS[request.param]()


@pytest.fixture
def opened(shipped: Tokenizer, tmp_path: Path) -> Any:
    return open_tokenizer(str(ship(shipped, tmp_path, "", "")), None)


# -- which tokenizer ------------------------------------------------------------------


@pytest.mark.parametrize("declared", CLASSES)
@pytest.mark.parametrize("model_type", TYPES)
def test_the_file_decides_whatever_is_declared(
    shipped: Tokenizer, tmp_path: Path, declared: str, model_type: str
) -> None:
    folder = ship(shipped, tmp_path, declared, model_type)
    opened = open_tokenizer(str(folder), None)
    texts = [*TEXT[:4], *PROBE]
    assert tokens_of(opened, texts) == [
        shipped.encode(text, add_special_tokens=False).ids for text in texts
    ]
    assert n_token_ids(opened) == shipped.get_vocab_size()  # nothing is added
    assert (opened.bos_token_id, opened.eos_token_id) == (0, 1)


def test_what_is_rebuilt_is_cut_otherwise(tmp_path: Path) -> None:
    """The fault that the test above would find, if transformers still has it."""
    folder = ship(KINDS["unigram"](), tmp_path, "LlamaTokenizer", "llama")
    rebuilt = AutoTokenizer.from_pretrained(folder)
    opened = open_tokenizer(str(folder), None)
    assert tokens_of(rebuilt, TEXT[:2]) != tokens_of(opened, TEXT[:2])


def test_one_that_nothing_rebuilds_keeps_its_fingerprint(tmp_path: Path) -> None:
    folder = ship(KINDS["byte_bpe"](), tmp_path, "PreTrainedTokenizerFast", "llama")
    plain = AutoTokenizer.from_pretrained(folder)
    assert fingerprint(open_tokenizer(str(folder), None)) == fingerprint(plain)


def test_a_special_token_that_the_file_lacks_is_not_added(tmp_path: Path) -> None:
    tokenizer = KINDS["byte_bpe"]()
    folder = ship(tokenizer, tmp_path, "", "")
    config = {"bos_token": "<bos>", "eos_token": "</s>", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    opened = open_tokenizer(str(folder), None)
    assert (opened.bos_token_id, opened.eos_token_id) == (None, 1)
    assert n_token_ids(opened) == tokenizer.get_vocab_size()


def test_a_class_names_what_no_file_does(tmp_path: Path) -> None:
    tokenizer = KINDS["byte_bpe"]()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    folder = ship(tokenizer, tmp_path, "GPT2Tokenizer", "gpt2")
    (folder / "tokenizer_config.json").write_text("{}")  # as gpt2 has it
    opened = open_tokenizer(str(folder), None)
    assert opened.eos_token_id == tokenizer.token_to_id("<|endoftext|>")


def test_a_checkpoint_without_a_vocabulary_is_refused(tmp_path: Path) -> None:
    """transformers makes a tokenizer of one that has only its configuration."""
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    said = "Qwen2Tokenizer knows none of 13 texts, as one without a vocabulary does"
    with pytest.raises(CheckpointError, match=said):
        open_tokenizer(str(tmp_path), None)


def test_files_of_an_older_kind_are_opened_if_they_give_text_back(
    tmp_path: Path,
) -> None:
    KINDS["byte_bpe"]().model.save(str(tmp_path))  # vocab.json, merges.txt
    config = {"tokenizer_class": "GPT2Tokenizer", "eos_token": "</s>"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    opened = open_tokenizer(str(tmp_path), None)
    shipped = KINDS["byte_bpe"]()
    assert tokens_of(opened, TEXT[:1])[0] == shipped.encode(TEXT[0]).ids
    config["tokenizer_class"] = "LlamaTokenizer"
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"transformers' .* no tokenizer\.json"):
        open_tokenizer(str(tmp_path), None)


class Forgetful(PythonBackend):
    """A tokenizer in Python that loses digits."""

    vocab = {"<unk>": 0, "<s>": 1} | {chr(32 + n): 2 + n for n in range(95)}

    def get_vocab(self) -> dict[str, int]:
        return dict(self.vocab)

    @property
    def vocab_size(self) -> int:
        return len(self.vocab)

    def _tokenize(self, text: str, **_: Any) -> list[str]:
        return [c for c in text if not c.isdigit()]

    def _convert_token_to_id(self, token: str) -> int:
        return self.vocab.get(token, 0)

    def _convert_id_to_token(self, index: int) -> str:
        return next(name for name, number in self.vocab.items() if number == index)

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return "".join(tokens)


def test_text_that_does_not_come_back_is_shown() -> None:
    forgetful: Any = Forgetful
    tokenizer = forgetful(unk_token="<unk>", bos_token="<s>")
    check_round_trip(tokenizer, ["a cat, asleep", "猫"])  # what is unknown is passed
    said = "Forgetful gives 'a cat of 17' back as 'a cat of ', and there is no tok"
    with pytest.raises(CheckpointError, match=said):
        check_round_trip(tokenizer, ["a cat of 17"])
    with pytest.raises(CheckpointError, match="knows none of 2 texts"):
        check_round_trip(tokenizer, ["猫", "川"])


def test_a_missing_package_is_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "spiece.model").write_bytes(b"not read without the package")
    (tmp_path / "config.json").write_text('{"model_type": "t5"}')
    monkeypatch.setattr("bisae.corpus.tokenizer.find_spec", lambda _: None)
    said = "^spiece.model is read by the package sentencepiece, which is not installed"
    with pytest.raises(CheckpointError, match=said):
        open_tokenizer(str(tmp_path), None)
    assert capfd.readouterr().err == ""  # nobody else tells of tiktoken


def test_python_code_of_its_own_is_named(tmp_path: Path) -> None:
    config = {
        "tokenizer_class": "Own",
        "auto_map": {"AutoTokenizer": ["own.Own", None]},
    }
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "own.py").write_text("raise SystemExit")
    with pytest.raises(
        CheckpointError, match=r"Python code of its own, .* --trust-remote"
    ):
        open_tokenizer(str(tmp_path), None)


def test_ids_may_have_gaps(tmp_path: Path) -> None:
    vocabulary = {"<s>": 0, "a": 1, "b": 7, "</s>": 3}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.decoder = decoders.Fuse()
    opened = open_tokenizer(str(ship(tokenizer, tmp_path, "", "")), None)
    assert n_token_ids(opened) == 8
    shown = shown_texts(opened)
    assert (shown[7], shown[3], shown[5]) == ("b", "</s>", "<5>")
    assert len(set(shown)) == 8


# -- what a token adds ----------------------------------------------------------------


def test_joined_texts_are_the_decoding(opened: Any) -> None:
    """Behind BOS, as windows stand, where no character is split."""
    shown = shown_texts(opened)
    for text in TEXT[:4]:
        (token_id,) = tokens_of(opened, [text])
        decoded = opened.backend_tokenizer.decode(token_id, skip_special_tokens=False)
        joined = "".join(shown[item] for item in token_id)
        if "<0x" not in joined:
            assert joined.strip() == decoded.strip()
        assert joined.count("house") == decoded.count("house")


def test_no_two_tokens_look_alike(opened: Any) -> None:
    shown = shown_texts(opened)
    assert len(shown) == len(set(shown)) == n_token_ids(opened)
    assert all(shown)


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        ("byte_bpe", "Ġhouses", " houses"),
        ("byte_bpe", "t", "t"),
        ("word_piece", "houses", " houses"),
        ("word_piece", "##s", "s"),
        ("word_piece", ",", ","),
        ("unigram", "▁", " "),
        ("unigram", "k", "k"),
        ("byte_fallback_bpe", "▁", " "),
        ("byte_fallback_bpe", "k", "k"),
        ("suffix_bpe", "houses</w>", "houses "),
        ("suffix_bpe", "s", "s"),
    ],
)
def test_words_keep_their_spaces(
    kind: str, name: str, text: str, tmp_path: Path
) -> None:
    opened = open_tokenizer(str(ship(KINDS[kind](), tmp_path, "", "")), None)
    assert added_texts(opened)[opened.get_vocab()[name]] == text


def test_bytes_are_shown_as_bytes(tmp_path: Path) -> None:
    opened = open_tokenizer(str(ship(KINDS["unigram"](), tmp_path, "", "")), None)
    shown, vocabulary = shown_texts(opened), opened.get_vocab()
    assert shown[vocabulary["<0x0A>"]] == "\n"  # no piece is a line break
    assert shown[vocabulary["<0xE7>"]] == "<0xE7>"
    assert shown[vocabulary["k"]] == "k"
    assert shown[vocabulary["<0x6B>"]] == "<0x6B>"  # k again


def test_bytes_of_byte_level_tokens_are_shown(tmp_path: Path) -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    names = [*alphabet, "Ġç", "çĮ«"]
    tokenizer = Tokenizer(models.BPE({name: i for i, name in enumerate(names)}, []))
    tokenizer.decoder = decoders.ByteLevel()
    shown = shown_texts(open_tokenizer(str(ship(tokenizer, tmp_path, "", "")), None))
    assert shown[-2:] == [" <0xE7>", "猫"]
    assert shown[names.index("Ġ")] == " "
    assert shown[names.index("ç")] == "<0xE7>"
