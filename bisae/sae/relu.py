"""ReLU and JumpReLU autoencoders, with the interface of TopK ones.

The slides' baseline is a ReLU autoencoder with an L1 loss. Every positive
pre-activation is active, so gradients are dense; they are computed one block of tokens
at a time. JumpReLU is never trained here, only imported.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from bisae.sae import kernels
from bisae.sae.autoencoder import Autoencoder, Code, Gradients, Reconstruction
from bisae.sae.kernels import Scratch


@dataclass
class ReluAutoencoder(Autoencoder):
    """z = ReLU(W_enc (x - b_pre) + b_enc); loss = squared error + l1 * sum of z.

    With a threshold, pre-activations at or below it are 0 as well (JumpReLU,
    Rajamanoharan et al. 2024). The stored code keeps the k largest activations; metrics
    use all of them.
    """

    l1: float = 0.0
    threshold: Tensor | None = None
    """(n,), not negative."""

    def encode(
        self,
        x: Tensor,
        product: torch.dtype = torch.float32,
        scratch: Scratch | None = None,
    ) -> Code:
        """Return the k largest activations of tokens, (tokens, d)."""
        if self.threshold is None:
            return super().encode(x, product, scratch)
        scratch = scratch or Scratch()
        blocks = [
            kernels.select_top_k(
                self._activations(x[block] - self.b_pre, product), self.k, scratch
            )
            for block in kernels.row_blocks(x, len(self.W_enc))
        ]
        index, value = map(torch.cat, zip(*blocks, strict=True))
        return Code(index, value)

    def encode_with_margin(self, x: Tensor) -> tuple[Code, Tensor]:
        """Encode x, as `Autoencoder`; a value near its threshold is near, too."""
        code, margin = super().encode_with_margin(x)
        if self.threshold is not None:
            for block in kernels.row_blocks(x, len(self.W_enc)):
                pre = self._pre_activations(x[block] - self.b_pre, torch.float32)
                distance = (pre - self.threshold).abs() / self.threshold
                # Values near a threshold of 0 are near 0 themselves.
                distance.masked_fill_(self.threshold == 0, 1.0)
                margin[block] = margin[block].minimum(distance.amin(1))
        return code, margin

    def reconstruct(self, x: Tensor, scratch: Scratch | None = None) -> Reconstruction:
        """Reconstruct tokens, (tokens, d), from all their active features."""
        scratch, recon = scratch or Scratch(), torch.empty_like(x)
        index = torch.empty(len(x), self.k, dtype=torch.long, device=x.device)
        value = torch.empty(len(x), self.k, device=x.device)
        n_active = torch.empty(len(x), dtype=torch.long, device=x.device)
        summed = torch.empty(len(x), dtype=torch.double, device=x.device)
        for block in kernels.row_blocks(x, len(self.W_enc)):
            z = self._activations(x[block] - self.b_pre, torch.float32)
            recon[block] = z @ self.W_dec + self.b_pre
            n_active[block], summed[block] = (z > 0).sum(1), z.double().sum(1)
            index[block], value[block] = kernels.select_top_k(z, self.k, scratch)
        return Reconstruction(Code(index, value).stored(), recon, n_active, summed)

    def gradients(
        self,
        x: Tensor,
        product: torch.dtype = torch.float32,
        scratch: Scratch | None = None,
    ) -> Gradients:
        """Squared error over d + l1 * activations, mean over a batch (tokens, d)."""
        by_name = {name: torch.zeros_like(p) for name, p in self.parameters().items()}
        loss = torch.zeros((), device=x.device)
        error = torch.empty_like(x)
        active = torch.zeros(len(self.W_enc), dtype=torch.bool, device=x.device)
        for block in kernels.row_blocks(x, len(self.W_enc)):
            centred = x[block] - self.b_pre
            z = self._activations(centred, product)
            error[block] = z @ self.W_dec - centred
            loss += (error[block].square().sum() + self.l1 * z.sum()) / len(x)
            d_error = error[block] * (2 / len(x))
            d_pre = (d_error @ self.W_dec.T + self.l1 / len(x)) * (z > 0)
            by_name["W_enc"] += d_pre.T @ centred
            by_name["W_dec"] += z.T @ d_error
            by_name["b_pre"] += d_error.sum(0) - d_pre.sum(0) @ self.W_enc
            if self.b_enc is not None:
                by_name["b_enc"] += d_pre.sum(0)
            active |= (z > 0).any(0)
        return Gradients(loss, by_name, error, active)

    def _activations(self, centred: Tensor, product: torch.dtype) -> Tensor:
        pre = self._pre_activations(centred, product)
        if self.threshold is None:
            return pre.relu()
        return pre.where(pre > self.threshold, 0)

    def _pre_activations(self, centred: Tensor, product: torch.dtype) -> Tensor:
        pre = (centred.to(product) @ self.W_enc.T.to(product)).float()
        return pre if self.b_enc is None else pre + self.b_enc
