"""Train one autoencoder with Adam, and save and restore the optimizer's state."""

from collections.abc import Mapping

import torch
from torch import Tensor

from bisae.sae import kernels
from bisae.sae.autoencoder import Autoencoder, Gradients
from bisae.sae.kernels import Scratch
from bisae.sae.make import from_tensors
from bisae.study import Sae

MOMENTS = ("exp_avg", "exp_avg_sq")


class Trainer:
    """Adam with a linear warm-up, then a constant learning rate.

    Every direction has unit norm after every step. A `frozen_decoder` keeps the
    directions that it has.
    """

    def __init__(
        self,
        sae: Autoencoder,
        settings: Sae,
        lr: float,
        scratch: Scratch | None = None,
        *,
        frozen_decoder: bool = False,
    ) -> None:
        self.sae = sae
        self._frozen_decoder = frozen_decoder
        self._scratch = scratch or Scratch()
        self.steps = 0
        self._settings = settings
        self._lr = lr
        self._product = product_dtype(settings, sae.W_enc.device)
        self._adam = torch.optim.Adam(
            list(self._trained().values()),
            lr=lr,
            betas=(settings.adam_beta1, settings.adam_beta2),
            eps=settings.adam_eps,
            fused=True,
        )
        # Training tokens since each feature was last active, for AuxK's dead ones.
        self._idle = torch.zeros(
            len(sae.W_enc), dtype=torch.long, device=sae.W_enc.device
        )

    @torch.no_grad()
    def step(self, x: Tensor) -> Tensor:
        """Take a step on a batch, (tokens, d); return the loss before the step."""
        self.steps += 1
        for group in self._adam.param_groups:
            group["lr"] = self._lr * min(
                1.0, self.steps / max(1, self._settings.warmup_steps)
            )
        gradients = self.sae.gradients(x, self._product, self._scratch)
        loss = gradients.loss
        if self._settings.aux_weight:
            loss = loss + self._revive(x, gradients)
        self._idle = torch.where(gradients.active, 0, self._idle + len(x))
        directions = self.sae.W_dec
        if self._settings.remove_parallel:
            _remove_parallel(gradients.by_name["W_dec"], directions)
        for name, parameter in self._trained().items():
            parameter.grad = gradients.by_name[name]
        self._adam.step()
        self._adam.zero_grad()
        if not self._frozen_decoder:
            directions.div_(directions.norm(dim=1, keepdim=True).clamp_min(1e-12))
        return loss

    def _trained(self) -> dict[str, Tensor]:
        """Return the parameters that are trained, by name."""
        parameters = dict(self.sae.parameters())
        if self._frozen_decoder:
            del parameters["W_dec"]
        return parameters

    def state(self) -> dict[str, Tensor]:
        """Return everything that the next step depends on, by name."""
        state = dict(self.sae.parameters()) | {"idle": self._idle}
        for name, parameter in self._trained().items():
            moments = self._adam.state[parameter]
            state |= {f"{moment}.{name}": moments[moment] for moment in MOMENTS}
        return state

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Tensor],
        settings: Sae,
        lr: float,
        steps: int,
        scratch: Scratch | None = None,
        *,
        frozen_decoder: bool = False,
    ) -> "Trainer":
        """Restore a trainer from its `state` after `steps` steps."""
        sae = from_tensors(state, settings)
        trainer = cls(sae, settings, lr, scratch, frozen_decoder=frozen_decoder)
        trainer.steps = steps
        trainer._idle = state["idle"]
        for name, parameter in trainer._trained().items():
            counted = torch.tensor(float(steps), device=parameter.device)
            moments = {moment: state[f"{moment}.{name}"] for moment in MOMENTS}
            trainer._adam.state[parameter] = {"step": counted} | moments
        return trainer

    def _revive(self, x: Tensor, gradients: Gradients) -> Tensor:
        """AuxK (Gao et al. 2024, appendix A.2): dead features model the residual.

        aux_weight * the mean over tokens of ||e^ - e||^2, with e = x - x^ constant and
        e^ decoded from the top aux_k dead features. Adds its gradients to `gradients`.
        """
        dead = (self._idle >= self._settings.dead_tokens).nonzero()[:, 0]
        if not len(dead):
            return torch.zeros((), device=x.device)
        b_enc = self.sae.b_enc
        dead_sae = Autoencoder(
            self.sae.W_enc[dead],
            self.sae.W_dec[dead],
            self.sae.b_pre,
            None if b_enc is None else b_enc[dead],
            min(self._settings.aux_k, len(dead)),
        )
        aux_scratch = (
            Scratch()
        )  # the other one holds the gradients that these are added to
        code = dead_sae.encode(x, self._product, aux_scratch)
        rows = dead_sae.W_dec.to(kernels.gather_dtype(self._product, x.device))
        error = kernels.decode(code.index, code.value, rows) + gradients.error
        weight = self._settings.aux_weight
        d_error = error * (2 * weight / len(x))
        by_name = dead_sae.through_code(
            code, d_error, x - dead_sae.b_pre, rows, aux_scratch
        )
        gradients.by_name["b_pre"].add_(by_name.pop("b_pre"))
        for name, gradient in by_name.items():
            gradients.by_name[name].index_add_(0, dead, gradient)
        return weight * error.square().sum(1).mean()


def product_dtype(settings: Sae, device: torch.device) -> torch.dtype:
    """Return the dtype of the encoder's matrix product on a device."""
    if settings.product == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[settings.product]


def _remove_parallel(gradient: Tensor, directions: Tensor) -> None:
    """Remove from each row its component along its unit direction, in place."""
    along = (gradient * directions).sum(1, keepdim=True)
    gradient.addcmul_(along, directions, value=-1)
