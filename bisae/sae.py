"""The TopK sparse autoencoder: equations 1 to 3 of the paper, and one training step."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisae import kernels


@dataclass(frozen=True)
class Code:
    """The features that are kept of each token."""

    index: Tensor
    """(tokens, k)"""
    value: Tensor
    """(tokens, k), descending; an unused place has index 0 and value 0."""

    def stored(self) -> "Code":
        """The code as the store keeps it: rounded to float16."""
        value = self.value.half().float()
        return Code(torch.where(value > 0, self.index, 0), value)


@dataclass
class Autoencoder:
    """z = TopK_k(ReLU(W_enc (x - b_pre) + b_enc)); x^ = W_dec^T z + b_pre."""

    W_enc: Tensor
    """(n, d)"""
    W_dec: Tensor
    """(n, d): row i is feature i's direction, of unit norm."""
    b_pre: Tensor
    """(d,)"""
    b_enc: Tensor | None
    """(n,), where the study asks for it."""
    k: int

    def encode(self, x: Tensor) -> Code:
        """Equation 1: (tokens, d) -> the k largest positive pre-activations."""
        pre = (x - self.b_pre) @ self.W_enc.T  # (tokens, n)
        if self.b_enc is not None:
            pre = pre + self.b_enc
        index, value = kernels.top_k(pre, self.k)
        return Code(torch.where(value > 0, index, 0), value.relu())

    def decode(self, code: Code) -> Tensor:
        """Equation 2: a code -> (tokens, d)."""
        return kernels.decode(code.index, code.value, self.W_dec) + self.b_pre

    def parameters(self) -> dict[str, Tensor]:
        """Every learned tensor by the name it has in the store."""
        named = {"W_enc": self.W_enc, "W_dec": self.W_dec, "b_pre": self.b_pre}
        return named if self.b_enc is None else named | {"b_enc": self.b_enc}

    def to_numpy(self) -> dict[str, NDArray[np.float32]]:
        """The parameters as the store takes them."""
        return {
            name: tensor.cpu().numpy() for name, tensor in self.parameters().items()
        }


def start(x: Tensor, n: int, k: int, seed: int, *, bias: bool) -> Autoencoder:
    """A fresh autoencoder for inputs like x, (tokens, d).

    Directions are random unit vectors, encoder rows equal them, b_pre is the geometric
    median of x. The seed alone decides the directions, so all cells of one width start
    from the same ones.
    """
    d = x.shape[1]
    rows = torch.randn(n, d, generator=torch.Generator().manual_seed(seed))
    rows = (rows / rows.norm(dim=1, keepdim=True)).to(x.device)
    b_enc = torch.zeros(n, device=x.device) if bias else None
    return Autoencoder(rows.clone(), rows, kernels.geometric_median(x), b_enc, k)


def from_numpy(
    weights: dict[str, NDArray[np.float32]], k: int, device: torch.device | str
) -> Autoencoder:
    """An autoencoder from the arrays of a store."""
    tensors = {name: torch.from_numpy(w).to(device) for name, w in weights.items()}
    b_enc = tensors.get("b_enc")
    return Autoencoder(tensors["W_enc"], tensors["W_dec"], tensors["b_pre"], b_enc, k)


def gradients(sae: Autoencoder, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Equation 3 on a batch, and its gradients, touching k features a token.

    x (tokens, d) -> the squared error summed over d, mean over tokens, and a gradient
    for each parameter. The choice of the top k is held fixed, as autograd holds it.
    """
    n = len(sae.W_dec)
    code = sae.encode(x)
    error = sae.decode(code) - x  # (tokens, d)
    loss = error.square().sum(1).mean()
    d_error = error * (2 / len(x))
    d_value = kernels.gather_dot(code.index, sae.W_dec, d_error)  # (tokens, k)
    d_pre = torch.where(code.value > 0, d_value, 0)
    by_feature = torch.zeros(n, device=x.device)
    by_feature.index_add_(0, code.index.reshape(-1), d_pre.reshape(-1))
    found = {
        "W_enc": kernels.transposed_product(code.index, d_pre, x - sae.b_pre, n),
        "W_dec": kernels.transposed_product(code.index, code.value, d_error, n),
        "b_pre": d_error.sum(0) - by_feature @ sae.W_enc,
    }
    return loss, found if sae.b_enc is None else found | {"b_enc": by_feature}


class Trainer:
    """Adam on one autoencoder: linear warm-up, then a constant rate.

    Every direction has unit norm after every step.
    """

    def __init__(
        self,
        sae: Autoencoder,
        lr: float,
        warmup_steps: int,
        betas: tuple[float, float],
        eps: float,
    ) -> None:
        self.sae = sae
        self.steps = 0
        self._lr = lr
        self._warmup = warmup_steps
        named = sae.parameters()
        self._adam = torch.optim.Adam(
            list(named.values()), lr=lr, betas=betas, eps=eps, fused=True
        )

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        """Learn from a batch (tokens, d); gives the loss before the step."""
        self.steps += 1
        for group in self._adam.param_groups:
            group["lr"] = self._lr * min(1.0, self.steps / max(1, self._warmup))
        loss, found = gradients(self.sae, x)
        for name, parameter in self.sae.parameters().items():
            parameter.grad = found[name]
        self._adam.step()
        directions = self.sae.W_dec
        directions.div_(directions.norm(dim=1, keepdim=True).clamp_min(1e-12))
        return loss
