"""The metrics of a cell against a plain computation over its stored codes."""

from contextlib import closing
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM
from zarr import open_array

from bisae.grid import Cell
from bisae.query import connect
from bisae.sae import ReconstructionMetrics, start
from bisae.store import Store
from bisae.study import Sae
from support.rows import rows_of

CELLS = [Cell("S", 40, 1), Cell("M", 40, 3), Cell("M", 5, 0)]


def stored(store: Store, cell: Cell, m: int | None = None) -> np.ndarray:
    """The reconstructions of all evaluation tokens, (tokens, d), from the store.

    With `m`, from the first m codes of each token.
    """
    weights = store.weights(cell)
    blocks = list(store.codes(cell))
    index = np.concatenate([block.index[:, :m] for block in blocks])
    value = np.concatenate([block.value[:, :m] for block in blocks]).astype(np.float64)
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


@pytest.mark.parametrize("cell", CELLS[:1] + CELLS[2:], ids=str)
def test_fvu_of_the_strongest_codes(tiny: Store, cell: Cell) -> None:
    """K is 4, so there is no eighth."""
    attributes = tiny.attributes(cell, "codes")
    x = plain_states(tiny, cell)
    variance = np.square(x - x.mean(0)).sum()
    for name, m in {"fvu_half_k": 2, "fvu_quarter_k": 1}.items():
        error = np.square(stored(tiny, cell, m) - x).sum()
        assert attributes[name] == pytest.approx(error / variance, rel=1e-4)
    assert "fvu_eighth_k" not in attributes
    query = f"from cells where (size, step, layer) = {(*cell,)}"
    with closing(connect(tiny, query=query)) as con:
        row = rows_of(con, query)[0]
    assert row["fvu_half_k"] == attributes["fvu_half_k"]
    assert row["fvu_quarter_k"] == attributes["fvu_quarter_k"]
    assert row["fvu_eighth_k"] is None


@pytest.mark.parametrize(("architecture", "l1"), [("topk", 0.0), ("relu", 0.1)])
def test_fvu_of_half_a_quarter_and_an_eighth_of_the_codes(
    architecture: Literal["topk", "relu"], l1: float
) -> None:
    """Of the 17 largest activations, by NumPy. FVU of ReLU is of all activations."""
    settings = Sae(architecture=architecture, n_features=40, k=17, l1=l1)
    x = torch.randn(50, 6, generator=torch.Generator().manual_seed(0))
    x /= x.norm(dim=1, keepdim=True)
    sae = start(x, settings)
    fit = ReconstructionMetrics(sae)
    for part in (x[:20], x[20:]):
        fit.add(part, sae.reconstruct(part))
    actual = fit.metrics()
    W_enc, W_dec, b_pre = (
        tensor.double().numpy() for tensor in sae.parameters().values()
    )
    states = x.double().numpy()
    z = np.maximum((states - b_pre) @ W_enc.T, 0)
    variance = np.square(states - states.mean(0)).sum()
    kept = {"fvu_half_k": 8, "fvu_quarter_k": 4, "fvu_eighth_k": 2}
    kept["fvu"] = 40 if architecture == "relu" else 17
    for name, m in kept.items():
        smallest = np.sort(z, axis=1)[:, [-m]]
        recon = np.where(z >= smallest, z, 0) @ W_dec + b_pre
        error = np.square(recon - states).sum()
        assert actual[name] == pytest.approx(error / variance, rel=2e-3), name


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
