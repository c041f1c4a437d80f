"""TopK autoencoders of other projects: another K, or choosing by other values.

They are never trained here, only imported.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor
from torch.nn.functional import pad

from bisae.sae import kernels
from bisae.sae.autoencoder import Autoencoder, Code, Reconstruction, margin_after
from bisae.sae.kernels import Scratch


@dataclass
class RankedAutoencoder(Autoencoder):
    """z = TopK_top_k(ReLU(W_enc (x - b_pre) + b_enc)), chosen by rank_scale * z.

    Where decoder rows had norms other than 1, features are chosen before values are
    multiplied by these norms; rank_scale is 1 / norm. The stored code keeps the k
    largest values; metrics use all of them.
    """

    top_k: int = 0
    rank_scale: Tensor | None = None
    """(n,), positive."""

    def encode(
        self,
        x: Tensor,
        product: torch.dtype = torch.float32,
        scratch: Scratch | None = None,
    ) -> Code:
        """Return the k largest values of each token's active features."""
        return self._stored_slots(self._ranked(x, self.top_k, product, scratch))

    def encode_with_margin(self, x: Tensor) -> tuple[Code, Tensor]:
        """Encode x, as `Autoencoder`; features are chosen twice: by rank, by value."""
        ranked = self._ranked(x, min(self.top_k + 1, len(self.W_enc)))
        margin = margin_after(ranked.value, self.top_k)
        chosen = Code(ranked.index[:, : self.top_k], ranked.value[:, : self.top_k])
        wide = replace(self, k=self.k + 1)._stored_slots(chosen)
        code = Code(wide.index[:, : self.k], wide.value[:, : self.k])
        return code, margin.minimum(margin_after(wide.value, self.k))

    def reconstruct(self, x: Tensor, scratch: Scratch | None = None) -> Reconstruction:
        """Reconstruct tokens, (tokens, d), from all their active features."""
        ranked = self._ranked(x, self.top_k, scratch=scratch)
        whole = self._by_value(ranked).stored()
        n_active, summed = (whole.value > 0).sum(1), whole.value.double().sum(1)
        code = self._stored_slots(ranked).stored()
        return Reconstruction(code, self.decode(whole), n_active, summed)

    def _ranked(
        self,
        x: Tensor,
        count: int,
        product: torch.dtype = torch.float32,
        scratch: Scratch | None = None,
    ) -> Code:
        """Return the features that rank highest, `value` being what they rank by."""
        rows, bias = self._encoder
        arrays = kernels.encode(
            x - self.b_pre, rows, bias, count, product, scratch or Scratch()
        )
        return Code(*arrays)

    @cached_property
    def _encoder(self) -> tuple[Tensor, Tensor | None]:
        """The rows and biases whose products features rank by."""
        if self.rank_scale is None:
            return self.W_enc, self.b_enc
        bias = None if self.b_enc is None else self.b_enc * self.rank_scale
        return self.W_enc * self.rank_scale[:, None], bias

    def _by_value(self, ranked: Code) -> Code:
        """Return a ranked code with its values, in descending order."""
        if self.rank_scale is None:
            return ranked
        value = ranked.value / self.rank_scale[ranked.index]
        value, order = value.sort(dim=1, descending=True, stable=True)
        return Code(ranked.index.gather(1, order), value)

    def _stored_slots(self, ranked: Code) -> Code:
        """Return the k largest values of a ranked code, padded with unused slots."""
        code = self._by_value(ranked)
        unused = max(0, self.k - code.value.shape[1])
        index, value = (
            pad(slots[:, : self.k], (0, unused)) for slots in (code.index, code.value)
        )
        return Code(index, value)
