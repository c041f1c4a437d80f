"""The metrics of a cell against a plain computation over its stored codes."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from zarr import open_array

from bisae.grid import Cell
from bisae.store import Store

CELLS = [Cell("S", 40, 1), Cell("M", 40, 3), Cell("M", 5, 0)]


def stored(store: Store, cell: Cell) -> np.ndarray:
    """The reconstructions of all evaluation tokens, (tokens, d), from the store."""
    weights = store.weights(cell)
    blocks = list(store.codes(cell))
    index = np.concatenate([block.index for block in blocks])
    value = np.concatenate([block.value for block in blocks]).astype(np.float64)
    picked = weights["W_dec"][index].astype(np.float64)
    return np.asarray(np.einsum("tk,tkd->td", value, picked) + weights["b_pre"])


def tokens(store: Store) -> Tensor:
    """(documents, context): BOS in front; the tiny study has only whole windows."""
    blocks = list(store.documents("eval"))
    text = torch.from_numpy(np.concatenate([block.token_id for block in blocks])).long()
    bos = torch.full((len(text), 1), store.corpus_attributes()["bos_token_id"])
    return torch.cat([bos, text], dim=1)


def plain_states(store: Store, cell: Cell) -> np.ndarray:
    """The unit hidden states of transformers' own output, (tokens, d)."""
    model = load(store, cell)
    with torch.no_grad():
        output = model(tokens(store), output_hidden_states=True)
    states = output.hidden_states[cell.layer][:, 1:].flatten(0, 1).double().numpy()
    return np.asarray(states / np.linalg.norm(states, axis=1, keepdims=True))


def load(store: Store, cell: Cell) -> Any:
    location = store.study.model(cell.size).checkpoint_at(cell.step)[0]
    model: Any = AutoModelForCausalLM.from_pretrained(location)
    return model.eval()


@pytest.mark.parametrize("cell", CELLS[:1] + CELLS[2:], ids=str)
def test_mse_fvu_and_cosine(tiny: Store, cell: Cell) -> None:
    attributes = tiny.attributes(cell, "codes")
    x, recon = plain_states(tiny, cell), stored(tiny, cell)
    error = np.square(recon - x).sum(1)
    away = np.square(x - x.mean(0)).sum(1)
    cosine = (x * recon).sum(1) / np.linalg.norm(recon, axis=1)
    assert attributes["mse"] == pytest.approx(error.mean(), rel=1e-4)
    assert attributes["fvu"] == pytest.approx(error.sum() / away.sum(), rel=1e-4)
    assert attributes["cosine"] == pytest.approx(cosine.mean(), rel=1e-4)
    assert attributes["fvu"] < 1


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_dead_features_and_l0(tiny: Store, cell: Cell) -> None:
    attributes = tiny.attributes(cell, "codes")
    blocks = list(tiny.codes(cell))
    used = [block.index[block.value > 0] for block in blocks]
    alive = np.unique(np.concatenate(used))
    assert attributes["n_dead"] == tiny.study.sae.n_features - len(alive)
    assert attributes["l0"] == sum(map(len, used)) / attributes["n_eval_tokens"]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_codes_are_ranked_distinct_and_zero_at_the_end(tiny: Store, cell: Cell) -> None:
    for block in tiny.codes(cell):
        value = block.value.astype(np.float32)
        assert (np.diff(value, axis=1) <= 0).all()
        assert (value >= 0).all()
        assert (block.index[value == 0] == 0).all()
        for row, remaining in zip(block.index, value > 0, strict=True):
            assert len(set(row[remaining])) == remaining.sum()


@pytest.mark.parametrize("zero", [False, True])
def test_cross_entropy_with_a_layer_replaced(tiny: Store, *, zero: bool) -> None:
    cell = CELLS[0]
    attributes = tiny.attributes(cell, "codes")
    model, text = load(tiny, cell), tokens(tiny)
    # Whole batches until eval_ce_tokens are reached.
    batch, width = tiny.study.lm.batch_documents, text.shape[1] - 1
    n = -(-tiny.study.lm.eval_ce_tokens // (batch * width)) * batch
    recon = torch.from_numpy(stored(tiny, cell)).float().reshape(-1, width, 32)[:n]

    def replace(_: object, __: object, output: Tensor) -> Tensor:
        changed = output.clone()
        norm = output[:, 1:].norm(dim=-1, keepdim=True)
        changed[:, 1:] = 0 if zero else norm * recon
        return changed

    block = model.model.layers[cell.layer - 1]
    handle = block.register_forward_hook(replace)
    with torch.no_grad():
        logits = model(text[:n]).logits[:, :-1].flatten(0, 1)
    handle.remove()
    ce = cross_entropy(logits, text[:n, 1:].flatten()).item()
    assert attributes["ce_zero" if zero else "ce_recon"] == pytest.approx(ce, rel=1e-4)


def test_training_reduces_the_loss(tiny: Store) -> None:
    for cell in tiny.study.cells:
        loss = np.asarray(open_array(tiny.zarr / f"cells/{cell}/train/loss")[:])
        assert loss[-1] < loss[0]
