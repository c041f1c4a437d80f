"""The TopK sparse autoencoder: equations 1 to 3 of the paper, and their gradients.

From the top k on only k features of a token are touched; no gradient is as wide as
tokens x features.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisae.sae import kernels
from bisae.sae.kernels import Scratch


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


class Reconstruction(NamedTuple):
    """Tokens as the autoencoder gives them back."""

    code: Code
    """What is stored."""
    recon: Tensor
    """(tokens, d)"""
    n_active: Tensor
    """(tokens,): active features, those that are not stored included."""
    summed: Tensor
    """(tokens,): their activations' sum, float64."""


class Gradients(NamedTuple):
    """Equation 3 on a batch, and what follows from it."""

    loss: Tensor
    by_name: dict[str, Tensor]
    """A gradient for each parameter."""
    error: Tensor
    """x^ - x, (tokens, d)."""
    active: Tensor
    """(n,) bool: which features were active on the batch."""


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

    def encode(
        self,
        x: Tensor,
        product: torch.dtype = torch.float32,
        scratch: Scratch | None = None,
    ) -> Code:
        """Equation 1: (tokens, d) -> the k largest positive pre-activations."""
        rows, bias, k = self.W_enc, self.b_enc, self.k
        found = kernels.encode(
            x - self.b_pre, rows, bias, k, product, scratch or Scratch()
        )
        return Code(*found)

    def decode(self, code: Code) -> Tensor:
        """Equation 2: a code -> (tokens, d)."""
        return kernels.decode(code.index, code.value, self.W_dec) + self.b_pre

    def reconstruct(self, x: Tensor, scratch: Scratch | None = None) -> Reconstruction:
        """Tokens (tokens, d) through their stored codes."""
        code = self.encode(x, scratch=scratch).stored()
        n_active = (code.value > 0).sum(1)
        summed = code.value.double().sum(1)
        return Reconstruction(code, self.decode(code), n_active, summed)

    def gradients(
        self,
        x: Tensor,
        product: torch.dtype = torch.float32,
        scratch: Scratch | None = None,
    ) -> Gradients:
        """Equation 3 on a batch (tokens, d): squared error over d, mean over tokens.

        The choice of the top k is held fixed, as autograd holds it.
        """
        scratch = scratch or Scratch()
        code = self.encode(x, product, scratch)
        rows = self.W_dec.to(kernels.gathered_in(product, x.device))
        error = kernels.decode(code.index, code.value, rows) + self.b_pre - x
        loss = error.square().sum(1).mean()
        d_error = error * (2 / len(x))
        by_name = self.through_code(code, d_error, x - self.b_pre, rows, scratch)
        by_name["b_pre"] += d_error.sum(0)
        summed = torch.zeros(len(self.W_dec), device=x.device)
        summed.index_add_(0, code.index.reshape(-1), code.value.reshape(-1))
        return Gradients(loss, by_name, error, summed > 0)

    def through_code(
        self,
        code: Code,
        d_recon: Tensor,
        centred: Tensor,
        rows: Tensor,
        scratch: Scratch,
    ) -> dict[str, Tensor]:
        """From the loss's gradient by W_dec^T z, (tokens, d), to that by parameters.

        `centred` is what was encoded, (tokens, d); `rows` is W_dec as it was decoded
        with. Of b_pre it is the part that goes through the code.
        """
        n, d = self.W_dec.shape
        narrow = rows.dtype
        d_value = kernels.gather_dot(code.index, rows, d_recon.to(narrow))
        d_pre = torch.where(code.value > 0, d_value, 0)  # (tokens, k)
        summed = torch.zeros(n, device=d_pre.device)
        summed.index_add_(0, code.index.reshape(-1), d_pre.reshape(-1))
        places = kernels.by_feature(code.index, n)
        d_enc, d_dec = (
            scratch.empty(name, (n, d), torch.float32, d_pre.device)
            for name in ("d_enc", "d_dec")
        )
        found = {
            "W_enc": kernels.transposed_product(
                places, d_pre, centred.to(narrow), d_enc
            ),
            "W_dec": kernels.transposed_product(
                places, code.value, d_recon.to(narrow), d_dec
            ),
            "b_pre": -(summed @ self.W_enc),
        }
        return found if self.b_enc is None else found | {"b_enc": summed}

    def parameters(self) -> dict[str, Tensor]:
        """Every learned tensor by the name it has in the store."""
        named = {"W_enc": self.W_enc, "W_dec": self.W_dec, "b_pre": self.b_pre}
        return named if self.b_enc is None else named | {"b_enc": self.b_enc}

    def to_numpy(self) -> dict[str, NDArray[np.float32]]:
        """The parameters as the store takes them."""
        return {
            name: tensor.cpu().numpy() for name, tensor in self.parameters().items()
        }
