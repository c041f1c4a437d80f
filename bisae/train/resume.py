"""The state of a training run on the disk, for when it is interrupted.

Reads and writes one folder of the study's `work_dir`: state.json names the files of the
last whole state and their sums, and is replaced last, so a crash loses at most what
came after it.
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
from bisae.train.job import Job

SHARE = 0.02
"""Of the time, at most, that goes into saving."""
FIRST_SECONDS, FIRST_RATE = 0.1, 2e8
"""What the first save is taken to cost, until it is measured: seconds, and bytes a
second."""
PIECE = 2**24


class Saved(NamedTuple):
    """Where a run stood, beside what was put back into its jobs."""

    tokens: int
    """Tokens that were trained on."""
    seconds: float
    """Time that this took."""
    buffer: dict[str, Tensor]


class Damaged(Exception):
    """A state that is not what was written."""


class Keeper:
    """Keeps the state of one run in a folder."""

    def __init__(self, folder: Path, identity: Mapping[str, Any], lease: Lease) -> None:
        """`identity` says what is trained on what; a state of another is not used.

        States of other jobs of the same checkpoint stand in folders beside this one.
        The `lease` is the checkpoint's: its next holder goes on from the same state.
        """
        self.folder, self.lease = folder, lease
        self._identity = json.loads(json.dumps(identity))
        self._cost: float | None = None  # seconds that the last save took
        self._rested = time.monotonic()

    def load(
        self, jobs: Sequence[Job], settings: Sae, scratch: Scratch, device: torch.device
    ) -> Saved | None:
        """Put the last state into the jobs; None, and a word, if it cannot be used.

        The state may be one that was kept with other jobs beside these.
        """
        folders = [self.folder, *sorted(self.folder.parent.glob("*"))]
        for folder in folders:
            if (folder / "state.json").exists():
                found = self._load(folder, jobs, settings, scratch, device)
                if found:
                    return found
        return None

    def _load(
        self,
        folder: Path,
        jobs: Sequence[Job],
        settings: Sae,
        scratch: Scratch,
        device: torch.device,
    ) -> Saved | None:
        try:
            told = json.loads((folder / "state.json").read_text(encoding="utf-8"))
            if told["identity"] != self._identity:
                note(f"{folder} was kept under other settings, and is not used")
                return None
            if not {job.name for job in jobs} <= told["jobs"].keys():
                return None
            kept = [told["jobs"][job.name] for job in jobs]
            buffer = _tensors(folder, told["buffer"], torch.device("cpu"))
            parts = [_tensors(folder, one["file"], device) for one in kept]
        except (Damaged, OSError, KeyError, TypeError, ValueError) as error:
            note(f"{folder} is damaged ({error}), and is not used")
            return None
        for job, one, tensors in zip(jobs, kept, parts, strict=True):
            job.losses, job.seconds = one["losses"], one["seconds"]
            job.failed = one["failed"]
            job.trainer = Trainer.resumed(
                tensors, settings, job.lr, one["steps"], scratch
            )
        return Saved(told["tokens"], told["seconds"], buffer)

    def is_due(self, jobs: Sequence[Job]) -> bool:
        """Whether saving now keeps within its share of the time."""
        cost = self._cost
        if cost is None:
            states = [job.trainer.state() for job in jobs if job.trainer]
            held = sum(one.nbytes for state in states for one in state.values())
            cost = FIRST_SECONDS + held / FIRST_RATE
        return time.monotonic() - self._rested >= cost / SHARE

    def save(self, jobs: Sequence[Job], state: Saved) -> None:
        """Write the state, then let go of the one before. An error leaves that one.

        Raises LeaseLost.
        """
        self.lease.check()
        began = time.monotonic()
        self.folder.mkdir(parents=True, exist_ok=True)
        mark = f"{self.lease.number}-{state.tokens}-"
        kept: dict[str, Any] = {}
        for number, job in enumerate(jobs):
            assert job.trainer
            one = {"steps": job.trainer.steps, "losses": job.losses}
            one |= {"seconds": job.seconds, "failed": job.failed}
            one["file"] = self._write(f"{mark}{number}", job.trainer.state())
            kept[job.name] = one
        told = {
            "identity": self._identity,
            "tokens": state.tokens,
            "seconds": state.seconds,
            "buffer": self._write(f"{mark}buffer", state.buffer),
            "jobs": kept,
        }
        self.lease.check()
        replace(self.folder / "state.json", json.dumps(told))
        for old in self.folder.glob("*.safetensors"):
            if not old.name.startswith(mark):
                old.unlink()
        self._rested = time.monotonic()
        self._cost = self._rested - began

    def remove(self) -> None:
        """Remove the state, and folders that are left empty. Raises LeaseLost."""
        self.lease.check()
        shutil.rmtree(self.folder, ignore_errors=True)
        with suppress(OSError):  # the first that is not empty
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
        raise Damaged(msg)
    try:
        return load_file(path, device=str(device))
    except SafetensorError as error:
        raise Damaged(str(error)) from error


def _crc32(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            found = zlib.crc32(piece, found)
    return found
