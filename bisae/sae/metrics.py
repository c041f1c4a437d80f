"""Measure how well autoencoders reconstruct hidden states.

Takes hidden states and their reconstruction, some tokens at a time; returns metrics.
"""

import numpy as np
from torch import Tensor, cosine_similarity

from bisae.sae.autoencoder import Autoencoder, Reconstruction

FEWER = {"fvu_eighth_k": 8, "fvu_quarter_k": 4, "fvu_half_k": 2}
"""The metrics of reconstructions from the m strongest codes of each token, m ascending:
m is K divided by this."""


class ReconstructionMetrics:
    """Accumulate an autoencoder's metrics over tokens, in float64."""

    def __init__(self, sae: Autoencoder) -> None:
        n_features, d_model = sae.W_dec.shape
        self._sae = sae
        self._tokens = 0
        self._error = self._square = self._cosine = 0.0
        self._sum = np.zeros(d_model)
        self._n_active = 0
        self._whole = self._stored = 0.0
        self._active = np.zeros(n_features, bool)
        counts = {name: sae.k // divisor for name, divisor in FEWER.items()}
        self._counts = {name: m for name, m in counts.items() if m}
        self._fewer = dict.fromkeys(self._counts, 0.0)

    def add(self, x: Tensor, reconstruction: Reconstruction) -> None:
        """Add tokens (tokens, d) and their reconstruction."""
        recon, code = reconstruction.recon, reconstruction.code
        error = (recon - x).double().square().sum(1)
        cosine = cosine_similarity(x.double(), recon.double(), dim=1)
        self._tokens += len(x)
        self._error += float(error.sum())
        self._square += float(x.double().square().sum())
        self._cosine += float(cosine.sum())
        self._sum += x.double().sum(0).cpu().numpy()
        self._n_active += int(reconstruction.n_active.sum())
        self._whole += float(reconstruction.summed.sum())
        self._stored += float(code.value.double().sum())
        used = code.value > 0
        self._active[code.index[used].cpu().numpy()] = True
        fewer = self._sae.decode_strongest(code, [*self._counts.values()])
        for name, recon in zip(self._counts, fewer, strict=True):
            # In float32 within a token, which takes a tenth of the time.
            error = (recon - x).square().sum(1).double()
            self._fewer[name] += float(error.sum())

    def metrics(self) -> dict[str, float]:
        """mse (equation 3), variance, fvu, cosine, l0, n_dead, cut_share.

        `variance` is the denominator of fvu; `cut_share` is the share of the summed
        activations that is not stored. fvu_half_k, fvu_quarter_k and fvu_eighth_k are
        of the K // 2, K // 4 and K // 8 strongest codes, absent if that is none.
        """
        n = self._tokens
        variance = self._square / n - float(np.square(self._sum / n).sum())
        cut = 1 - self._stored / self._whole if self._whole else 0.0
        fewer = {name: error / n / variance for name, error in self._fewer.items()}
        return {
            "n_eval_tokens": n,
            "mse": self._error / n,
            "variance": variance,
            "fvu": self._error / n / variance,
            "cosine": self._cosine / n,
            "l0": self._n_active / n,
            "cut_share": max(0.0, cut),
            "n_dead": int((~self._active).sum()),
        } | fewer
