"""The dense TopK step, as most code has it: the yardstick of the other benchmarks.

Codes as wide as the dictionary, gradients by autograd, Adam: the paper's method, from
equations 1 to 3.
"""

import torch
from torch import Tensor


class Dense:
    """One autoencoder for inputs of width d, and its optimizer."""

    def __init__(self, d: int, n: int, k: int, device: str) -> None:
        self.k = k
        rows = torch.nn.functional.normalize(torch.randn(n, d, device=device), dim=1)
        self.W_enc = rows.clone().requires_grad_()
        self.W_dec = rows.clone().requires_grad_()
        self.b_pre = torch.zeros(d, device=device, requires_grad=True)
        parameters = [self.W_enc, self.W_dec, self.b_pre]
        self.adam = torch.optim.Adam(parameters, lr=1e-3, eps=6.25e-10)

    def step(self, x: Tensor) -> None:
        """Train on a batch (tokens, d)."""
        pre = ((x - self.b_pre) @ self.W_enc.T).relu()
        top = pre.topk(self.k, dim=1)
        code = torch.zeros_like(pre).scatter(1, top.indices, top.values)
        recon = code @ self.W_dec + self.b_pre
        loss = (recon - x).square().sum(1).mean()
        self.adam.zero_grad()
        loss.backward()
        self.adam.step()
        with torch.no_grad():
            self.W_dec /= self.W_dec.norm(dim=1, keepdim=True)
