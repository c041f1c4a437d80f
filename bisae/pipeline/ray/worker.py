"""Run on a worker of a cluster: one attempt to build one checkpoint.

A worker gets a few strings and numbers, and returns a line: all data are in the store.
"""

import socket
import traceback
from math import inf
from pathlib import Path
from typing import Literal, NamedTuple

import torch

from bisae import __version__
from bisae.errors import BisaeError, LeaseHeld, MachineError, Unfinished, with_location
from bisae.files import any_path
from bisae.grid import Checkpoint
from bisae.interrupts import ending_on_signals
from bisae.pipeline.checkpoint import build_checkpoint, open_build
from bisae.progress import use_plain_lines
from bisae.store import is_store


class Task(NamedTuple):
    """One checkpoint to build, as a worker is told of it."""

    path: str
    """The study file."""
    store: str
    checkpoint: Checkpoint
    name: str
    """The same for every attempt, so that one takes over the lease of the last."""
    layers: frozenset[int] = frozenset()
    """The selected layers; none for all."""
    following: Checkpoint | None = None
    """The checkpoint that comes next on this machine, to be downloaded meanwhile."""
    threads: int = 1
    training_bytes: int | None = None
    """The memory that training may use; None for the study's own setting."""
    most_attempts: float = inf
    trust_remote_code: bool = False
    version: str = __version__


class Outcome(NamedTuple):
    """The end of one attempt."""

    kind: Literal["built", "failed", "held", "waiting", "died", "unable"]
    """`held` by another process, `waiting` for another checkpoint, `unable` if it is
    the machine or the store that lacks something."""
    reason: str = ""


def run_task(task: Task) -> Outcome:
    """Try to build a checkpoint; say how that ended. Raises only what a signal does."""
    try:
        with ending_on_signals():
            return _attempt(task)
    except LeaseHeld as error:
        return Outcome("held", str(error))
    except Unfinished as error:
        return Outcome("waiting", str(error))
    except BisaeError as error:
        return Outcome("unable", f"{socket.gethostname()}: {with_location(error)}")
    except Exception as error:
        traceback.print_exception(error)
        return Outcome("unable", f"{socket.gethostname()}: {error!r}")


def _attempt(task: Task) -> Outcome:
    use_plain_lines()
    torch.set_num_threads(task.threads)
    _check_machine(task)
    build = open_build(
        Path(task.path),
        task.checkpoint,
        task.layers,
        task.following,
        trust_remote_code=task.trust_remote_code,
    )
    store = build.store
    store.task = task.name
    if task.training_bytes:
        update = {"memory_gb": task.training_bytes / 1e9}
        lm = store.study.lm.model_copy(update=update)
        store.study = store.study.model_copy(update={"lm": lm})
    failure = build_checkpoint(
        build, task.checkpoint, task.most_attempts, task.following
    )
    return Outcome("failed", str(failure)) if failure else Outcome("built")


def _check_machine(task: Task) -> None:
    """Raise MachineError if this machine cannot work on the store with the others."""
    if task.version != __version__:
        msg = f"bisae {__version__} is installed, not {task.version}; install the same "
        msg += "version on all machines"
        raise MachineError(msg)
    if not Path(task.path).is_file():
        msg = f"there is no {task.path}; keep the study where all machines see it"
        raise MachineError(msg)
    if not is_store(any_path(task.store)):
        msg = f"there is no store {task.store}; keep it where all machines see it, on "
        msg += "a shared file system or in an object store"
        raise MachineError(msg)
