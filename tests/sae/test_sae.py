"""Equations 1 to 3 and training, against dense autoencoders left to autograd."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from bisae.sae import (
    Autoencoder,
    Code,
    ReluAutoencoder,
    Trainer,
    from_numpy,
    kernels,
    product_dtype,
    start,
)
from bisae.sae.kernels import Scratch
from bisae.study import Sae

seeds = st.integers(0, 2**31)


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


def asked(n: int, k: int, **changes: Any) -> Sae:
    """Settings of a study for small autoencoders."""
    return Sae.model_validate({"n_features": n, "k": k, "warmup_steps": 10} | changes)


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


@given(problems())
def test_gradients_are_autograds(problem: tuple[Autoencoder, Tensor]) -> None:
    sae, x = problem
    assert_autograds(sae, x, dense_loss(p := leaves(sae), x, sae.k), p)


def assert_autograds(
    sae: Autoencoder, x: Tensor, expected_loss: Tensor, p: dict[str, Tensor]
) -> None:
    expected_loss.backward()  # type: ignore[no-untyped-call]
    actual = sae.gradients(x)
    torch.testing.assert_close(
        actual.loss, expected_loss.detach(), rtol=1e-4, atol=1e-5
    )
    assert actual.by_name.keys() == p.keys()
    for name, gradient in actual.by_name.items():
        torch.testing.assert_close(gradient, p[name].grad, rtol=1e-3, atol=1e-4)


@given(problems())
def test_gradients_in_bfloat16_are_those_of_rounded_inputs_to_the_encoder(
    problem: tuple[Autoencoder, Tensor],
) -> None:
    """Only the codes are rounded; what follows from them is exact."""
    sae, x = problem
    code = sae.encode(x, torch.bfloat16)
    actual = sae.gradients(x, torch.bfloat16)
    error = sae.decode(code) - x
    torch.testing.assert_close(actual.error, error)
    torch.testing.assert_close(actual.loss, error.square().sum(1).mean())
    exact = sae.encode(x).value
    torch.testing.assert_close(code.value, exact, rtol=0.05, atol=0.3)


# -- the ReLU baseline ----------------------------------------------------------------


def relu_of(sae: Autoencoder, l1: float) -> ReluAutoencoder:
    parts = (sae.W_enc, sae.W_dec, sae.b_pre, sae.b_enc, sae.k)
    return ReluAutoencoder(*parts, l1=l1)


def dense_relu(p: dict[str, Tensor], x: Tensor) -> Tensor:
    pre = (x - p["b_pre"]) @ p["W_enc"].T + p.get("b_enc", torch.tensor(0.0))
    return pre.relu()


@given(problems(), st.floats(0, 2))
def test_relu_gradients_are_autograds(
    problem: tuple[Autoencoder, Tensor], l1: float
) -> None:
    sae, x = problem
    p = leaves(sae)
    z = dense_relu(p, x)
    loss = (z @ p["W_dec"] + p["b_pre"] - x).square().sum(1).mean()
    assert_autograds(relu_of(sae, l1), x, loss + l1 * z.sum(1).mean(), p)


@given(problems())
def test_a_relu_code_keeps_the_largest_and_is_measured_whole(
    problem: tuple[Autoencoder, Tensor],
) -> None:
    sae, x = problem
    actual = relu_of(sae, 0.1).reconstruct(x)
    z = dense_relu(sae.parameters(), x)
    expected = z @ sae.W_dec + sae.b_pre
    torch.testing.assert_close(actual.recon, expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(actual.n_active, (z > 0).sum(1))
    torch.testing.assert_close(actual.summed.float(), z.sum(1), rtol=1e-4, atol=1e-4)
    largest = z.topk(sae.k, dim=1).values.half().float()
    torch.testing.assert_close(actual.code.value, largest, rtol=2e-3, atol=1e-4)


def test_relu_gradients_by_blocks_are_those_of_the_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sae = relu_of(random_sae(24, 8, 4, 0, bias=True), 0.3)
    x = normal(50, 8, seed=1)
    whole, again = sae.gradients(x), sae.reconstruct(x)
    monkeypatch.setitem(kernels.scratch.BLOCK, "cpu", 4 * 24 * 7)
    parts = sae.gradients(x)
    torch.testing.assert_close(parts.loss, whole.loss)
    for name, gradient in parts.by_name.items():
        torch.testing.assert_close(gradient, whole.by_name[name])
    torch.testing.assert_close(sae.reconstruct(x).recon, again.recon)


# -- the stored code ------------------------------------------------------------------


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
    sae = start(x, asked(32, 4, seed=5))
    torch.testing.assert_close(sae.W_dec.norm(dim=1), torch.ones(32))
    assert torch.equal(sae.W_enc, sae.W_dec)
    assert sae.W_enc.data_ptr() != sae.W_dec.data_ptr()
    assert torch.equal(sae.b_pre, kernels.geometric_median(x))
    assert (sae.k, sae.b_enc) == (4, None)
    biased = start(x, asked(32, 4, seed=5, encoder_bias=True))
    assert biased.b_enc is not None
    assert torch.equal(biased.b_enc, torch.zeros(32))


def test_the_seed_alone_decides_the_rows() -> None:
    result = start(normal(50, 8), asked(32, 4, seed=5))
    torch.manual_seed(99)
    same = start(normal(70, 8, seed=1) * 7, asked(32, 8, seed=5, encoder_bias=True))
    second = start(normal(50, 8), asked(32, 4, seed=6))
    assert torch.equal(result.W_dec, same.W_dec)
    assert not torch.equal(result.W_dec, second.W_dec)


@pytest.mark.parametrize("bias", [False, True])
def test_an_autoencoder_survives_as_arrays(*, bias: bool) -> None:
    sae = random_sae(12, 4, 3, 0, bias=bias)
    arrays = sae.to_numpy()
    assert set(arrays) == {"W_enc", "W_dec", "b_pre"} | ({"b_enc"} if bias else set())
    again = from_numpy({k: v.copy() for k, v in arrays.items()}, asked(12, 3), "cpu")
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
    expected = asked(40, 2, seed=seed, encoder_bias=bias)
    trainer = Trainer(start(x, expected), expected, 0.01)
    for step in range(steps):
        trainer.step(known_tokens(256, step)[0])
    return trainer.sae


@pytest.mark.parametrize("bias", [False, True])
def test_steps_are_adams_on_the_dense_reference(*, bias: bool) -> None:
    sae, lr, warmup = random_sae(24, 8, 4, 0, bias=bias), 0.01, 4
    p = leaves(sae)
    adam = torch.optim.Adam(p.values(), betas=(0.9, 0.999), eps=6.25e-10)
    trainer = Trainer(sae, asked(24, 4, warmup_steps=warmup), lr)
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
    Trainer(sae, asked(24, 4, warmup_steps=500), 0.01).step(normal(64, 8))
    moved = (sae.b_pre - before).abs()  # Adam's first step is the rate itself
    torch.testing.assert_close(moved, torch.full((8,), 0.01 / 500), rtol=0.02, atol=0)


def test_directions_have_unit_norm_after_every_step() -> None:
    x, _ = known_tokens(64, 0)
    expected = asked(40, 2, warmup_steps=0)
    trainer = Trainer(start(x, expected), expected, 0.5)
    for step in range(5):
        trainer.step(known_tokens(64, step)[0])
        norms = trainer.sae.W_dec.norm(dim=1)
        torch.testing.assert_close(norms, torch.ones(40), rtol=0, atol=1e-6)
    assert trainer.steps == 5


@pytest.mark.parametrize("bias", [False, True])
def test_the_same_seed_gives_the_same_weights(*, bias: bool) -> None:
    result, same = (trained(20, bias=bias).to_numpy() for _ in range(2))
    second = trained(20, seed=1, bias=bias).to_numpy()
    assert all(np.array_equal(result[name], same[name]) for name in result)
    assert not np.array_equal(result["W_dec"], second["W_dec"])


def test_training_finds_a_known_dictionary() -> None:
    x, directions = known_tokens(1000, 10_000)
    first, last = trained(0), trained(600)
    losses = [float(sae.gradients(x).loss) for sae in (first, last)]
    assert losses[1] < 0.1 * losses[0]
    nearest = (directions @ last.W_dec.T).max(1).values
    assert nearest.min() > 0.95


def test_a_relu_autoencoder_learns_and_l1_makes_it_sparser() -> None:
    x, _ = known_tokens(1000, 10_000)
    active = []
    for l1 in (1e-4, 0.3):
        expected = asked(40, 2, architecture="relu", l1=l1)
        trainer = Trainer(start(x, expected), expected, 0.01)
        assert isinstance(trainer.sae, ReluAutoencoder)
        losses = [float(trainer.step(known_tokens(256, i)[0])) for i in range(300)]
        assert losses[-1] < 0.5 * losses[0]
        active.append(float(trainer.sae.reconstruct(x).n_active.float().mean()))
    assert active[1] < 0.5 * active[0]


# -- settings of a step ---------------------------------------------------------------


def test_what_is_parallel_to_a_direction_can_be_left_out() -> None:
    x = normal(64, 8)
    for remove in (True, False):
        sae = random_sae(24, 8, 4, 0, bias=False)
        before, p = sae.W_dec.clone(), leaves(sae)
        gradient = sae.gradients(x).by_name["W_dec"].clone()
        if remove:
            gradient -= (gradient * before).sum(1, keepdim=True) * before
        p["W_dec"].grad = gradient
        adam = torch.optim.Adam([p["W_dec"]], lr=0.01, eps=6.25e-10)
        adam.step()
        expected_value = asked(24, 4, warmup_steps=0, remove_parallel=remove)
        Trainer(sae, expected_value, 0.01).step(x)
        expected = torch.nn.functional.normalize(p["W_dec"].detach(), dim=1)
        torch.testing.assert_close(sae.W_dec, expected)


def dense_aux(
    p: dict[str, Tensor], x: Tensor, k: int, dead: Tensor, aux_k: int, weight: float
) -> Tensor:
    """The loss with AuxK, left to autograd; what is left over is held fixed."""
    error = (x - dense_code(p, x, k) @ p["W_dec"] - p["b_pre"]).detach()
    pre = (x - p["b_pre"]) @ p["W_enc"].T + p.get("b_enc", torch.tensor(0.0))
    pre = torch.where(dead, pre, -1.0).relu()
    top = pre.topk(min(aux_k, int(dead.sum())))
    code = torch.zeros_like(pre).scatter(1, top.indices, top.values)
    aux = (code @ p["W_dec"] - error).square().sum(1).mean()
    return dense_loss(p, x, k) + weight * aux


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("aux_k", [3, 100])
def test_auxk_is_autograds_on_the_dead_features(aux_k: int, *, bias: bool) -> None:
    x, weight = normal(64, 8, seed=4), 0.25
    sae = random_sae(24, 8, 4, 0, bias=bias)
    expected_value = asked(
        24, 4, aux_weight=weight, aux_k=aux_k, dead_tokens=100, warmup_steps=0
    )
    trainer = Trainer(
        sae, expected_value, 1e-9
    )  # so small that the step does not matter
    idle = torch.arange(24) * 10
    trainer._idle = idle
    p = leaves(sae)
    expected = dense_aux(p, x, 4, idle >= 100, aux_k, weight)
    expected.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(trainer.step(x), expected.detach())
    remaining = trainer.state()
    for name, item in p.items():  # Adam's first moment is a tenth of the gradient
        assert item.grad is not None
        torch.testing.assert_close(remaining[f"exp_avg.{name}"], 0.1 * item.grad)


def test_a_feature_is_dead_after_so_many_tokens_without_it() -> None:
    sae = Autoencoder(torch.eye(3), torch.eye(3), torch.zeros(3), None, 1)
    trainer = Trainer(sae, asked(3, 1), 1e-9)
    for row, expected in (([1.0, 0, 0], [0, 2, 2]), ([0, 1.0, 0], [2, 0, 4])):
        trainer.step(torch.tensor([row, row]))
        assert trainer.state()["idle"].tolist() == expected


def test_auxk_revives_features() -> None:
    dead = []
    for weight in (0.0, 1.0):
        expected = asked(40, 2, aux_weight=weight, aux_k=8, dead_tokens=2000)
        sae = start(known_tokens(256, 0)[0], expected)
        sae.W_enc[10:] *= 1e-3  # of 20 directions, at most ten are ever chosen
        trainer = Trainer(sae, expected, 0.01)
        for step in range(200):
            trainer.step(known_tokens(256, step)[0])
        dead.append(int((trainer.state()["idle"] >= 2000).sum()))
    assert dead[0] > 25
    assert dead[1] < 15


@pytest.mark.parametrize(
    ("product", "device", "dtype"),
    [
        ("auto", "cpu", torch.float32),
        ("auto", "cuda", torch.bfloat16),
        ("bfloat16", "cpu", torch.bfloat16),
        ("float32", "cuda", torch.float32),
    ],
)
def test_what_the_product_is_computed_in(
    product: str, device: str, dtype: torch.dtype
) -> None:
    assert product_dtype(asked(8, 2, product=product), torch.device(device)) == dtype


def test_bfloat16_learns_as_well() -> None:
    losses = []
    for product in ("float32", "bfloat16"):
        expected = asked(40, 2, product=product)
        trainer = Trainer(start(known_tokens(256, 0)[0], expected), expected, 0.01)
        losses += [
            [float(trainer.step(known_tokens(256, i)[0])) for i in range(200)][-1]
        ]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


@pytest.mark.parametrize("changes", [{}, {"encoder_bias": True}, {"aux_weight": 0.5}])
def test_a_resumed_trainer_goes_on_bit_by_bit(changes: dict[str, Any]) -> None:
    expected = asked(40, 2, dead_tokens=600, **changes)
    whole = Trainer(start(known_tokens(256, 0)[0], expected), expected, 0.01)
    half = Trainer(start(known_tokens(256, 0)[0], expected), expected, 0.01)
    for step in range(20):
        if step == 7:
            state = {name: item.clone() for name, item in half.state().items()}
            half = Trainer.from_state(state, expected, 0.01, half.steps)
        x, _ = known_tokens(256, step)
        assert torch.equal(whole.step(x), half.step(x))
    for name, tensor in whole.state().items():
        assert torch.equal(tensor, half.state()[name]), name


def test_trainers_may_share_their_scratch() -> None:
    expected, scratch = asked(40, 2), Scratch()
    x, _ = known_tokens(256, 0)
    alone = [Trainer(start(x, expected), expected, lr) for lr in (0.01, 0.02)]
    beside = [Trainer(start(x, expected), expected, lr, scratch) for lr in (0.01, 0.02)]
    for step in range(5):
        x, _ = known_tokens(256, step)
        for item, second in zip(alone, beside, strict=True):
            assert torch.equal(item.step(x), second.step(x))
