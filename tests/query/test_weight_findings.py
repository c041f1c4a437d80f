"""The comparison of checkpoints' weights, against a plain one, on planted series."""

from contextlib import closing
from itertools import combinations
from typing import Any

import numpy as np
import pytest

from bisae.grid import Checkpoint
from bisae.query import Weights, compared_weights, weight_messages
from bisae.store import Array
from support.rows import rows_of

STEPS = (0, 10, 30, 100, 300, 900)
GROUPS = ("embedding", "block 1", "block 2", "head")
Series = dict[int, dict[str, Array]]


def trained() -> Series:
    """Weights of a model in training: a random walk with ever longer strides."""
    draw = np.random.default_rng(0)
    series: Series = {}
    weights = {name: draw.normal(size=256) for name in GROUPS}
    for step in STEPS:
        stride = np.sqrt(step) / 10
        weights = {n: w + stride * draw.normal(size=256) for n, w in weights.items()}
        series[step] = weights
    return series


def described(series: Series) -> dict[Checkpoint, Weights]:
    """The rows that describe such weights; equal ones have equal fingerprints."""
    rows: dict[Checkpoint, Weights] = {}
    for step, weights in series.items():
        rows[Checkpoint("1M", step)] = [
            {
                "weights": name,
                "position": position,
                "n_weights": 256,
                "fingerprint": str(hash(values.tobytes())),
                "median_norm": float(np.linalg.norm(values)),
                "sample": values.tolist(),
                "lm_fingerprint": str(step),
            }
            for position, (name, values) in enumerate(weights.items())
        ]
    return rows


def messages(series: Series, step: int | None = None) -> list[str]:
    with closing(compared_weights(described(series))) as con:
        return weight_messages(con, step)


def between(series: Series, name: str) -> set[int]:
    """The steps that are unlike two others around them that are alike, plainly."""

    def distance(a: int, b: int) -> float:
        return float(np.linalg.norm(series[a][name] - series[b][name]))

    return {
        b
        for a, b, c in combinations(series, 3)
        if 0 < 2 * distance(a, c) < min(distance(a, b), distance(b, c))
    }


def test_nothing_is_wrong_with_a_model_in_training() -> None:
    assert messages(trained()) == []


def test_nothing_is_wrong_with_noise_around_a_point() -> None:
    draw = np.random.default_rng(1)
    steps = range(0, 1600, 100)
    noise = {s: {n: 1 + 0.1 * draw.normal(size=256) for n in GROUPS} for s in steps}
    assert messages(noise) == []


def test_a_shard_of_another_step_is_found() -> None:
    series = trained()
    series[30] = series[30] | {"block 2": series[900]["block 2"]}
    assert messages(series) == [
        "1M: steps 30 and 900 have the same weights: block 2",
        "1M: steps 10 and 100 are like each other and unlike 30 between them: block 2",
    ]
    assert messages(series, step=300) == []
    assert len(messages(series, step=100)) == 1


def test_final_weights_under_the_first_step_are_found() -> None:
    series = trained()
    series[0] = {name: values + 1e-3 for name, values in series[900].items()}
    assert messages(series) == [
        "1M: steps 0 and 900 are like each other and unlike 10, 30, 100, 300 between "
        "them: embedding, block 1, block 2, head"
    ]


def test_a_block_of_another_model_is_found() -> None:
    series = trained()
    foreign = np.random.default_rng(9).normal(size=256) * 9
    series[100] = series[100] | {"block 1": foreign}
    (message,) = messages(series)
    assert message.endswith("unlike 100 between them: block 1")


@pytest.mark.parametrize("seed", range(5))
def test_returns_are_those_of_a_plain_search(seed: int) -> None:
    """Series without any order, in which much is found."""
    draw = np.random.default_rng(seed)
    centres = draw.normal(size=(2, 256))
    series = {
        step: {
            n: centres[draw.integers(2)] + 0.1 * draw.normal(size=256) for n in GROUPS
        }
        for step in STEPS
    }
    with closing(compared_weights(described(series))) as con:
        rows = rows_of(con, "from weight_returns")
    for name in GROUPS:
        steps = {row["step"] for row in rows if row["weights"] == name}
        assert steps == between(series, name)
    assert rows


def test_figures_of_a_step_summarize_its_groups() -> None:
    series: dict[int, Any] = trained()
    with closing(compared_weights(described(series))) as con:
        rows = {row["step"]: row for row in rows_of(con, "from checkpoint_series")}
    first, last = series[0], series[900]

    def cosine(name: str) -> float:
        product = float(first[name] @ last[name])
        return product / float(np.linalg.norm(first[name]) * np.linalg.norm(last[name]))

    row = rows[900]
    assert row["n_weights"] == 4 * 256
    assert row["embedding_cosine"] == pytest.approx(cosine("embedding"))
    assert row["block_cosine"] == pytest.approx(min(map(cosine, GROUPS[1:3])))
    norms = [float(np.linalg.norm(last[name])) for name in GROUPS]
    assert row["block_norm"] == pytest.approx((norms[1] + norms[2]) / 2)
    assert row["head_norm"] == pytest.approx(norms[3])
    assert rows[0]["head_cosine"] == pytest.approx(1)
    assert {row["n_findings"] for row in rows.values()} == {0}
