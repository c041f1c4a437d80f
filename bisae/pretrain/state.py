"""Save the training of a size between its checkpoints, and resume from there.

Reads and writes one file of the study's `work_dir`, replaced as a whole.
"""

import hashlib
import json
import time
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from bisae.disk import atomic_write
from bisae.disk_errors import os_errors
from bisae.progress import note
from bisae.study import PretrainModel, Study

SAVE_EVERY = 60.0
"""Seconds of training between two saves: what a kill loses at most."""


class PretrainState:
    """The saved training of one size: the model, its optimizer and the step."""

    def __init__(self, study: Study, shape: PretrainModel, last: int) -> None:
        self.file = Path(study.work_dir) / "pretrain" / f"{shape.size}.safetensors"
        settings = study.pretrain.model_dump() if study.pretrain else None
        parts = [settings, study.corpus.model_dump(), shape.model_dump(), last]
        text = json.dumps(parts, sort_keys=True, default=str)
        self._identity = hashlib.sha256(text.encode()).hexdigest()
        self._saved_at = time.monotonic()

    def load(self, model: Any, optimizer: torch.optim.Optimizer) -> int:
        """Load the state, if there is one of the same study; return its step."""
        if not self.file.exists():
            return 0
        try:
            with safe_open(self.file, framework="pt") as state:
                metadata = state.metadata()
                tensors = {name: state.get_tensor(name) for name in state.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            note(f"{self.file} is damaged ({error}) and is not used")
            return 0
        if metadata["identity"] != self._identity:
            note(f"{self.file} was saved under other settings and is not used")
            return 0
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(tensors[name])
                optimizer.state[parameter] = {
                    key: tensors[f"{key}:{name}"].to(parameter.device)
                    for key in ("step", "exp_avg", "exp_avg_sq")
                }
        return int(metadata["step"])

    def is_due(self) -> bool:
        """Return true if the last save is long enough ago."""
        return time.monotonic() - self._saved_at > SAVE_EVERY

    def save(self, model: Any, optimizer: torch.optim.Optimizer, step: int) -> None:
        """Save the state after `step` steps."""
        tensors = {}
        for name, parameter in model.named_parameters():
            tensors[name] = parameter.detach()
            for key, value in optimizer.state[parameter].items():
                tensors[f"{key}:{name}"] = value
        metadata = {"identity": self._identity, "step": str(step)}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.file) as scratch, os_errors(self.file):
            save_file(tensors, scratch, metadata)
        self._saved_at = time.monotonic()

    def remove(self) -> None:
        """Remove the state of a size that is finished."""
        self.file.unlink(missing_ok=True)
