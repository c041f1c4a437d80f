"""Write a store with cells of the paper's size, of synthetic text and codes.

    python benchmarks/paper_cell.py FOLDER [--tokens 10000000]

10.0M tokens of two languages, n 32,768, K 32, features Zipf-distributed, one in
sixteen activations a firing; embeddings of 99,574 tokens, d 3,072, float16.
Step 2 is a late checkpoint (a feature fires on tokens of its own, median 15), step 1 an
early one (on any token, median 300).
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import PreTrainedTokenizerFast

from bisae.files import write_with_checksum
from bisae.grid import Cell
from bisae.progress import track
from bisae.store import SPLITS, Store, create_store
from bisae.study import Study
from study import make_study

N, K, D, VOCABULARY, WIDTH = 32_768, 32, 3_072, 99_574, 63
SHARED, OWN = 5_574, 47_000
EARLY, LATE = Cell("M", 1, 1), Cell("M", 2, 1)
GROUPS = N // K
BLOCK = 128
MEASURED = [
    "tokens_seen",
    "n_params",
    "d_model",
    "lr",
    "seed",
    "n_eval_tokens",
    "buffer_tokens",
    "mse",
    "variance",
    "fvu",
    "cosine",
    "l0",
    "cut_share",
    "n_dead",
    "ce",
    "ce_recon",
    "ce_zero",
    "train_seconds",
]
MEASURED_CODES = ["mse", "variance", "fvu", "cosine", "l0", "cut_share"]
NAMED = ["model", "revision", "lm_fingerprint", "tokenizer_fingerprint"]
Draw = np.random.Generator
Firing = Callable[[Draw, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Draws which of (rows, K) slots fire, and the feature of each slot that does."""


def main() -> None:
    """Write the store."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokens", type=int, default=10_000_000)
    arguments = parser.parse_args()
    study = described(arguments.folder)
    store = create_store(study)
    write_words(arguments.folder)
    write_embeddings(store)
    write_text(store, 2 * -(-arguments.tokens // (2 * WIDTH)))
    for cell, firing in ((EARLY, early), (LATE, late)):
        write_cell(store, cell, firing)


def described(folder: Path) -> Study:
    """Return the study of both steps."""
    sae = {"n_features": N, "k": K, "batch_tokens": WIDTH, "seed": 0}
    study = make_study(folder, 1, 2 * WIDTH, sae)
    model = study.models[0].model_copy(update={"steps": (1, 2), "d_model": 1})
    corpus = study.corpus.model_copy(update={"tokenizer": str(folder / "words")})
    return study.model_copy(update={"models": (model,), "corpus": corpus})


def write_words(folder: Path) -> None:
    """Write a tokenizer whose tokens are numbers."""
    words = {f"w{number}": number for number in range(VOCABULARY)}
    tokenizer = Tokenizer(WordLevel(words, unk_token="w0"))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(
        folder / "words"
    )


def write_embeddings(store: Store) -> None:
    """Write unit rows; the four tokens of each residue class are similar."""
    file = store.tables / "embeddings" / "M-2.npy"
    draw = np.random.default_rng(0)
    centres = draw.standard_normal((VOCABULARY // 4 + 1, D), np.float32)
    with write_with_checksum(file, store.check_leases) as temporary:
        rows = np.lib.format.open_memmap(temporary, "w+", np.float16, (VOCABULARY, D))
        for first in range(0, VOCABULARY, 4096):
            ids = np.arange(first, min(first + 4096, VOCABULARY))
            block = centres[ids % len(centres)]
            block = block + draw.standard_normal(block.shape, np.float32)
            rows[ids] = block / np.linalg.norm(block, axis=1, keepdims=True)
        rows.flush()


def write_text(store: Store, documents: int) -> None:
    """Write Zipf-distributed tokens, one in seven from those that languages share."""
    draw = np.random.default_rng(1)
    with store.write_corpus() as writer:
        for split in SPLITS:
            n = documents if split == "eval" else 2
            for first in range(0, n, BLOCK):
                language = np.arange(first, min(first + BLOCK, n)) % 2
                writer.append(split, text(draw, language), language)
        attributes = {
            "bos_token_id": 0,
            "vocab_size": VOCABULARY,
            "fingerprint": "none",
        }
        writer.finish(attributes | {"tokenizer_fingerprint": "none"})


def text(draw: Draw, language: np.ndarray) -> np.ndarray:
    """Draw the tokens of some documents."""
    shape = (len(language), WIDTH)
    exclusive = SHARED + OWN * language[:, None] + zipf(draw, OWN, shape)
    return np.where(draw.random(shape) < 1 / 7, zipf(draw, SHARED, shape), exclusive)


def zipf(draw: Draw, n: int, shape: tuple[int, ...]) -> np.ndarray:
    """Draw log-uniform numbers: Zipf with exponent 1."""
    return ((n + 1) ** draw.random(shape)).astype(np.int64) - 1


def late(draw: Draw, token_id: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let a token fire one feature in each of its slots, one slot in six."""
    slot = np.arange(K)
    mixed = hashed(token_id[:, None] * K + slot)
    fires = (mixed % 6 == 0) & (draw.random(mixed.shape) < 0.375)
    return fires, (GROUPS * (mixed / 2**32) ** 1.3).astype(np.int64)


def early(draw: Draw, token_id: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let any feature fire on any token; one in eighty has a third of all firings."""
    shape = (len(token_id), K)
    fires = draw.random(shape) < 0.08
    usual = (GROUPS * draw.random(shape) ** 1.3).astype(np.int64)
    frequent = draw.integers(0, GROUPS // 80, shape)
    return fires, np.where(draw.random(shape) < 0.35, frequent, usual)


def hashed(number: np.ndarray) -> np.ndarray:
    """Hash to numbers below 2**32 (Knuth's multiplicative hash, mixed)."""
    number = (number.astype(np.uint64) * 2_654_435_761) % 2**32
    number = ((number >> 16) ^ number) * 73_244_475 % 2**32
    return (number >> 16) ^ number


def codes(draw: Draw, token_id: np.ndarray, firing: Firing) -> tuple[Any, Any]:
    """Draw rows of distinct features, one of each slot, with descending values."""
    fires, group_fired = firing(draw, token_id)
    group = np.where(fires, group_fired, zipf(draw, GROUPS, group_fired.shape))
    index = group * K + np.arange(K)
    strength = draw.random(group_fired.shape)
    value = np.where(fires, 0.72 + 0.28 * strength, 0.02 + 0.66 * strength**2)
    order = np.argsort(-value, axis=1)
    return np.take_along_axis(index, order, 1), np.take_along_axis(value, order, 1)


def write_cell(store: Store, cell: Cell, firing: Firing) -> None:
    """Write a meaningless autoencoder, and codes."""
    draw, documents = np.random.default_rng(cell.step), store.n_documents("eval")
    attributes = dict.fromkeys(MEASURED, 1) | dict.fromkeys(NAMED, "")
    attributes |= {"architecture": "topk", "start": "random", "steps": 1}
    attributes |= {"n_features": N, "k": K}
    attributes |= {"corpus_fingerprint": store.corpus_attributes()["fingerprint"]}
    rows = np.ones((N, 1), np.float32)
    weights = {"W_enc": rows, "W_dec": rows, "b_pre": np.zeros(1, np.float32)}
    store.write_sae(cell, weights, np.zeros(1, np.float32), attributes)
    dead = np.ones(N, bool)
    with store.write_codes(cell, documents * WIDTH) as writer:
        for block in blocks(store, documents):
            index, value = codes(draw, block, firing)
            dead[index] = False
            writer.append(index, value)
        measured = dict.fromkeys(MEASURED_CODES, 1.0)
        writer.finish(
            measured | {"n_dead": int(dead.sum()), "n_eval_tokens": documents * WIDTH}
        )


def blocks(store: Store, documents: int) -> Iterator[np.ndarray]:
    """Yield the token ids of some rows at a time."""
    read = store.documents("eval", BLOCK)
    for block in track(read, -(-documents // BLOCK), "codes", "blocks"):
        yield block.token_id.reshape(-1)


if __name__ == "__main__":
    main()
