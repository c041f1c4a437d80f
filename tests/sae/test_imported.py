"""Autoencoders that only other projects train, against plain NumPy in float64."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bisae.errors import StateError
from bisae.sae import Autoencoder, Input, from_attributes

N, D, TOKENS = 24, 6, 50
Array = NDArray[Any]


def normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def weights() -> dict[str, torch.Tensor]:
    W_dec = normal(N, D, seed=2)
    return {
        "W_enc": normal(N, D, seed=1),
        "W_dec": W_dec / W_dec.norm(dim=1, keepdim=True),
        "b_pre": normal(D, seed=3) / 4,
        "b_enc": normal(N, seed=4) / 4,
    }


def imported(k: int, arrays: dict[str, torch.Tensor], **attributes: Any) -> Autoencoder:
    stated = {"input": "none", "top_k": None} | attributes
    values = {name: tensor.numpy() for name, tensor in arrays.items()}
    return from_attributes(values, stated, k, "cpu")


def pre_activations(x: torch.Tensor) -> Array:
    w = {name: values.double().numpy() for name, values in weights().items()}
    return np.asarray((x.numpy() - w["b_pre"]) @ w["W_enc"].T + w["b_enc"])


def decoded(z: Array) -> Array:
    w = weights()
    recon = z @ w["W_dec"].double().numpy() + w["b_pre"].double().numpy()
    return np.asarray(recon)


def largest(z: Array, k: int, by: Array | None = None) -> Array:
    """Keep the k largest of each row, by z itself or by what they rank by."""
    by = z if by is None else by
    chosen = np.zeros_like(z, bool)
    order = np.argsort(-by, axis=1, kind="stable")[:, :k]
    np.put_along_axis(chosen, order, values=True, axis=1)
    return np.where(chosen & (by > 0), z, 0)


def dense(index: torch.Tensor, value: torch.Tensor) -> Array:
    """Return the (tokens, n) form of a code; unused slots add 0 to feature 0."""
    z = np.zeros((len(index), N))
    rows = np.arange(len(index))[:, None]
    np.add.at(z, (rows, index.numpy()), value.double().numpy())
    return z


@pytest.mark.parametrize("k", [2, 3, 5, N])
def test_jumprelu(k: int) -> None:
    """Its metrics are of all activations above their threshold, its codes of k."""
    threshold = normal(N, seed=5).abs()
    threshold[:4] = 0
    sae = imported(k, weights() | {"threshold": threshold}, architecture="jumprelu")
    x = normal(TOKENS, D, seed=6)
    pre = pre_activations(x)
    z = np.where(pre > threshold.numpy(), np.maximum(pre, 0), 0)
    result = sae.reconstruct(x)
    np.testing.assert_allclose(result.recon, decoded(z), atol=1e-5)
    np.testing.assert_array_equal(result.n_active, (z > 0).sum(1))
    np.testing.assert_allclose(result.summed, z.sum(1), rtol=1e-5)
    stored = dense(*(getattr(result.code, name) for name in ("index", "value")))
    np.testing.assert_allclose(stored, largest(z, k), rtol=1e-3, atol=1e-3)
    code, margin = sae.encode_with_margin(x)
    np.testing.assert_allclose(dense(code.index, code.value), largest(z, k), atol=1e-5)
    distance = np.abs(pre - threshold.numpy())[:, 4:] / threshold.numpy()[4:]
    expected = distance.min(1)
    if k < N:
        ordered = -np.sort(-z, axis=1)
        last, after = ordered[:, k - 1], ordered[:, k]
        gap = np.where(last > 0, (last - after) / np.where(last > 0, last, 1), 1)
        expected = np.minimum(expected, gap)
    np.testing.assert_allclose(margin, np.minimum(expected, 1), atol=1e-4)


@pytest.mark.parametrize(("k", "top_k"), [(3, 5), (5, 3), (4, 4), (2, 24)])
@pytest.mark.parametrize("is_scaled", [True, False])
def test_topk_with_a_k_of_its_own(k: int, top_k: int, is_scaled: bool) -> None:  # noqa: FBT001
    """Features are chosen by rank; of these the k largest values are stored."""
    arrays, rank_scale = weights(), normal(N, seed=7).exp()
    if is_scaled:
        arrays["rank_scale"] = rank_scale
    sae = imported(k, arrays, architecture="topk", top_k=top_k)
    x = normal(TOKENS, D, seed=8)
    pre = pre_activations(x)
    by = pre * rank_scale.numpy() if is_scaled else pre
    z = largest(pre, top_k, by)
    result = sae.reconstruct(x)
    np.testing.assert_allclose(result.recon, decoded(z), atol=5e-3)
    np.testing.assert_array_equal(result.n_active, (z > 0).sum(1))
    np.testing.assert_allclose(result.summed, z.sum(1), rtol=1e-3)
    assert result.code.index.shape == (TOKENS, k)
    for code in (result.code, sae.encode(x).stored(), sae.encode_with_margin(x)[0]):
        actual = dense(code.index, code.value)
        np.testing.assert_allclose(actual, largest(z, k), rtol=1e-3, atol=1e-3)
        assert (code.value.diff(dim=1) <= 0).all()
    assert not result.code.index[result.code.value == 0].any()


def test_a_margin_tells_where_rounding_chooses() -> None:
    """Two features that rank almost equally, at the last of top_k = 1."""
    arrays = {
        "W_enc": torch.eye(2),
        "W_dec": torch.eye(2),
        "b_pre": torch.zeros(2),
        "rank_scale": torch.tensor([1.0, 2.0]),
    }
    sae = imported(2, arrays, architecture="topk", top_k=1)
    x = torch.tensor([[2.0, 1.0001], [2.0, 0.5]])
    _, margin = sae.encode_with_margin(x)
    np.testing.assert_allclose(margin, [0.0001, 0.5], atol=1e-6)


@pytest.mark.parametrize("kind", ["l2", "none", "scale", "layernorm"])
def test_inputs_are_scaled_and_restored(kind: Any) -> None:
    h = normal(TOKENS, D, seed=9) * 7 + 1
    h64 = h.double().numpy()
    std = h64.std(1, ddof=1, keepdims=True)
    expected = {
        "l2": h64 / np.linalg.norm(h64, axis=1, keepdims=True),
        "none": h64,
        "scale": h64 * 0.25,
        "layernorm": (h64 - h64.mean(1, keepdims=True)) / (std + 1e-5),
    }
    sae_input = Input(kind, 0.25 if kind == "scale" else 1.0)
    x = sae_input.of(h)
    np.testing.assert_allclose(x, expected[kind], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(sae_input.restore(x, h), h, rtol=1e-4, atol=1e-4)


def test_only_a_unit_state_needs_a_direction() -> None:
    zero = torch.zeros(1, D)
    with pytest.raises(StateError):
        Input().of(zero)
    assert not Input("none").of(zero).any()


def test_version_1_reads_unit_states() -> None:
    """Its attribute `input` is prose."""
    stated = {"bisae_format_version": 1, "input": "hidden state / L2 norm"}
    assert Input.recorded(stated) == Input("l2")
    stated = {"bisae_format_version": 2, "input": "scale", "input_scale": 0.5}
    assert Input.recorded(stated) == Input("scale", 0.5)
