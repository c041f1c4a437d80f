"""The failures of checkpoints: why a checkpoint could not be built, how often, where.

Reads and writes `failures/<size>/<step>.json` in the store; a checkpoint that is built
has none.
"""

import json
import socket
import time
from typing import NamedTuple

from bisae.files import AnyPath, make_folder, read, remove, replace
from bisae.grid import Checkpoint
from bisae.store.guard import explain_write_errors
from bisae.store.store import Store

LONGEST_ERROR = 1000
"""Characters of an error that are stored."""


class CheckpointFailure(NamedTuple):
    """The failed attempts to build a checkpoint; `error` and `host` are the last's."""

    error: str
    """One line."""
    attempts: int
    host: str
    time: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        if self.attempts == 1:
            return self.error
        return f"{self.error} ({self.attempts} attempts, the last on {self.host})"


FIELD_TYPES = tuple(CheckpointFailure.__annotations__.values())


def read_failure(store: Store, checkpoint: Checkpoint) -> CheckpointFailure | None:
    """Return the failure of a checkpoint, or None; a malformed file counts as none."""
    try:
        failure = CheckpointFailure(**json.loads(read(_file(store, checkpoint))))
        if any(type(v) is not k for v, k in zip(failure, FIELD_TYPES, strict=True)):
            raise TypeError
        if not (failure.error + failure.host).isprintable() or failure.attempts < 1:
            raise ValueError
        return failure
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def record_failure(
    store: Store, checkpoint: Checkpoint, error: str, host: str | None = None
) -> CheckpointFailure:
    """Count one more failed attempt, by default on this host."""
    before = read_failure(store, checkpoint)
    failure = CheckpointFailure(
        error=_printable(error),
        attempts=1 + (before.attempts if before else 0),
        host=host or socket.gethostname(),
        time=time.time(),
    )
    file = _file(store, checkpoint)
    with explain_write_errors(f"the failure of {checkpoint}", store.path):
        make_folder(file.parent)
        replace(file, json.dumps(failure._asdict(), indent=1) + "\n")
    return failure


def forget_failure(store: Store, checkpoint: Checkpoint) -> None:
    """Remove the failure of a checkpoint that was built or removed."""
    if (file := _file(store, checkpoint)).exists():
        remove(file)


def _printable(error: str) -> str:
    """Return an error on one line, without control characters."""
    line = " ".join(error.split())[:LONGEST_ERROR]
    return "".join(c if c.isprintable() else "?" for c in line)


def _file(store: Store, checkpoint: Checkpoint) -> AnyPath:
    return store.path / "failures" / checkpoint.size / f"{checkpoint.step}.json"
