"""Hidden states of short documents: in order, and with little padding computed."""

from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from torch import Tensor

from bisae.encode.cells import cross_entropies
from bisae.errors import StateError
from bisae.grid import Cell
from bisae.lm import LanguageModel, load_lm
from bisae.lm.states import CPU_PASS_TOKENS, StateBlocks, buckets, with_bos
from bisae.sae import start
from bisae.store import SPLITS, Store, create_store
from bisae.study import Study
from support.model_families import VOCAB, save

CONTEXT, DOCUMENTS, BLOCK = 64, 150, 64
CELLS = [Cell("M", 0, layer) for layer in (0, 1, 3)]
CPU, GPU = torch.device("cpu"), torch.device("cuda")


def lengths(seed: int = 0) -> np.ndarray:
    """Tokens of documents as paragraphs have them: a tenth is full, half has 24."""
    draw = np.random.default_rng(seed)
    return np.clip(draw.lognormal(3.2, 0.8, DOCUMENTS), 1, CONTEXT - 1).astype(int)


def make_store(folder: Path, length: np.ndarray) -> Store:
    """A store of random documents of these lengths in every split."""
    text = [{"language": name, "files": ["/none.txt"]} for name in ("en", "ja")]
    model = {"size": "M", "checkpoint": "/lm/{step}", "steps": [0]}
    raw = {
        "name": "short",
        "store": str(folder / "store"),
        "work_dir": str(folder / "work"),
        "corpus": {"text": text, "context": CONTEXT, "short": "keep"},
        "models": [model | {"tokens_per_step": 1, "layers": [0, 1, 3]}],
        "sae": {"n_features": 64, "k": 4},
        "lm": {"batch_documents": BLOCK, "eval_ce_tokens": 10**6},
    }
    store = create_store(Study.model_validate(raw))
    ids = np.random.default_rng(1).integers(1, VOCAB, (len(length), CONTEXT - 1))
    token_id = np.where(np.arange(CONTEXT - 1) < length[:, None], ids, -1)
    with store.write_corpus() as writer:
        for split in SPLITS:
            writer.append(split, token_id, np.arange(len(length)) % 2)
        facts = {"bos_token_id": 0, "vocab_size": VOCAB}
        writer.finish(facts | {"tokenizer_fingerprint": "t"})
    return store


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return make_store(tmp_path_factory.mktemp("short"), lengths())


@pytest.fixture(scope="module", params=["llama", "gpt2", "bloom", "gemma3"])
def lm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LanguageModel:
    return load_lm(str(save(request.param, tmp_path_factory.mktemp("lm"))))


def positions(lm: LanguageModel) -> list[tuple[int, int]]:
    """Give a list to which every pass adds its shape: documents, positions."""
    shapes: list[tuple[int, int]] = []

    def seen(_: object, args: tuple[Any, ...]) -> None:
        shapes.append(tuple(args[0].shape))

    lm._model.get_input_embeddings().register_forward_pre_hook(seen)
    return shapes


def padded(store: Store, number: int) -> tuple[Tensor, Tensor]:
    """A whole block with all its padding."""
    return with_bos(store.split("train").block(number * BLOCK, BLOCK), 0)


def test_states_are_those_of_the_padded_block(short: Store, lm: LanguageModel) -> None:
    blocks = StateBlocks(short, short.split("train"), lm, CELLS)
    assert len(blocks) == 3
    for number in range(3):
        token_id, mask = padded(short, number)
        whole = lm.hidden_states(token_id, mask, [0, 1, 3])
        states = blocks[number]
        assert torch.equal(states.real, mask[:, 1:])
        assert list(states.layers) == [0, 1, 3]
        for layer, rows in states.layers.items():
            expected = whole[layer][:, 1:][states.real]
            torch.testing.assert_close(rows, expected, rtol=1e-4, atol=1e-5)
            assert torch.equal(rows, blocks[number].layers[layer])


def test_little_padding_is_computed(short: Store, lm: LanguageModel) -> None:
    shapes = positions(lm)
    blocks = StateBlocks(short, short.split("train"), lm, CELLS)
    for number in range(len(blocks)):
        blocks[number]
    real = int((lengths() + 1).sum())  # BOS is computed too
    computed = sum(documents * longest for documents, longest in shapes)
    assert sum(documents for documents, _ in shapes) == DOCUMENTS
    assert 2 * real < DOCUMENTS * CONTEXT
    assert computed < 1.15 * real
    assert len(shapes) < 8 * len(blocks)


def test_full_documents_run_as_they_are(tmp_path: Path, lm: LanguageModel) -> None:
    store = make_store(tmp_path, np.full(DOCUMENTS, CONTEXT - 1))
    shapes = positions(lm)
    states = StateBlocks(store, store.split("train"), lm, CELLS)[1]
    assert shapes == [(BLOCK, CONTEXT)]
    whole = lm.hidden_states(*padded(store, 1), [0, 1, 3])
    for layer, rows in states.layers.items():
        assert torch.equal(rows, whole[layer][:, 1:].flatten(0, 1))


@pytest.mark.parametrize("edit", ["ce", "ce_recon", "ce_zero"])
def test_cross_entropies_are_those_of_padded_blocks(
    short: Store, lm: LanguageModel, edit: str
) -> None:
    cell = CELLS[1]
    sae = start(torch.randn(256, lm.d_model), short.study.sae)
    total = 0.0
    for number in range(3):
        token_id, mask = padded(short, number)
        real = mask.clone()
        real[:, 0] = False  # BOS is left alone

        def replace(h: Tensor, real: Tensor = real) -> Tensor:
            norm = h.norm(dim=2, keepdim=True)
            recon = sae.reconstruct((h / norm).flatten(0, 1)).recon.view_as(h)
            second = {"ce": h, "ce_recon": norm * recon, "ce_zero": 0 * h}[edit]
            return torch.where(real[..., None], second, h)

        with lm.edited(cell.layer, replace):
            total += float(lm.token_losses(token_id, mask).double().sum())
    shapes = positions(lm)
    result = cross_entropies(short, lm, {cell: sae})[cell]
    assert result[edit] == pytest.approx(total / lengths().sum(), rel=1e-4)
    passes = 3  # as it is, reconstructed, zeroed
    computed = sum(documents * longest for documents, longest in shapes)
    assert computed < 1.15 * passes * (lengths() + 1).sum()


# -- buckets ---------------------------------------------------------------------------


def mask_of(length: list[int]) -> Tensor:
    return torch.arange(CONTEXT) < torch.tensor(length, dtype=torch.long)[:, None]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, CONTEXT), max_size=8))
def test_buckets_cost_the_least(length: list[int]) -> None:
    mask = mask_of(length)
    token_id = torch.arange(mask.numel()).view(mask.shape)
    result = buckets(token_id, mask, CPU)
    documents = [i for bucket in result for i in bucket.documents.tolist()]
    assert sorted(documents) == list(range(len(length)))
    for bucket in result:
        longest = max(length[i] for i in bucket.documents.tolist())
        assert torch.equal(bucket.token_id, token_id[bucket.documents, :longest])
        assert torch.equal(bucket.mask, mask[bucket.documents, :longest])
    cost = sum(CPU_PASS_TOKENS + bucket.mask.numel() for bucket in result)
    assert cost == least_cost(sorted(length))


def least_cost(length: list[int]) -> int:
    """The least over every way to cut ascending lengths."""
    gaps = range(1, len(length))
    costs = []
    for n_cuts in range(len(length)):
        for cuts in combinations(gaps, n_cuts):
            ends = pairwise([0, *cuts, len(length)])
            parts = [length[start:end] for start, end in ends]
            costs.append(sum(CPU_PASS_TOKENS + len(p) * p[-1] for p in parts))
    return min(costs, default=0)


def test_a_gpu_is_given_larger_buckets() -> None:
    mask = mask_of([5, 64, 7] * 40)
    on_cpu, on_gpu = (buckets(mask.long(), mask, device) for device in (CPU, GPU))
    assert [bucket.mask.shape for bucket in on_cpu] == [(40, 5), (40, 7), (40, 64)]
    assert [bucket.mask.shape for bucket in on_gpu] == [(80, 7), (40, 64)]
    few = mask_of([5, 60, 7])
    assert [bucket.mask.shape for bucket in buckets(few.long(), few, GPU)] == [(3, 60)]


def test_an_overflow_in_float16_asks_for_a_wider_dtype(
    short: Store, tmp_path: Path
) -> None:
    folder = save("llama", tmp_path)
    weights = load_file(folder / "model.safetensors")
    weights["model.layers.2.mlp.down_proj.weight"] *= 1e6
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    wide = StateBlocks(short, short.split("train"), load_lm(str(folder)), CELLS)
    assert wide[0].layers[3].abs().max() > torch.finfo(torch.float16).max
    narrow = load_lm(str(folder), dtype="float16")
    said = (
        r"cell M/0/3, train document \d+: .* not finite; float16 has no number above "
    )
    said += r"65,504: load the model in a wider dtype, \[lm\] dtype = .float32. or"
    with pytest.raises(StateError, match=said):
        StateBlocks(short, short.split("train"), narrow, CELLS)[0]
