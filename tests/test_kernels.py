"""Every kernel against a few dense lines that cannot be wrong."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bisae import kernels

anyhow = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 2**31)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """index (t, k) with repeats, value (t, k) with zeros, rows (n, d), other (t, d)."""
    t, k, n, d = (draw(st.integers(1, top)) for top in (12, 6, 20, 7))
    source = torch.Generator().manual_seed(draw(seeds))
    value = torch.randn(t, k, generator=source) * (
        torch.rand(t, k, generator=source) < 0.7
    )
    rows = torch.randn(n, d, generator=source)
    other = torch.randn(t, d, generator=source)
    index = torch.randint(n, (t, k), generator=source)
    return index, value.double(), rows.double(), other.double()


def dense(index: Tensor, value: Tensor, n: int) -> Tensor:
    """The code as a (tokens, n) matrix."""
    return torch.zeros(len(index), n, dtype=value.dtype).scatter_add_(1, index, value)


@anyhow
@given(problems())
def test_decode_is_a_dense_product(problem: tuple[Tensor, ...]) -> None:
    index, value, rows, _ = problem
    expected = dense(index, value, len(rows)) @ rows
    torch.testing.assert_close(kernels.decode(index, value, rows), expected)


@anyhow
@given(problems())
def test_gather_dot_picks_from_a_dense_product(problem: tuple[Tensor, ...]) -> None:
    index, _, rows, other = problem
    expected = (other @ rows.T).gather(1, index)
    torch.testing.assert_close(kernels.gather_dot(index, rows, other), expected)


@anyhow
@given(problems())
def test_transposed_product_is_dense(problem: tuple[Tensor, ...]) -> None:
    index, value, rows, other = problem
    n = len(rows)
    expected = dense(index, value, n).T @ other
    found = kernels.transposed_product(index, value, other, n)
    torch.testing.assert_close(found, expected)


# -- top k ----------------------------------------------------------------------------

matrices = st.integers(1, 9).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(-2, 3), min_size=n, max_size=n), min_size=1, max_size=8
    )
)


@anyhow
@given(matrices, st.data())
def test_top_k_gives_ties_to_the_lower_index(
    rows: list[list[int]], data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(rows[0])))
    index, value = kernels.top_k(torch.tensor(rows).float(), k)
    for row, places, values in zip(rows, index.tolist(), value.tolist(), strict=True):
        best = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
        assert values == [row[i] for i in best]
        positive = sum(row[i] > 0 for i in best)  # what ReLU leaves
        assert places[:positive] == best[:positive]


@anyhow
@given(st.integers(1, 5), st.integers(5, 40), seeds)
def test_top_k_without_ties_is_a_sort(t: int, n: int, seed: int) -> None:
    pre = torch.randn(t, n, generator=torch.Generator().manual_seed(seed))
    index, value = kernels.top_k(pre, 5)
    expected = pre.sort(dim=1, descending=True)
    assert torch.equal(value, expected.values[:, :5])
    assert torch.equal(index, expected.indices[:, :5])


def test_a_tie_across_the_last_place_is_seen() -> None:
    pre = torch.tensor([[1.0, 2.0, 1.0, 1.0], [4.0, 3.0, 2.0, 1.0]]).repeat(1, 50)
    index, value = kernels.top_k(pre, 60)
    assert index[0].tolist() == [*range(1, 200, 4), 0, 2, 3, 4, 6, 7, 8, 10, 11, 12]
    assert value[0].tolist() == [2.0] * 50 + [1.0] * 10
    assert index[1].tolist() == [*range(0, 200, 4), *range(1, 41, 4)]


# -- the geometric median -------------------------------------------------------------


def summed_distance(x: Tensor, point: Tensor) -> float:
    return float((x - point).norm(dim=1).sum())


@anyhow
@given(st.integers(8, 60), st.integers(2, 6), seeds)
def test_at_the_median_the_pulls_cancel(tokens: int, d: int, seed: int) -> None:
    x = torch.randn(tokens, d, generator=torch.Generator().manual_seed(seed)) + 1
    point = kernels.geometric_median(x)
    away = x - point
    pull = (away / away.norm(dim=1, keepdim=True)).sum(0)
    resting = int((away.norm(dim=1) < 1e-3).sum())  # a point of x holds with force 1
    assert pull.norm() < 0.05 + 2 * resting
    assert summed_distance(x, point) <= summed_distance(x, x.mean(0)) + 1e-3
    best_token = min(summed_distance(x, token) for token in x)
    assert summed_distance(x, point) <= best_token + 1e-3


@anyhow
@given(st.lists(st.floats(0.5, 4), min_size=4, max_size=4), seeds)
def test_of_four_corners_it_is_where_the_diagonals_cross(
    reach: list[float], seed: int
) -> None:
    centre, u, v = torch.randn(3, 5, generator=torch.Generator().manual_seed(seed))
    a, b, c, e = reach
    x = torch.stack([centre + a * u, centre - b * u, centre + c * v, centre - e * v])
    point = kernels.geometric_median(x, iterations=2000, tolerance=1e-7)
    torch.testing.assert_close(point, centre, rtol=0, atol=0.02)


@pytest.mark.parametrize(
    ("places", "median"),
    [
        ([1.0, 2.0, 9.0], 2.0),
        ([-5.0, 1.0, 1.0, 1.0, 700.0], 1.0),
        ([10.0, 11.0, 12.0, 13.0, 4.0], 11.0),  # the mean, 10, is one of them
        ([3.0, 3.0, 3.0], 3.0),
        ([4.0], 4.0),
    ],
)
def test_on_a_line_it_is_the_median(places: list[float], median: float) -> None:
    line = torch.tensor([1.0, 2.0, -2.0])
    point = kernels.geometric_median(torch.tensor(places)[:, None] * line)
    torch.testing.assert_close(point, median * line, rtol=0, atol=0.02)


def test_a_point_that_holds_harder_than_the_others_pull_is_kept() -> None:
    places = torch.tensor([10.0, 10.0, 10.0, 12.0, 12.0, 6.0])  # their mean is 10
    line = torch.tensor([1.0, 2.0, -2.0])
    assert torch.equal(kernels.geometric_median(places[:, None] * line), 10 * line)


def test_a_far_outlier_moves_the_mean_only() -> None:
    x = torch.randn(101, 4, generator=torch.Generator().manual_seed(0))
    far = torch.cat([x, torch.full((1, 4), 1e6)])
    moved = kernels.geometric_median(far) - kernels.geometric_median(x)
    assert moved.norm() < 0.1
    assert (far.mean(0) - x.mean(0)).norm() > 1e4
