"""The CUDA kernels and a whole step on a GPU, against dense lines and the CPU."""

import pytest
import torch
from torch import Tensor

from bisae.sae import Autoencoder, Trainer, kernels, start
from bisae.sae.kernels import cuda
from bisae.study import Sae
from support.gpu import needs_gpu

pytestmark = [pytest.mark.gpu, needs_gpu]
DTYPES = [torch.float32, torch.bfloat16]
TOKENS, N, K, D = 512, 4096, 32, 300
"""Several programs per kernel, and a width that is no multiple of a tile."""


def problem(dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """A code with repeats and zeros, rows (n, d) and dense (tokens, d), on the GPU.

    Feature 0 is active in every token, so several programs sum it.
    """
    draw = torch.Generator().manual_seed(0)
    index = torch.randint(N, (TOKENS, K), generator=draw)
    index[:, 0] = 0
    value = torch.rand(TOKENS, K, generator=draw)
    value *= torch.rand(TOKENS, K, generator=draw) < 0.7
    rows = torch.randn(N, D, generator=draw).to(dtype)
    dense = torch.randn(TOKENS, D, generator=draw).to(dtype)
    return index.cuda(), value.cuda(), rows.cuda(), dense.cuda()


def as_matrix(index: Tensor, value: Tensor) -> Tensor:
    """The code as a (tokens, n) matrix, in double precision."""
    matrix = torch.zeros(len(index), N, dtype=torch.float64, device=index.device)
    return matrix.scatter_add_(1, index, value.double())


def assert_close(actual: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(actual.double(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("n", "k"), [(N, K), (5000, 7), (32_768, 32), (300, 300)])
def test_top_k_is_that_of_the_cpu(dtype: torch.dtype, n: int, k: int) -> None:
    """Equal entries, of which bfloat16 has many, go to the lower index."""
    draw = torch.Generator().manual_seed(n)
    pre = torch.randn(64, n, generator=draw).to(dtype)
    index, value = cuda.top_k(pre.cuda(), k)
    expected = kernels.top_k.largest(pre, k, kernels.Scratch())
    assert torch.equal(index.cpu(), expected[0])
    assert torch.equal(value.cpu(), expected[1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_no_number_is_not_hidden(dtype: torch.dtype) -> None:
    pre = torch.tensor([[1.0, torch.nan, 2.0]], dtype=dtype, device="cuda")
    assert cuda.top_k(pre, 2)[1].isnan().any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_decode_is_a_dense_product(dtype: torch.dtype) -> None:
    index, value, rows, _ = problem(dtype)
    expected = as_matrix(index, value) @ rows.double()
    assert_close(cuda.decode(index, value, rows), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gather_dot_picks_from_a_dense_product(dtype: torch.dtype) -> None:
    index, _, rows, dense = problem(dtype)
    expected = (dense.double() @ rows.double().T).gather(1, index)
    assert_close(cuda.gather_dot(index, rows, dense), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_transposed_product_is_dense(dtype: torch.dtype) -> None:
    index, value, _, dense = problem(dtype)
    expected = as_matrix(index, value).T @ dense.double()
    out = torch.full((N, D), torch.nan, device="cuda")
    slots = kernels.by_feature(index, N)
    assert_close(cuda.transposed_product(slots, value, dense, out), expected)


def made(width: int) -> tuple[Tensor, Tensor]:
    """Unit rows (n, d) and unit inputs (tokens, d), on the CPU."""
    draw = torch.Generator().manual_seed(1)
    rows = torch.randn(1024, width, generator=draw)
    x = torch.randn(TOKENS, width, generator=draw)
    normalize = torch.nn.functional.normalize
    return normalize(rows, dim=1), normalize(x, dim=1)


@pytest.mark.parametrize(
    ("product", "tolerance"), [(torch.float32, 1e-3), (torch.bfloat16, 0.15)]
)
def test_a_steps_gradients_are_the_cpus(product: torch.dtype, tolerance: float) -> None:
    """In bfloat16 some tokens have another k-th feature, one of nearly equal value."""
    rows, x = made(64)

    def gradients(device: str) -> dict[str, Tensor]:
        weights = rows.to(device)
        bias = torch.zeros(64, device=device)
        sae = Autoencoder(weights.clone(), weights, bias, None, K)
        result = sae.gradients(x.to(device), product)
        return {"loss": result.loss.cpu()[None]} | {
            name: gradient.cpu() for name, gradient in result.by_name.items()
        }

    expected, actual = gradients("cpu"), gradients("cuda")
    assert actual.keys() == expected.keys()
    for name, gradient in actual.items():
        assert gradient.dtype == torch.float32
        distance = float((gradient - expected[name]).norm() / expected[name].norm())
        assert distance < tolerance, name


def test_training_goes_as_on_the_cpu() -> None:
    _, x = made(64)
    settings = Sae(n_features=1024, k=K, product="float32", warmup_steps=5)

    def losses(device: str) -> Tensor:
        inputs = x.to(device)
        trainer = Trainer(start(inputs, settings), settings, 1e-3)
        return torch.stack([trainer.step(inputs).cpu() for _ in range(20)])

    expected, actual = losses("cpu"), losses("cuda")
    assert actual[-1] < 0.8 * actual[0]
    torch.testing.assert_close(actual, expected, rtol=1e-2, atol=0)
