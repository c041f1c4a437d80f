"""The slides' ReLU baseline through the whole pipeline."""

from typing import Any

import numpy as np
import pytest
import torch

from bisae.checks import failures, validate
from bisae.grid import Cell, Selection
from bisae.lm import load_lm, unit_states
from bisae.lm.states import StateBlocks
from bisae.pipeline.build import build
from bisae.store import Store
from bisae.study import Study

CELL = Cell("S", 40, 1)


@pytest.fixture(scope="module")
def relu(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    location = tmp_path_factory.mktemp("relu")
    raw: dict[str, Any] = tiny.study.model_dump()
    raw |= {"store": str(location / "store"), "work_dir": str(location / "work")}
    raw["sae"] |= {"architecture": "relu", "l1": 0.01, "encoder_bias": True}
    only = Selection(frozenset({"S"}), frozenset({40}))
    return build(Study.model_validate(raw), only)


def test_its_metrics_are_of_the_whole_and_its_codes_are_cut(relu: Store) -> None:
    attributes, w = relu.attributes(CELL, "codes"), relu.weights(CELL)
    lm = load_lm(relu.study.model("S").checkpoint_at(40)[0])
    source = StateBlocks(relu, relu.split("eval"), lm, [CELL])
    x = unit_states(torch.cat([source[i].layers[1] for i in range(len(source))]))
    x64 = x.double().numpy()
    z = np.maximum((x64 - w["b_pre"]) @ w["W_enc"].T.astype(float) + w["b_enc"], 0)
    error = np.square(z @ w["W_dec"].astype(float) + w["b_pre"] - x64).sum(1)
    assert attributes["mse"] == pytest.approx(error.mean(), rel=1e-3)
    assert attributes["l0"] == pytest.approx((z > 0).sum(1).mean(), rel=1e-3)
    assert attributes["l0"] > relu.study.sae.k
    remaining = np.sort(z, axis=1)[:, -relu.study.sae.k :]
    assert attributes["cut_share"] == pytest.approx(
        1 - remaining.sum() / z.sum(), rel=1e-2
    )
    assert attributes["cut_share"] > 0.01
    stored = next(relu.codes(CELL))
    expected = -np.sort(-z[: len(stored.value)], axis=1)[:, : relu.study.sae.k]
    np.testing.assert_allclose(stored.value, expected, rtol=2e-2, atol=2e-3)


def test_every_check_passes(relu: Store) -> None:
    assert failures(validate(relu)) == []


def test_a_topk_code_is_not_cut(tiny: Store) -> None:
    assert tiny.attributes(CELL, "codes")["cut_share"] == 0
