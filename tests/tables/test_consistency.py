"""PW-MCC against SciPy's assignment over all pairs of directions."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from bisae.store import Array
from bisae.tables import consistency
from bisae.tables.consistency import pw_mcc


def directions(n: int, d: int, seed: int) -> Array:
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    unit: Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def exact(first: Array, second: Array) -> float:
    """The mean of the best one-to-one assignment of all absolute cosines."""
    cosines = np.abs(first.astype(np.float64) @ second.T.astype(np.float64))
    return float(cosines[linear_sum_assignment(cosines, maximize=True)].mean())


@pytest.mark.parametrize(("n", "d"), [(1, 3), (40, 8), (64, 16)])
def test_unrelated_directions(n: int, d: int) -> None:
    first, second = directions(n, d, 0), directions(n, d, 1)
    assert pw_mcc(first, second) == pytest.approx(exact(first, second), abs=1e-6)


def test_permuted_directions_of_either_sign_are_the_same() -> None:
    first = directions(300, 20, 0)
    order = np.random.default_rng(2).permutation(300)
    second = first[order] * np.where(np.arange(300) % 2, 1, -1)[:, None]
    assert pw_mcc(first, second.astype(np.float32)) == pytest.approx(1, abs=1e-6)


def test_opposite_and_orthogonal_directions() -> None:
    axes = np.eye(6, dtype=np.float32)
    assert pw_mcc(axes[:3], axes[3:]) == 0
    assert pw_mcc(axes, -axes) == 1


@pytest.mark.parametrize("candidates", [1, 4, 16])
def test_fewer_candidates_give_a_lower_bound(
    candidates: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The diagonal is always there, so that every direction can be matched."""
    monkeypatch.setattr(consistency, "CANDIDATES", candidates)
    monkeypatch.setattr(consistency, "ROWS_AT_ONCE", 50)
    first, second = directions(200, 24, 0), directions(200, 24, 1)
    second[:100] = first[100:]
    bound, best = pw_mcc(first, second), exact(first, second)
    assert best - {1: 0.35, 4: 0.03, 16: 0.002}[candidates] < bound <= best + 1e-6
