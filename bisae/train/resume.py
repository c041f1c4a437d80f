"""Save the state of a training run, and resume from it after an interruption.

Reads and writes one folder of the study's `work_dir`: state.json lists the files of the
last complete state with their checksums, and is replaced last, so a crash loses at most
what came after it.
"""

import json
import shutil
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from bisae.disk_errors import os_errors
from bisae.files import replace, sync
from bisae.progress import note
from bisae.sae import Trainer
from bisae.sae.kernels import Scratch
from bisae.store import Lease
from bisae.study import Sae
from bisae.train.job import TrainingJob

SHARE = 0.02
"""Maximum share of the time spent on saving."""
FIRST_SECONDS, FIRST_RATE = 0.1, 2e8
"""Assumed cost of the first save, until it is measured: seconds, and bytes per
second."""
PIECE = 2**24


class RunPosition(NamedTuple):
    """The position of a run in the text, without the state of its jobs."""

    tokens: int
    """Tokens trained on so far."""
    seconds: float
    """Seconds of training so far."""
    buffer: dict[str, Tensor]


class DamagedState(Exception):
    """A saved state differs from what was written."""


class TrainingState:
    """The saved state of one run, in a folder."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], lease: Lease) -> None:
        """`identity` is what must be equal for a state to be used.

        States of other jobs of the same checkpoint are in folders next to this one. The
        `lease` is the checkpoint's: its next holder resumes from the same state.
        """
        self.folder, self.lease = folder, lease
        self._identity = json.loads(json.dumps(identity))
        self._cost: float | None = None  # seconds that the last save took
        self._last_saved = time.monotonic()

    def load(
        self,
        jobs: Sequence[TrainingJob],
        settings: Sae,
        scratch: Scratch,
        device: torch.device,
    ) -> RunPosition | None:
        """Load the last state into the jobs; None, with a note, if it is unusable.

        The state may have been saved together with further jobs.
        """
        folders = [self.folder, *sorted(self.folder.parent.glob("*"))]
        for folder in folders:
            if (folder / "state.json").exists():
                position = self._load(folder, jobs, settings, scratch, device)
                if position:
                    return position
        return None

    def _load(
        self,
        folder: Path,
        jobs: Sequence[TrainingJob],
        settings: Sae,
        scratch: Scratch,
        device: torch.device,
    ) -> RunPosition | None:
        try:
            document = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            if document["identity"] != self._identity:
                note(f"{folder} was saved under other settings and is not used")
                return None
            if not {job.name for job in jobs} <= document["jobs"].keys():
                return None
            records = [document["jobs"][job.name] for job in jobs]
            buffer = _tensors(folder, document["buffer"], torch.device("cpu"))
            states = [_tensors(folder, record["file"], device) for record in records]
        except (DamagedState, OSError, KeyError, TypeError, ValueError) as error:
            note(f"{folder} is damaged ({error}) and is not used")
            return None
        for job, record, tensors in zip(jobs, records, states, strict=True):
            job.losses, job.seconds = record["losses"], record["seconds"]
            job.failed, job.convergence = record["failed"], record["convergence"]
            job.trainer = Trainer.from_state(
                tensors,
                settings,
                job.lr,
                record["steps"],
                scratch,
                frozen_decoder=job.frozen_decoder,
            )
        return RunPosition(document["tokens"], document["seconds"], buffer)

    def is_due(self, jobs: Sequence[TrainingJob]) -> bool:
        """Say if saving now stays within its share of the time."""
        cost = self._cost
        if cost is None:
            states = [job.trainer.state() for job in jobs if job.trainer]
            n_bytes = sum(
                tensor.nbytes for state in states for tensor in state.values()
            )
            cost = FIRST_SECONDS + n_bytes / FIRST_RATE
        return time.monotonic() - self._last_saved >= cost / SHARE

    def save(self, jobs: Sequence[TrainingJob], position: RunPosition) -> None:
        """Write the state, then remove the previous one, which an error leaves intact.

        Raises LeaseLost.
        """
        self.lease.check()
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = f"{self.lease.number}-{position.tokens}-"
        records: dict[str, Any] = {}
        for number, job in enumerate(jobs):
            assert job.trainer
            record = {"steps": job.trainer.steps, "losses": job.losses}
            record |= {"seconds": job.seconds, "failed": job.failed}
            record["convergence"] = job.convergence
            record["file"] = self._write(f"{mark}{number}", job.trainer.state())
            records[job.name] = record
        document = {
            "identity": self._identity,
            "tokens": position.tokens,
            "seconds": position.seconds,
            "buffer": self._write(f"{mark}buffer", position.buffer),
            "jobs": records,
        }
        self.lease.check()
        replace(self.folder / "state.json", json.dumps(document))
        for old in self.folder.glob("*.safetensors"):
            if not old.name.startswith(mark):
                old.unlink()
        self.lease.advanced = True
        self._last_saved = time.monotonic()
        self._cost = self._last_saved - began

    def remove(self) -> None:
        """Remove the state, and folders that become empty. Raises LeaseLost."""
        self.lease.check()
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # stops at the first folder that is not empty
            for folder in self.folder.parents:
                folder.rmdir()

    def _write(self, name: str, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
        path = self.folder / f"{name}.safetensors"
        with os_errors(path):
            save_file({k: v.contiguous() for k, v in tensors.items()}, path)
        sync(path)
        return {"name": path.name, "crc32": _crc32(path)}


def _tensors(
    folder: Path, file: Mapping[str, Any], device: torch.device
) -> dict[str, Tensor]:
    path = folder / file["name"]
    if _crc32(path) != file["crc32"]:
        msg = f"{path.name} has changed"
        raise DamagedState(msg)
    try:
        return load_file(path, device=str(device))
    except SafetensorError as error:
        raise DamagedState(str(error)) from error


def _crc32(path: Path) -> int:
    checksum = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            checksum = zlib.crc32(piece, checksum)
    return checksum
