"""Train one autoencoder: that of a cell, or of a cell at one learning rate."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bisae.errors import TrainingError
from bisae.grid import Cell
from bisae.sae import Autoencoder, Trainer
from bisae.sae.kernels import Scratch
from bisae.study import Sae


@dataclass
class TrainingJob:
    """One autoencoder in training on the hidden states of one layer."""

    cell: Cell
    lr: float
    begin: Callable[[Tensor], Autoencoder]
    """Makes the autoencoder from the first batch, (tokens, d)."""
    frozen_decoder: bool = False
    """Leave the decoder as it begins."""
    trainer: Trainer | None = None
    losses: list[float] = field(default_factory=list)
    """The first step's loss, then that of every `log_every`th."""
    convergence: list[dict[str, Any]] = field(default_factory=list)
    """The rows of the table `convergence` that are measured already."""
    seconds: float = 0.0
    failed: str = ""
    """The reason that training cannot continue; "" if it can."""

    @property
    def name(self) -> str:
        """The cell and the learning rate as one word."""
        return f"{self.cell}@{self.lr:g}"

    @property
    def sae(self) -> Autoencoder:
        """The autoencoder. Raises TrainingError if there were no training tokens."""
        if self.trainer is None:
            msg = f"cell {self.cell}: there are no training tokens; give more text"
            raise TrainingError(msg)
        return self.trainer.sae

    def learn(self, x: Tensor, settings: Sae, scratch: Scratch) -> None:
        """Take one step on a batch (tokens, d); a non-finite loss fails the job."""
        began = time.perf_counter()
        if self.trainer is None:
            self.trainer = Trainer(
                self.begin(x),
                settings,
                self.lr,
                scratch,
                frozen_decoder=self.frozen_decoder,
            )
        loss = self.trainer.step(x)
        if self.trainer.steps == 1 or self.trainer.steps % settings.log_every == 0:
            self.losses.append(float(loss))
            if not math.isfinite(self.losses[-1]):
                self.failed = f"the loss is {self.losses[-1]} at step"
        self.seconds += time.perf_counter() - began
        self._complete_message()

    def check(self) -> None:
        """Fail the job if weights are not finite, whatever losses were logged."""
        if self.failed or self.trainer is None:
            return
        tensors = self.trainer.sae.parameters().values()
        if not all(bool(torch.isfinite(tensor).all()) for tensor in tensors):
            self.failed = "weights are not finite after step"
        self._complete_message()

    def _complete_message(self) -> None:
        if self.failed.endswith("step") and self.trainer:
            size, cell = self.cell.size, self.cell
            self.failed = (
                f"cell {cell}: {self.failed} {self.trainer.steps}; "
                f"give {size} a lower lr in [[models]]"
            )
