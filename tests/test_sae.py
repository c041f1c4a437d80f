"""Equations 1 to 3 and training, against a dense autoencoder left to autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from bisae import kernels
from bisae.sae import Autoencoder, Code, Trainer, from_numpy, gradients, start

BETAS, EPS = (0.9, 0.999), 6.25e-10
seeds = st.integers(0, 2**31)
anyhow = settings(deadline=None, max_examples=50)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def random_sae(n: int, d: int, k: int, seed: int, *, bias: bool) -> Autoencoder:
    directions = normal(n, d, seed=seed)
    return Autoencoder(
        normal(n, d, seed=seed + 1),
        directions / directions.norm(dim=1, keepdim=True),
        normal(d, seed=seed + 2),
        normal(n, seed=seed + 3) if bias else None,
        k,
    )


@st.composite
def problems(draw: st.DrawFn) -> tuple[Autoencoder, Tensor]:
    """A random autoencoder, k from 1 to n, and a batch for it."""
    n, d, seed = draw(st.integers(1, 24)), draw(st.integers(2, 8)), draw(seeds)
    k, bias = draw(st.integers(1, n)), draw(st.booleans())
    tokens = normal(draw(st.integers(1, 16)), d, seed=seed + 9)
    return random_sae(n, d, k, seed, bias=bias), tokens


def dense_code(p: dict[str, Tensor], x: Tensor, k: int) -> Tensor:
    """Equation 1 as a (tokens, n) matrix."""
    pre = (x - p["b_pre"]) @ p["W_enc"].T + p.get("b_enc", torch.tensor(0.0))
    top = pre.relu().topk(k)
    return torch.zeros_like(pre).scatter(1, top.indices, top.values)


def dense_loss(p: dict[str, Tensor], x: Tensor, k: int) -> Tensor:
    """Equations 1 to 3."""
    recon = dense_code(p, x, k) @ p["W_dec"] + p["b_pre"]
    return (recon - x).square().sum(1).mean()


def leaves(sae: Autoencoder) -> dict[str, Tensor]:
    """Copies of the parameters that autograd follows."""
    return {k: v.clone().requires_grad_() for k, v in sae.parameters().items()}


# -- equations ------------------------------------------------------------------------


@anyhow
@given(problems())
def test_encode_and_decode_are_the_dense_equations(
    problem: tuple[Autoencoder, Tensor],
) -> None:
    sae, x = problem
    code, expected = sae.encode(x), dense_code(sae.parameters(), x, sae.k)
    dense = torch.zeros_like(expected).scatter_add(1, code.index, code.value)
    torch.testing.assert_close(dense, expected)
    recon = expected @ sae.W_dec + sae.b_pre
    torch.testing.assert_close(sae.decode(code), recon, rtol=1e-4, atol=1e-5)


@anyhow
@given(problems())
def test_a_code_descends_and_its_unused_places_are_zero(
    problem: tuple[Autoencoder, Tensor],
) -> None:
    sae, x = problem
    code = sae.encode(x)
    assert code.index.shape == code.value.shape == (len(x), sae.k)
    assert bool((code.value.diff(dim=1) <= 0).all())
    assert bool((code.index[code.value == 0] == 0).all())
    for index, value in zip(code.index, code.value, strict=True):
        used = index[value > 0].tolist()
        assert len(set(used)) == len(used)


def test_a_token_without_a_positive_feature_has_an_empty_code() -> None:
    sae = Autoencoder(torch.eye(3), torch.eye(3), torch.ones(3), None, 2)
    code = sae.encode(torch.zeros(1, 3))
    assert (code.index.tolist(), code.value.tolist()) == ([[0, 0]], [[0.0, 0.0]])
    assert torch.equal(sae.decode(code), torch.ones(1, 3))


def test_ties_go_to_the_lower_index() -> None:
    sae = Autoencoder(torch.ones(40, 2), torch.ones(40, 2), torch.zeros(2), None, 3)
    assert sae.encode(torch.ones(5, 2)).index.tolist() == [[0, 1, 2]] * 5


@anyhow
@given(problems())
def test_gradients_are_autograds(problem: tuple[Autoencoder, Tensor]) -> None:
    sae, x = problem
    expected = leaves(sae)
    expected_loss = dense_loss(expected, x, sae.k)
    expected_loss.backward()  # type: ignore[no-untyped-call]
    loss, found = gradients(sae, x)
    torch.testing.assert_close(loss, expected_loss.detach(), rtol=1e-4, atol=1e-5)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        grad = expected[name].grad
        torch.testing.assert_close(gradient, grad, rtol=1e-3, atol=1e-4)


# -- the stored code ------------------------------------------------------------------


@anyhow
@given(st.lists(st.floats(0, 60_000, width=32), min_size=1, max_size=8))
def test_a_stored_code_is_rounded_to_float16(values: list[float]) -> None:
    value = torch.tensor([sorted(values, reverse=True)])
    stored = Code(torch.arange(1, len(values) + 1)[None], value).stored()
    rounded = value.numpy().astype(np.float16)
    assert stored.value.dtype == torch.float32
    assert np.array_equal(stored.value.numpy(), rounded.astype(np.float32))
    places = np.where(rounded > 0, np.arange(1, len(values) + 1), 0)
    assert stored.index.tolist() == places.tolist()


def test_what_rounds_to_zero_is_an_unused_place() -> None:
    code = Code(torch.tensor([[7, 3, 5]]), torch.tensor([[0.1, 4e-8, 1e-9]])).stored()
    assert code.index.tolist() == [[7, 3, 0]]
    assert code.value.tolist() == [[pytest.approx(0.1, rel=1e-3), 2.0**-24, 0.0]]


# -- the start ------------------------------------------------------------------------


def test_a_start_has_unit_directions_and_equal_encoder_rows() -> None:
    x = normal(200, 8) + 3
    sae = start(x, 32, 4, seed=5, bias=False)
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(32))
    assert torch.equal(sae.W_enc, sae.W_dec)
    assert sae.W_enc.data_ptr() != sae.W_dec.data_ptr()
    assert torch.equal(sae.b_pre, kernels.geometric_median(x))
    assert (sae.k, sae.b_enc) == (4, None)
    biased = start(x, 32, 4, seed=5, bias=True)
    assert biased.b_enc is not None
    assert torch.equal(biased.b_enc, torch.zeros(32))


def test_the_seed_alone_decides_the_rows() -> None:
    one = start(normal(50, 8), 32, 4, seed=5, bias=False)
    torch.manual_seed(99)
    same = start(normal(70, 8, seed=1) * 7, 32, 8, seed=5, bias=True)
    other = start(normal(50, 8), 32, 4, seed=6, bias=False)
    assert torch.equal(one.W_dec, same.W_dec)
    assert not torch.equal(one.W_dec, other.W_dec)


@pytest.mark.parametrize("bias", [False, True])
def test_an_autoencoder_survives_as_arrays(*, bias: bool) -> None:
    sae = random_sae(12, 4, 3, 0, bias=bias)
    arrays = sae.to_numpy()
    assert set(arrays) == {"W_enc", "W_dec", "b_pre"} | ({"b_enc"} if bias else set())
    again = from_numpy({k: v.copy() for k, v in arrays.items()}, 3, "cpu")
    x = normal(6, 4, seed=1)
    assert torch.equal(again.encode(x).value, sae.encode(x).value)
    assert torch.equal(again.decode(again.encode(x)), sae.decode(sae.encode(x)))


# -- training -------------------------------------------------------------------------


def known_tokens(tokens: int, seed: int) -> tuple[Tensor, Tensor]:
    """Sums of 2 of 20 unit directions, and the directions."""
    directions = normal(20, 16)
    directions = directions / directions.norm(dim=1, keepdim=True)
    draw = torch.Generator().manual_seed(seed)
    chosen = torch.rand(tokens, 20, generator=draw).topk(2).indices
    weights = 0.5 + torch.rand(tokens, 2, generator=draw)
    return torch.einsum("tk,tkd->td", weights, directions[chosen]), directions


def trained(steps: int, *, seed: int = 0, bias: bool = False) -> Autoencoder:
    x, _ = known_tokens(256, 0)
    trainer = Trainer(start(x, 40, 2, seed, bias=bias), 0.01, 10, BETAS, EPS)
    for step in range(steps):
        trainer.step(known_tokens(256, step)[0])
    return trainer.sae


@pytest.mark.parametrize("bias", [False, True])
def test_steps_are_adams_on_the_dense_reference(*, bias: bool) -> None:
    sae, lr, warmup = random_sae(24, 8, 4, 0, bias=bias), 0.01, 4
    p = leaves(sae)
    adam = torch.optim.Adam(p.values(), betas=BETAS, eps=EPS)
    trainer = Trainer(sae, lr, warmup, BETAS, EPS)
    for step in range(1, 8):
        x = normal(64, 8, seed=100 + step)
        adam.param_groups[0]["lr"] = lr * min(1, step / warmup)
        adam.zero_grad()
        loss = dense_loss(p, x, 4)
        loss.backward()  # type: ignore[no-untyped-call]
        adam.step()
        with torch.no_grad():
            p["W_dec"] /= p["W_dec"].norm(dim=1, keepdim=True)
        torch.testing.assert_close(trainer.step(x), loss.detach())
        for name, parameter in sae.parameters().items():
            torch.testing.assert_close(parameter, p[name].detach(), rtol=0, atol=1e-4)


def test_a_first_step_of_warm_up_moves_by_its_share_of_the_rate() -> None:
    sae = random_sae(24, 8, 4, 0, bias=False)
    before = sae.b_pre.clone()
    Trainer(sae, 0.01, 500, BETAS, EPS).step(normal(64, 8))
    moved = (sae.b_pre - before).abs()  # Adam's first step is the rate itself
    torch.testing.assert_close(moved, torch.full((8,), 0.01 / 500), rtol=0.02, atol=0)


def test_directions_have_unit_norm_after_every_step() -> None:
    x, _ = known_tokens(64, 0)
    trainer = Trainer(start(x, 40, 2, 0, bias=False), 0.5, 0, BETAS, EPS)
    for step in range(5):
        trainer.step(known_tokens(64, step)[0])
        norms = trainer.sae.W_dec.norm(dim=1)
        torch.testing.assert_close(norms, torch.ones(40), rtol=0, atol=1e-6)
    assert trainer.steps == 5


@pytest.mark.parametrize("bias", [False, True])
def test_the_same_seed_gives_the_same_weights(*, bias: bool) -> None:
    one, same = (trained(20, bias=bias).to_numpy() for _ in range(2))
    other = trained(20, seed=1, bias=bias).to_numpy()
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["W_dec"], other["W_dec"])


def test_training_finds_a_known_dictionary() -> None:
    x, directions = known_tokens(1000, 10_000)
    first, last = trained(0), trained(600)
    losses = [float(gradients(sae, x)[0]) for sae in (first, last)]
    assert losses[1] < 0.1 * losses[0]
    nearest = (directions @ last.W_dec.T).max(1).values
    assert nearest.min() > 0.95
