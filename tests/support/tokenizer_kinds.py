"""Small real tokenizers of every kind of decoder, as checkpoints ship them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from tokenizers import trainers as t

TEXT = [
    "The old driver slowly keeps the houses on the hills, and the cat keeps a key.",
    "In 2023 the houses of the river were old; a cat slept in 17 of them (slowly).",
    "猫が古い家で眠る。川の家は古い。猫は鍵を持つ。",
    "東京の川と丘の家、2023年の猫。",
] * 8
SPECIAL = ["<s>", "</s>", "<unk>"]


def byte_bpe() -> Tokenizer:
    """GPT-2's kind: bytes, written in an alphabet of their own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = t.BpeTrainer(
        vocab_size=330, special_tokens=SPECIAL, initial_alphabet=alphabet
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def word_piece() -> Tokenizer:
    """BERT's kind: `##` joins a piece to the one before."""
    tokenizer = Tokenizer(models.WordPiece({}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = t.WordPieceTrainer(vocab_size=300, special_tokens=SPECIAL)
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


def bytes_of_unigram() -> list[str]:
    return [f"<0x{byte:02X}>" for byte in range(256)]


def unigram() -> Tokenizer:
    """T5's and Japanese models' kind: SentencePiece, a byte where no piece fits."""
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = t.UnigramTrainer(
        vocab_size=200, special_tokens=SPECIAL, unk_token="<unk>", max_piece_length=8
    )
    trained.train_from_iterator(TEXT, trainer)
    pieces = json.loads(trained.to_str())["model"]["vocab"]
    worst = min(score for _, score in pieces) - 1
    pieces += [[name, worst] for name in bytes_of_unigram()]
    vocabulary = [(name, score) for name, score in pieces]
    tokenizer = Tokenizer(models.Unigram(vocabulary, 2, byte_fallback=True))
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = llama_decoder()
    return tokenizer


def llama_decoder() -> Any:
    return decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )


def byte_fallback_bpe() -> Tokenizer:
    """Llama 2's kind: pieces of SentencePiece, merged; a byte where no piece fits."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = metaspace()
    special = [*SPECIAL, *bytes_of_unigram()]
    trainer = t.BpeTrainer(vocab_size=480, special_tokens=special)
    trained.train_from_iterator(TEXT, trainer)
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(merge) for merge in model["merges"]]
    vocabulary = model["vocab"]
    tokenizer = Tokenizer(
        models.BPE(
            vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True
        )
    )
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.normalizer = metaspace()
    tokenizer.decoder = llama_decoder()
    return tokenizer


def metaspace() -> Any:
    return normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )


def suffix_bpe() -> Tokenizer:
    """The first GPT's kind: `</w>` ends a word."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder("</w>")
    trainer = t.BpeTrainer(
        vocab_size=300, special_tokens=SPECIAL, end_of_word_suffix="</w>"
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    return tokenizer


KINDS: dict[str, Callable[[], Tokenizer]] = {
    "byte_bpe": byte_bpe,
    "word_piece": word_piece,
    "unigram": unigram,
    "byte_fallback_bpe": byte_fallback_bpe,
    "suffix_bpe": suffix_bpe,
}


def ship(tokenizer: Tokenizer, folder: Path, declared: str, model_type: str) -> Path:
    """Write a tokenizer as a checkpoint has it, beside its declared class and type."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    if declared:
        config["tokenizer_class"] = declared
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    if model_type:
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}))
    return folder
