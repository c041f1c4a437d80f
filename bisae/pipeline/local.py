"""Build checkpoints in this process, alone or as one of several workers of a store.

The leases in the store divide the checkpoints among the workers: nothing else does.
"""

import random
import time
from collections.abc import Iterator
from itertools import zip_longest
from math import inf

from bisae.errors import LeaseHeld, LeaseLost, Unfinished
from bisae.grid import Checkpoint
from bisae.pipeline.checkpoint import build_checkpoint
from bisae.pipeline.prepare import Build
from bisae.progress import note
from bisae.store import read_failure

Failures = dict[Checkpoint, str]
"""The checkpoints that could not be built, with the reason."""
MOST_ATTEMPTS = 2
"""Failed attempts after which workers leave a checkpoint alone."""
POLL = 15.0
"""Seconds between two rounds over checkpoints that others build."""


def build_in_turn(build: Build) -> Failures:
    """Build one checkpoint after another; skip those that another process builds."""
    failures: Failures = {}
    for checkpoint, following in _with_following(build.checkpoints):
        try:
            _build(build, checkpoint, following, inf, failures)
        except LeaseHeld as error:
            note(f"{error}; skipping it")
        except Unfinished as error:
            failures[checkpoint] = str(error)
    return failures


def build_as_worker(build: Build, *, retry_failed: bool = False) -> Failures:
    """Build what no other process builds, until every checkpoint is built or failed.

    Each worker begins at a random checkpoint. One that failed MOST_ATTEMPTS times is
    tried again only with `retry_failed`, once by each worker.
    """
    most_attempts = inf if retry_failed else MOST_ATTEMPTS
    failures: Failures = {}
    blocked: Failures = {}
    remaining, n_noted = _from_random_start(build.checkpoints), 0
    while remaining:
        held, waiting = list[Checkpoint](), dict[Checkpoint, str]()
        for checkpoint, following in _with_following(remaining):
            try:
                _build(build, checkpoint, following, most_attempts, failures)
            except (LeaseHeld, LeaseLost):
                held.append(checkpoint)
            except Unfinished as error:
                waiting[checkpoint] = str(error)
        if not held and len(waiting) == len(remaining):
            blocked = waiting  # nobody builds what they wait for
            break
        if len(held) + len(waiting) == len(remaining):
            if len(held) != n_noted:
                n_noted = len(held)
                note(
                    f"others build {n_noted} of the checkpoints that are left; waiting"
                )
            time.sleep(POLL)
        remaining = [c for c in remaining if c in held or c in waiting]
    # Another worker may have built what failed here.
    failed = {c: why for c, why in failures.items() if read_failure(build.store, c)}
    return failed | blocked


def _with_following(
    checkpoints: list[Checkpoint],
) -> Iterator[tuple[Checkpoint, Checkpoint | None]]:
    return zip_longest(checkpoints, checkpoints[1:])


def _build(
    build: Build,
    checkpoint: Checkpoint,
    following: Checkpoint | None,
    most_attempts: float,
    failures: Failures,
) -> None:
    if failure := build_checkpoint(build, checkpoint, most_attempts, following):
        failures[checkpoint] = str(failure)
        note(f"{checkpoint} failed: {failure}")


def _from_random_start(checkpoints: list[Checkpoint]) -> list[Checkpoint]:
    first = random.randrange(len(checkpoints)) if checkpoints else 0
    return checkpoints[first:] + checkpoints[:first]
