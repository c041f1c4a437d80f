"""The CUDA kernels against dense lines, through Triton's interpreter, and compiled.

No GPU is needed: the interpreter, which conftest.py asks for, runs the kernels' own
code, and that they compile for one is checked as far as its machine code.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bisae.sae import Autoencoder, kernels
from bisae.sae.kernels import cuda

anyhow = settings(max_examples=15)
seeds = st.integers(0, 2**31)


@st.composite
def problems(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A code (t, k) with repeats and zeros, rows (n, d), other (t, d)."""
    t, k, d = (draw(st.integers(1, top)) for top in (9, 40, 9))
    n = draw(st.sampled_from([1, 3, 50]))
    source = torch.Generator().manual_seed(draw(seeds))
    value = torch.randn(t, k, generator=source)
    value = value * (torch.rand(t, k, generator=source) < 0.7)
    index = torch.randint(n, (t, k), generator=source)
    rows = torch.randn(n, d, generator=source)
    return index, value, rows, torch.randn(t, d, generator=source)


def dense(index: Tensor, value: Tensor, n: int) -> Tensor:
    """The code as a (tokens, n) matrix."""
    return torch.zeros(len(index), n).scatter_add_(1, index, value)


matrices = st.integers(1, 9).flatmap(
    lambda n: st.lists(
        st.lists(st.integers(-2, 3), min_size=n, max_size=n), min_size=1, max_size=4
    )
)


@anyhow
@given(matrices, st.sampled_from([torch.float32, torch.bfloat16]), st.data())
def test_top_k_gives_ties_to_the_lower_index(
    rows: list[list[int]], dtype: torch.dtype, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(rows[0])))
    index, value = cuda.top_k(torch.tensor(rows).to(dtype), k)
    for row, places, values in zip(rows, index.tolist(), value.tolist(), strict=True):
        order = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
        best = [(i, row[i]) if row[i] > 0 else (0, 0.0) for i in order]
        assert list(zip(places, values, strict=True)) == best


@anyhow
@given(st.integers(5, 700), seeds, st.sampled_from([torch.float32, torch.bfloat16]))
def test_top_k_is_that_of_the_cpu(n: int, seed: int, dtype: torch.dtype) -> None:
    draw = torch.Generator().manual_seed(seed)
    pre = (torch.randn(3, n, generator=draw) * 1e-3).to(dtype)
    index, value = cuda.top_k(pre, 5)
    expected = kernels.top_k.largest(pre, 5, kernels.Scratch())
    assert torch.equal(index, expected[0])
    assert torch.equal(value, expected[1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_is_no_number_is_not_hidden(dtype: torch.dtype) -> None:
    pre = torch.tensor([[1.0, torch.nan, 2.0]], dtype=dtype)
    assert cuda.top_k(pre, 2)[1].isnan().any()


@anyhow
@given(problems())
def test_decode_is_a_dense_product(problem: tuple[Tensor, ...]) -> None:
    index, value, rows, _ = problem
    expected = dense(index, value, len(rows)) @ rows
    actual = cuda.decode(index, value, rows)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@anyhow
@given(problems())
def test_gather_dot_picks_from_a_dense_product(problem: tuple[Tensor, ...]) -> None:
    index, _, rows, second = problem
    expected = (second @ rows.T).gather(1, index)
    actual = cuda.gather_dot(index, rows, second)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)


@anyhow
@given(problems())
def test_transposed_product_is_dense(problem: tuple[Tensor, ...]) -> None:
    index, value, rows, second = problem
    expected = dense(index, value, len(rows)).T @ second
    places = kernels.by_feature(index, len(rows))
    out = torch.full_like(rows, torch.nan)
    actual = cuda.transposed_product(places, value, second, out)
    torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-4)
    assert actual.data_ptr() == out.data_ptr()


def test_rows_wider_than_a_tile() -> None:
    draw = torch.Generator().manual_seed(0)
    index = torch.randint(30, (4, 7), generator=draw)
    value = torch.rand(4, 7, generator=draw)
    rows, second = torch.randn(30, 600), torch.randn(4, 600)
    code = dense(index, value, 30)
    close = torch.testing.assert_close
    close(cuda.decode(index, value, rows), code @ rows, rtol=1e-4, atol=1e-4)
    picked = (second @ rows.T).gather(1, index)
    close(cuda.gather_dot(index, rows, second), picked, rtol=1e-4, atol=1e-4)
    places = kernels.by_feature(index, 30)
    actual = cuda.transposed_product(places, value, second, torch.empty_like(rows))
    close(actual, code.T @ second, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("product", "tolerance"), [(torch.float32, 1e-4), (torch.bfloat16, 0.1)]
)
def test_a_gpus_gradients_are_the_cpus(
    monkeypatch: pytest.MonkeyPatch, product: torch.dtype, tolerance: float
) -> None:
    """The whole step by the kernels, gathers as narrow as the product."""
    draw = torch.Generator().manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(40, 16, generator=draw), dim=1)
    x = torch.nn.functional.normalize(torch.randn(30, 16, generator=draw), dim=1)
    sae = Autoencoder(rows.clone(), rows, torch.zeros(16), torch.zeros(40), 5)
    expected = sae.gradients(x, product)
    monkeypatch.setattr(kernels, "_triton_for", lambda _: cuda)
    monkeypatch.setattr(kernels, "gather_dtype", lambda narrow, _: narrow)
    actual = sae.gradients(x, product)
    close = torch.testing.assert_close
    close(actual.loss, expected.loss, rtol=tolerance, atol=0)
    for name, gradient in actual.by_name.items():
        assert gradient.dtype == torch.float32
        scale = float(expected.by_name[name].abs().max())
        close(gradient, expected.by_name[name], rtol=0, atol=tolerance * scale)


COMPILE = """
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from bisae.sae.kernels import cuda

ROWS = {"ROWS_IN_FLIGHT": cuda.ROWS_IN_FLIGHT, "WIDTH": cuda.WIDTH}
CODE = {"index": "*i64", "value": "*fp32"}


def made(name, types, constants):
    types = types | {constant: "constexpr" for constant in constants}
    source = ASTSource(fn=getattr(cuda, name), signature=types, constexprs=constants)
    compiled = triton.compile(source, target=GPUTarget("cuda", 90, 32))
    print(name, len(compiled.asm["cubin"]))


for dtype in ("*bf16", "*fp32"):
    made(
        "_top_k",
        {"pre": dtype} | CODE | {"n": "i32", "k": "i32"},
        {"K_PADDED": 32, "COLUMNS": 1024, "DEPTH": 32, "BLOCK_DEPTH": 32},
    )
    made(
        "_decode",
        CODE | {"rows": dtype, "out": "*fp32", "k": "i32", "d": "i32"},
        ROWS,
    )
    made(
        "_gather_dot",
        {"index": "*i64", "rows": dtype, "dense": dtype, "out": "*fp32"}
        | {"k": "i32", "d": "i32"},
        ROWS,
    )
sorted_ = {"owner": "*i64", "ends": "*i64", "order": "*i64", "starts": "*i64"}
for dtype in ("*bf16", "*fp32"):
    made(
        "_transposed_product",
        sorted_
        | {"value": "*fp32", "dense": dtype, "out": "*fp32", "n": "i32", "d": "i32"},
        {"K": 32, "PIECE": cuda.PIECE} | ROWS,
    )
"""


def test_the_kernels_compile_for_a_gpu(tmp_path: Path) -> None:
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path)}
    environment.pop("TRITON_INTERPRET")
    message = subprocess.run(
        [sys.executable, "-c", COMPILE],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert message.returncode == 0, message.stderr
    sizes = [int(line.split()[1]) for line in message.stdout.splitlines()]
    assert len(sizes) == 8
    assert min(sizes) > 1000
