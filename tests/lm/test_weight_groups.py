"""Descriptions of weights against plain computations, for every family of models."""

import statistics
from pathlib import Path

import pytest
import torch

from bisae.lm import LanguageModel, describe_weights, load_lm
from bisae.lm.licence import read_licence
from bisae.lm.weights import SAMPLE
from support.model_families import FAMILIES, LAYERS, save


@pytest.fixture(scope="module", params=FAMILIES)
def lm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LanguageModel:
    return load_lm(str(save(request.param, tmp_path_factory.mktemp(request.param))))


def test_every_weight_is_in_one_group(lm: LanguageModel) -> None:
    groups = lm.weight_groups()
    names = [name for group in groups.values() for name in group]
    assert sorted(names) == sorted(dict(lm._model.named_parameters()))
    blocks = [f"block {number}" for number in range(1, LAYERS + 1)]
    assert list(groups) == ["embedding", *blocks, "head"]
    token_rows = lm.input_embeddings()
    assert any(torch.equal(w, token_rows) for w in groups["embedding"].values())


def test_figures_are_those_of_a_plain_computation(lm: LanguageModel) -> None:
    described = {row["weights"]: row for row in describe_weights(lm, "whole")}
    for name, group in lm.weight_groups().items():
        row, values, norms = described[name], [], []
        for weight in group.values():
            values += weight.flatten().tolist()
            rows = weight.flatten(1).tolist() if weight.dim() > 1 else [weight.tolist()]
            norms += [sum(x * x for x in values) ** 0.5 for values in rows]
        assert row["n_weights"] == len(values)
        assert row["median_norm"] == pytest.approx(statistics.median_low(norms), 1e-5)
        assert len(row["sample"]) == SAMPLE
        assert set(row["sample"]) <= set(values)
        assert row["lm_fingerprint"] == "whole"


def test_a_changed_weight_changes_its_group_alone(lm: LanguageModel) -> None:
    before = {row["weights"]: row["fingerprint"] for row in describe_weights(lm, "")}
    weight = next(iter(lm.weight_groups()["block 2"].values())).view(-1)
    weight[0] += 1
    after = {row["weights"]: row["fingerprint"] for row in describe_weights(lm, "")}
    weight[0] -= 1
    assert {name for name in before if before[name] != after[name]} == {"block 2"}


@pytest.mark.parametrize(
    ("card", "licence"),
    [
        ("---\nlanguage: en\nlicense: apache-2.0\n---\n# A model\n", "apache-2.0"),
        ("---\nlicense: other\nlicense_name: some-terms\n---\n", "some-terms"),
        ("---\nlicense: mit  # as upstream\n---\n", "mit"),
        ("---\r\nlicense: mit\r\n---\r\n", "mit"),
        ("---\nlicense: mit or bsd\n---\n", None),
        ("---\nlanguage: en\n---\nlicense: mit\n", None),
        ("license: mit\n", None),
        ("---\nlicense: [a, b\n---\n", None),
        ("", None),
    ],
)
def test_a_licence_is_what_the_card_states(
    tmp_path: Path, card: str, licence: str | None
) -> None:
    (tmp_path / "README.md").write_bytes(card.encode())
    assert read_licence(str(tmp_path), None) == licence


def test_a_folder_without_a_card_has_no_licence(tmp_path: Path) -> None:
    assert read_licence(str(tmp_path), None) is None
    assert read_licence(str(tmp_path / "missing"), None) is None
