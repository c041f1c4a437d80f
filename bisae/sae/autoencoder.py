"""The TopK sparse autoencoder: equations 1 to 3 of the paper, and their gradients.

After the top k only k features of a token are computed with; no gradient has the shape
(tokens, features).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bisae.sae import kernels
from bisae.sae.inputs import UNIT_STATES, Input
from bisae.sae.kernels import Scratch


@dataclass(frozen=True)
class Code:
    """The features kept for each token."""

    index: Tensor
    """(tokens, k)"""
    value: Tensor
    """(tokens, k), descending; an unused slot has index 0 and value 0."""

    def stored(self) -> "Code":
        """Return the code as stored: rounded to float16."""
        value = self.value.half().float()
        return Code(torch.where(value > 0, self.index, 0), value)


class Reconstruction(NamedTuple):
    """The reconstruction of tokens, and the code it is made from."""

    code: Code
    """The code as stored."""
    recon: Tensor
    """(tokens, d)"""
    n_active: Tensor
    """(tokens,): number of active features, including those not stored."""
    summed: Tensor
    """(tokens,): sum of their activations, float64."""


class Gradients(NamedTuple):
    """Loss and gradients of equation 3 on a batch."""

    loss: Tensor
    by_name: dict[str, Tensor]
    """The gradient of each parameter."""
    error: Tensor
    """x^ - x, (tokens, d)."""
    active: Tensor
    """(n,) bool, true for features active on the batch."""


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
    """(n,), if the study sets `encoder_bias`."""
    k: int
    input: Input = UNIT_STATES

    def encode(
        self,
        x: Tensor,
        product: torch.dtype = torch.float32,
        scratch: Scratch | None = None,
    ) -> Code:
        """Equation 1: (tokens, d) -> the k largest positive pre-activations."""
        rows, bias, k = self.W_enc, self.b_enc, self.k
        arrays = kernels.encode(
            x - self.b_pre, rows, bias, k, product, scratch or Scratch()
        )
        return Code(*arrays)

    def encode_with_margin(self, x: Tensor) -> tuple[Code, Tensor]:
        """Encode x, and measure how far each token is from another choice of features.

        The margin, (tokens,), is relative to the value at which features are chosen:
        where it is below the precision of the products, rounding decides.
        """
        wide = replace(self, k=min(self.k + 1, len(self.W_enc))).encode(x)
        code = Code(wide.index[:, : self.k], wide.value[:, : self.k])
        return code, margin_after(wide.value, self.k)

    def decode(self, code: Code) -> Tensor:
        """Equation 2: a code -> (tokens, d)."""
        return kernels.decode(code.index, code.value, self.W_dec) + self.b_pre

    def decode_strongest(self, code: Code, counts: Sequence[int]) -> Iterator[Tensor]:
        """Decode the m strongest codes of each token, for each m of ascending `counts`.

        Yields reconstructions, (tokens, d), each of which adds to the one before.
        """
        recon, first = self.b_pre, 0
        for m in counts:
            index, value = code.index[:, first:m], code.value[:, first:m]
            recon = recon + kernels.decode(index, value, self.W_dec)
            first = m
            yield recon

    def reconstruct(self, x: Tensor, scratch: Scratch | None = None) -> Reconstruction:
        """Reconstruct tokens, (tokens, d), from their stored codes."""
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

        The choice of the top k is treated as constant, as autograd does.
        """
        scratch = scratch or Scratch()
        code = self.encode(x, product, scratch)
        rows = self.W_dec.to(kernels.gather_dtype(product, x.device))
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
        """Backpropagate the gradient of W_dec^T z, (tokens, d), to the parameters.

        `centred` is the encoder's input, (tokens, d); `rows` is W_dec in the dtype used
        for decoding. The gradient of b_pre is only its share through the code.
        """
        n, d = self.W_dec.shape
        narrow = rows.dtype
        d_value = kernels.gather_dot(code.index, rows, d_recon.to(narrow))
        d_pre = torch.where(code.value > 0, d_value, 0)  # (tokens, k)
        summed = torch.zeros(n, device=d_pre.device)
        summed.index_add_(0, code.index.reshape(-1), d_pre.reshape(-1))
        slots = kernels.by_feature(code.index, n)
        d_enc, d_dec = (
            scratch.empty(name, (n, d), torch.float32, d_pre.device)
            for name in ("d_enc", "d_dec")
        )
        gradients = {
            "W_enc": kernels.transposed_product(
                slots, d_pre, centred.to(narrow), d_enc
            ),
            "W_dec": kernels.transposed_product(
                slots, code.value, d_recon.to(narrow), d_dec
            ),
            "b_pre": -(summed @ self.W_enc),
        }
        return gradients if self.b_enc is None else gradients | {"b_enc": summed}

    def parameters(self) -> dict[str, Tensor]:
        """Return every learned tensor by its name in the store."""
        parameters = {"W_enc": self.W_enc, "W_dec": self.W_dec, "b_pre": self.b_pre}
        return parameters if self.b_enc is None else parameters | {"b_enc": self.b_enc}

    def to_numpy(self) -> dict[str, NDArray[np.float32]]:
        """Return the parameters as arrays for the store."""
        return {
            name: tensor.cpu().numpy() for name, tensor in self.parameters().items()
        }


def margin_after(value: Tensor, k: int) -> Tensor:
    """Return the relative gap after the k-th of descending values, (tokens, k + 1).

    (tokens,); 1 where fewer than k are used, or where no value follows.
    """
    last, after = value[:, k - 1], value[:, k:].sum(1)
    return torch.where(last > 0, (last - after) / last, 1.0)
