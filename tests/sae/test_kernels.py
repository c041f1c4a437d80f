"""Every kernel against a few dense lines that cannot be wrong."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from bisae.sae import kernels
from bisae.sae.kernels import Scratch, sparse
from bisae.sae.kernels.top_k import largest

seeds = st.integers(0, 2**31)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """index (t, k) with repeats, value (t, k) with zeros, rows (n, d), other (t, d)."""
    t, k, d = (draw(st.integers(1, top)) for top in (12, 6, 7))
    n = draw(st.integers(k, 20))
    source = torch.Generator().manual_seed(draw(seeds))
    value = torch.randn(t, k, generator=source) * (
        torch.rand(t, k, generator=source) < 0.7
    )
    rows = torch.randn(n, d, generator=source)
    second = torch.randn(t, d, generator=source)
    index = torch.randint(n, (t, k), generator=source)
    return index, value.double(), rows.double(), second.double()


def dense(index: Tensor, value: Tensor, n: int) -> Tensor:
    """The code as a (tokens, n) matrix."""
    return torch.zeros(len(index), n, dtype=value.dtype).scatter_add_(1, index, value)


@given(problems())
def test_decode_is_a_dense_product(problem: tuple[Tensor, ...]) -> None:
    index, value, rows, _ = problem
    expected = dense(index, value, len(rows)) @ rows
    torch.testing.assert_close(kernels.decode(index, value, rows), expected)


@pytest.fixture(params=[True, False], ids=["csr", "plain"])
def _with_csr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with MKL, and as without."""
    monkeypatch.setattr(sparse, "has_csr_products", lambda _: request.param)


either = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.mark.usefixtures("_with_csr")
@either
@given(problems())
def test_gather_dot_picks_from_a_dense_product(problem: tuple[Tensor, ...]) -> None:
    index, _, rows, second = problem
    expected = (second @ rows.T).gather(1, index)
    torch.testing.assert_close(kernels.gather_dot(index, rows, second), expected)


@pytest.mark.usefixtures("_with_csr")
@either
@given(problems())
def test_transposed_product_is_dense(problem: tuple[Tensor, ...]) -> None:
    index, value, rows, second = problem
    n = len(rows)
    expected = dense(index, value, n).T @ second
    out = torch.full_like(rows, torch.nan)
    actual = kernels.transposed_product(
        kernels.by_feature(index, n), value, second, out
    )
    torch.testing.assert_close(actual, expected)
    assert actual.data_ptr() == out.data_ptr()


@given(problems(), seeds)
def test_places_by_feature_are_in_the_order_of_tokens(
    problem: tuple[Tensor, ...], seed: int
) -> None:
    index, n = problem[0], len(problem[2])
    order, feature, starts = kernels.by_feature(index, n)
    flat = index.reshape(-1)
    assert torch.equal(feature, flat[order])
    assert order.tolist() == sorted(range(len(flat)), key=lambda i: (flat[i], i))
    assert starts.tolist() == [int((flat < i).sum()) for i in range(n + 1)]


# -- top k ----------------------------------------------------------------------------

matrices = st.integers(1, 9).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(-2, 3), min_size=n, max_size=n), min_size=1, max_size=8
    )
)
dtypes = st.sampled_from([torch.float32, torch.bfloat16])


def best(row: Sequence[float], k: int) -> list[tuple[int, float]]:
    """The k largest positive entries with their places, ties to the lower one."""
    order = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
    return [(i, row[i]) if row[i] > 0 else (0, 0.0) for i in order]


@given(matrices, dtypes, st.data())
def test_top_k_gives_ties_to_the_lower_index(
    rows: list[list[int]], dtype: torch.dtype, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(rows[0])))
    index, value = largest(torch.tensor(rows).to(dtype), k, Scratch())
    for row, places, values in zip(rows, index.tolist(), value.tolist(), strict=True):
        assert list(zip(places, values, strict=True)) == best(row, k)


@given(st.integers(1, 5), st.integers(5, 400), seeds, dtypes)
def test_top_k_is_a_sort(t: int, n: int, seed: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(seed)
    pre = torch.randn(t, n, generator=draw).to(dtype)
    index, value = largest(pre, 5, Scratch())
    for row, places, values in zip(pre.tolist(), index, value, strict=True):
        assert list(zip(places.tolist(), values.tolist(), strict=True)) == best(row, 5)


def test_a_tie_across_the_last_place_is_seen() -> None:
    pre = torch.tensor([[1.0, 2.0, 1.0, 1.0], [4.0, 3.0, 2.0, 1.0]]).repeat(1, 50)
    index, value = largest(pre, 60, Scratch())
    assert index[0].tolist() == [*range(1, 200, 4), 0, 2, 3, 4, 6, 7, 8, 10, 11, 12]
    assert value[0].tolist() == [2.0] * 50 + [1.0] * 10
    assert index[1].tolist() == [*range(0, 200, 4), *range(1, 41, 4)]


@pytest.mark.parametrize("n", [127, 128, 129, 191, 192])
def test_ties_are_seen_on_both_sides_of_where_topk_changes_its_way(n: int) -> None:
    pre = torch.rand(40, n, generator=torch.Generator().manual_seed(n))
    pre = (pre * 60).round()  # ties in most rows, across the second place in some
    index, value = largest(pre, 2, Scratch())
    for row, places, values in zip(pre.tolist(), index, value, strict=True):
        assert list(zip(places.tolist(), values.tolist(), strict=True)) == best(row, 2)


def test_a_wide_bfloat16_row_has_no_room_for_its_index_and_is_right_too() -> None:
    pre = torch.ones(1, 2**16 + 8, dtype=torch.bfloat16)
    pre[0, 2**16 + 3] = 2
    index, value = largest(pre, 3, Scratch())
    assert index.tolist() == [[2**16 + 3, 0, 1]]
    assert value.tolist() == [[2.0, 1.0, 1.0]]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_no_number_is_not_hidden(dtype: torch.dtype) -> None:
    pre = torch.tensor([[1.0, torch.nan, 2.0]], dtype=dtype)
    assert largest(pre, 2, Scratch())[1].isnan().any()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("bias", [False, True])
def test_encoding_by_blocks_is_encoding_whole(
    monkeypatch: pytest.MonkeyPatch, dtype: torch.dtype, *, bias: bool
) -> None:
    x, rows = torch.randn(23, 8), torch.randn(40, 8)
    b = torch.randn(40) if bias else None
    whole = kernels.encode(x, rows, b, 6, dtype, Scratch())
    monkeypatch.setitem(kernels.scratch.BLOCK, "cpu", 4 * 40 * 5)  # five rows
    scratch = Scratch()
    parts = kernels.encode(x, rows, b, 6, dtype, scratch)
    assert scratch.empty("pre", (5, 40), dtype, x.device).shape == (5, 40)
    assert torch.equal(whole[0], parts[0])
    torch.testing.assert_close(whole[1], parts[1])
    pre = (x.to(dtype) @ rows.to(dtype).T) + (0 if b is None else b.to(dtype))
    assert torch.equal(parts[0][:, 0], pre.argmax(1))


# -- scratch --------------------------------------------------------------------------


def test_scratch_is_the_same_memory_again() -> None:
    scratch, cpu = Scratch(), torch.device("cpu")
    result = scratch.empty("a", (4, 6), torch.float32, cpu)
    assert (
        scratch.empty("a", (2, 5), torch.float32, cpu).data_ptr() == result.data_ptr()
    )
    assert (
        scratch.empty("b", (4, 6), torch.float32, cpu).data_ptr() != result.data_ptr()
    )
    assert scratch.empty("a", (9, 9), torch.float32, cpu).shape == (9, 9)
    assert scratch.empty("a", (4, 6), torch.bfloat16, cpu).dtype == torch.bfloat16


# -- the geometric median -------------------------------------------------------------


def summed_distance(x: Tensor, point: Tensor) -> float:
    return float((x - point).norm(dim=1).sum())


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
