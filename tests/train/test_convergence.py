"""The table `convergence` and the view of its changes, against plain computations."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from bisae.grid import Cell
from bisae.lm import LanguageModel
from bisae.lm.opening import open_model
from bisae.store import Store, table_file
from bisae.train import convergence, run, train_checkpoint
from support.rows import Row, planted, rows_of
from support.training import CELLS, make_lm, make_store

FIRING, CLASS = 0.7, 0.9
Weights = Mapping[str, Any]


def expected(
    store: Store, lm: LanguageModel, cell: Cell, weights: Weights, documents: int
) -> Row:
    """A row's numbers, by the definitions, of the validation text's first documents."""
    block = store.split("valid").block(0, documents)
    bos = np.full((len(block.token_id), 1), store.corpus_attributes()["bos_token_id"])
    text = torch.from_numpy(np.hstack([bos, block.token_id])).long()
    whole = torch.ones_like(text, dtype=torch.bool)
    h = lm.hidden_states(text, whole, [cell.layer])[cell.layer][:, 1:]
    x = torch.nn.functional.normalize(h.flatten(0, 1), dim=1).numpy()
    languages = block.language.repeat(block.token_id.shape[1])
    z = codes(x, weights, store.study.sae.k)
    error = np.square(z @ weights["W_dec"] + weights["b_pre"] - x).sum()
    counts: dict[int, Counter[int]] = defaultdict(Counter)
    for token, feature in np.argwhere(z > 0):
        if z[token, feature] > FIRING * z[:, feature].max():
            counts[feature][languages[token]] += 1
    shares = [max(count.values()) / count.total() for count in counts.values()]
    return {
        "n_tokens": len(x),
        "n_alive": len(shares),
        "mixed_share": sum(share <= CLASS for share in shares) / len(shares),
        "fvu": pytest.approx(error / np.square(x - x.mean(0)).sum(), rel=1e-4),
        "firing_threshold": FIRING,
        "class_threshold": CLASS,
    }


def codes(x: Any, weights: Weights, k: int) -> Any:
    """Equation 1, as stored: (tokens, n), zero but for the k largest of each row."""
    z = np.maximum((x - weights["b_pre"]) @ weights["W_enc"].T, 0)
    smaller = np.argsort(-z, axis=1, kind="stable")[:, k:]
    np.put_along_axis(z, smaller, 0, axis=1)
    return z.astype(np.float16).astype(np.float64)


def rows(store: Store, cell: Cell) -> dict[str, Row]:
    """The rows of a cell's table by where they were measured, without the address."""
    file = table_file(store, "convergence", cell)
    listed = pq.read_table(str(file), partitioning=None).to_pylist()
    assert {tuple(row.pop(name) for name in Cell._fields) for row in listed} == {cell}
    by_milestone = {row.pop("measured_at"): row for row in listed}
    assert len(listed) == len(by_milestone) == 2
    return by_milestone


def weights_after(
    batch: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> dict[Cell, Weights]:
    """Train, and return the weights that each cell had after a batch."""
    seen: list[dict[Cell, Weights]] = []
    plain = run._learn

    def learn(*args: Any) -> None:
        plain(*args)
        jobs = args[3]
        arrays = [
            {n: p.numpy().copy() for n, p in j.sae.parameters().items()} for j in jobs
        ]
        seen.append({job.cell: item for job, item in zip(jobs, arrays, strict=True)})

    with monkeypatch.context() as patch:
        patch.setattr(run, "_learn", learn)
        train_checkpoint(store, make_lm(), CELLS)
    return seen[batch - 1]


def test_a_cell_is_measured_at_half_and_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """480 tokens in batches of 64: half is reached after the fourth."""
    store = make_store(tmp_path / "s", lr=0.05, n_features=300)
    half = weights_after(4, store, monkeypatch)
    for cell in CELLS:
        actual = rows(store, cell)
        assert actual["half"].pop("trained_tokens") == 4 * 64
        assert actual["half"] == expected(store, make_lm(), cell, half[cell], 60)
        assert actual["end"].pop("trained_tokens") == 480
        at_end = expected(store, make_lm(), cell, store.weights(cell), 60)
        assert actual["end"] == at_end
        shares = {actual[milestone]["mixed_share"] for milestone in actual}
        assert len(shares - {0, 1}) == 2


def test_the_validation_text_is_capped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whole blocks of documents: here 10 documents of 8 tokens."""
    store = make_store(tmp_path / "s")
    lm = store.study.lm.model_copy(update={"batch_documents": 10})
    store.study = store.study.model_copy(update={"lm": lm})
    monkeypatch.setattr(convergence, "VALID_TOKENS", 290)
    train_checkpoint(store, make_lm(), CELLS)
    for cell in CELLS:
        row = rows(store, cell)["end"] | {"trained_tokens": 480}
        at_end = expected(store, make_lm(), cell, store.weights(cell), 30)
        assert row == at_end | {"trained_tokens": 480, "n_tokens": 240}


def test_a_text_of_one_batch_is_measured_once_for_both(tmp_path: Path) -> None:
    store = make_store(tmp_path / "s", batch_tokens=512)
    train_checkpoint(store, make_lm(), CELLS)
    for cell in CELLS:
        actual = rows(store, cell)
        assert actual["half"] == actual["end"]
        assert actual["end"]["trained_tokens"] == 480


@pytest.mark.parametrize("cell", [Cell("S", 40, 1), Cell("M", 5, 0)], ids=str)
def test_a_built_cell_at_its_end(tiny: Store, cell: Cell) -> None:
    lm = open_model(tiny, cell.checkpoint)
    actual = rows(tiny, cell)
    documents = tiny.n_documents("valid")
    total = tiny.split("train").n_tokens()
    assert actual["end"].pop("trained_tokens") == total
    assert total / 2 <= actual["half"]["trained_tokens"] < total / 2 + 512
    assert actual["end"] == expected(tiny, lm, cell, tiny.weights(cell), documents)


def test_changes_are_those_between_half_and_end() -> None:
    address = {"size": "S", "step": 5, "layer": 1}
    first = {"measured_at": "half", "trained_tokens": 6, "n_tokens": 9}
    last = first | {"measured_at": "end", "trained_tokens": 10}
    pairs = {1: (0.30, 0.24), 2: (0.30, 0.26), 3: (0.1, 0.16), 4: (None, 0.2)}
    table = [
        address
        | {"layer": layer, "n_alive": n, "mixed_share": share, "fvu": n / 100}
        | row
        for layer, shares in pairs.items()
        for row, share, n in zip((first, last), shares, (7, 8), strict=True)
    ]
    con = planted({"convergence": table}, "convergence_changes")
    actual = rows_of(con, "from convergence_changes order by layer")
    assert actual[0] == address | {
        "n_tokens": 9,
        "trained_tokens_half": 6,
        "trained_tokens_end": 10,
        "n_alive_half": 7,
        "n_alive_end": 8,
        "mixed_share_half": 0.30,
        "mixed_share_end": 0.24,
        "mixed_share_change": pytest.approx(-0.06),
        "fvu_half": 0.07,
        "fvu_end": 0.08,
        "is_changing": True,
    }
    assert [row["is_changing"] for row in actual] == [True, False, True, None]
