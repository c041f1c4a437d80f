"""Build checkpoints as tasks of a Ray cluster, one task for each checkpoint.

This runs where the command does, and is the only door to Ray; `task` is what workers
run. Writes the failures of checkpoints whose workers die.
"""

import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

import torch

from bisae.errors import MachineError, one_line
from bisae.grid import Checkpoint
from bisae.interrupts import handlers
from bisae.memory import device_of
from bisae.pipeline.local import MOST_ATTEMPTS, POLL, Failures
from bisae.pipeline.plan import TaskMemory, task_memory
from bisae.pipeline.prepare import Build
from bisae.pipeline.task import Outcome, Task, run_task
from bisae.progress import note
from bisae.store import record_failure

try:
    import ray
except ImportError as error:
    msg = "Ray is not installed; `pip install 'bisae[ray]'` installs it"
    raise MachineError(msg) from error

MOST_DEATHS = 3
"""Workers that may die of one checkpoint before it counts as failed."""
OBJECT_STORE = 80 * 2**20
"""Bytes of a local cluster's object store, through which only lines of text go."""
CONNECTING = 10.0
"""Seconds that a cluster has to answer."""
SAVING = 300.0
"""Seconds that workers have to save their state when the command is stopped."""


class Resources(NamedTuple):
    """What a task asks Ray for."""

    num_cpus: int
    num_gpus: int
    memory: int
    """Bytes of the host."""


def build_with_ray(
    build: Build,
    path: Path,
    address: str | None = None,
    *,
    retry_failed: bool = False,
    trust_remote_code: bool = False,
) -> Failures:
    """Build every checkpoint of a study file, until each is built or failed.

    Without an `address`, on a cluster of this machine alone, which ends with the call.
    Raises MachineError if the cluster cannot be reached or a machine of it lacks
    something.
    """
    study = build.store.study
    with _cluster(address):
        memory = {c.size: task_memory(study, c.size) for c in build.checkpoints}
        n_gpus = 1 if device_of(study).type == "cuda" else 0
        resources = {size: _resources(memory[size], n_gpus) for size in memory}
        run = uuid4().hex
        tasks = {
            checkpoint: Task(
                path=str(path.resolve()),
                store=str(build.store.path.absolute()),
                checkpoint=checkpoint,
                name=f"{run} {checkpoint}",
                layers=frozenset(cell.layer for cell in build.cells_of(checkpoint)),
                threads=resources[checkpoint.size].num_cpus,
                training_bytes=memory[checkpoint.size].training_bytes,
                most_attempts=inf if retry_failed else MOST_ATTEMPTS,
                trust_remote_code=trust_remote_code,
            )
            for checkpoint in build.checkpoints
        }
        return _Run(build, tasks, resources).to_the_end()


@contextmanager
def _cluster(address: str | None) -> Iterator[None]:
    """Join a cluster, or start one on this machine. Raises MachineError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_COLOR_PREFIX", "0")
    options: dict[str, Any] = {"address": address or "local", "logging_level": "ERROR"}
    if address is None:
        # Ray would take all cores of the machine, whatever a job may use.
        options["num_cpus"] = len(os.sched_getaffinity(0))
        options["num_gpus"] = torch.cuda.device_count()
        options |= {"object_store_memory": OBJECT_STORE, "include_dashboard": False}
    before = handlers()
    try:
        _check_reachable(address or "")
        ray.init(**options)
    except Exception as error:
        where = f"join the Ray cluster at {address}" if address else "start Ray"
        msg = f"cannot {where}: {one_line(error)}; `ray status` shows if it runs"
        raise MachineError(msg) from error
    for number, handler in before.items():
        signal.signal(number, handler)  # Ray ends at once, without its tasks' states
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Raise OSError for an address that does not answer: Ray tries for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), CONNECTING).close()


def _resources(memory: TaskMemory, n_gpus: int) -> Resources:
    """Return a task's share of the machines that are large enough.

    Each machine runs as many tasks at once as its memory and GPUs allow, and divides
    its cores among them. Raises MachineError if no machine is large enough.
    """
    shares = [
        int(
            node["CPU"]
            / max(1, min(node["CPU"], *_tasks_at_once(node, memory, n_gpus)))
        )
        for node in (node["Resources"] for node in ray.nodes() if node["Alive"])
        if node.get("CPU", 0) >= 1 and min(_tasks_at_once(node, memory, n_gpus)) >= 1
    ]
    if not shares:
        msg = f"no machine of the Ray cluster has {memory.host_bytes / 1e9:.1f} GB of "
        msg += (
            f"memory{' and a GPU' if n_gpus else ''} for one checkpoint; lower [sae] "
        )
        msg += "batch_tokens or buffer_batches, or [lm] memory_gb"
        raise MachineError(msg)
    return Resources(min(shares), n_gpus, memory.host_bytes)


def _tasks_at_once(
    node: dict[str, float], memory: TaskMemory, n_gpus: int
) -> list[float]:
    """Return how many tasks a machine's memory and GPUs allow at once."""
    by_memory = node.get("memory", 0) // memory.host_bytes
    return [by_memory, node.get("GPU", 0)] if n_gpus else [by_memory]


class _Run:
    """The tasks of one call: which are running, which wait, which failed."""

    def __init__(
        self,
        build: Build,
        tasks: dict[Checkpoint, Task],
        resources: dict[str, Resources],
    ) -> None:
        self._build, self._tasks = build, tasks
        # Ray's own retries have no end when memory runs out: here they are counted.
        remote = ray.remote(run_task)
        self._functions = {
            size: remote.options(**need._asdict(), max_retries=0)
            for size, need in resources.items()
        }
        self._running: dict[Any, Checkpoint] = {}
        self._postponed: dict[Checkpoint, Outcome] = {}
        self._deaths = Counter[Checkpoint]()
        self._failures: Failures = {}

    def to_the_end(self) -> Failures:
        """Run all tasks; when stopped, let them save their state first."""
        try:
            for checkpoint in self._tasks:
                self._start(checkpoint)
            while self._running:
                (finished, *_), _ = ray.wait(list(self._running))
                checkpoint = self._running.pop(finished)
                self._take(checkpoint, _outcome(finished))
                if not self._running:
                    self._end_or_wait()
        except BaseException:
            self._cancel()
            raise
        return self._failures

    def _start(self, checkpoint: Checkpoint) -> None:
        reference = self._functions[checkpoint.size].remote(self._tasks[checkpoint])
        self._running[reference] = checkpoint

    def _take(self, checkpoint: Checkpoint, outcome: Outcome) -> None:
        """Act on the end of an attempt. Raises MachineError."""
        match outcome.kind:
            case "built":
                note(f"{checkpoint}: built")
                self._start_postponed()
            case "failed":
                self._fail(checkpoint, outcome.reason)
            case "held" | "waiting":
                self._postponed[checkpoint] = outcome
            case "unable":
                raise MachineError(outcome.reason)
            case "died":
                self._deaths[checkpoint] += 1
                self._retry_dead(checkpoint, outcome.reason)

    def _retry_dead(self, checkpoint: Checkpoint, reason: str) -> None:
        deaths = self._deaths[checkpoint]
        if deaths < MOST_DEATHS:
            note(f"{checkpoint}: the worker died ({reason}); trying again")
            self._start(checkpoint)
            return
        store = self._build.store
        holder = store.holder(checkpoint)
        error = f"{deaths} workers died: {reason}"
        failure = record_failure(store, checkpoint, error, holder and holder.host)
        self._fail(checkpoint, str(failure))

    def _fail(self, checkpoint: Checkpoint, reason: str) -> None:
        note(f"{checkpoint} failed: {reason}")
        self._failures[checkpoint] = reason

    def _start_postponed(self) -> None:
        """Start what others held or what waited for other checkpoints, once more."""
        for checkpoint in [*self._postponed]:
            del self._postponed[checkpoint]
            self._start(checkpoint)

    def _end_or_wait(self) -> None:
        """When nothing runs: wait for those who hold checkpoints, if anybody does."""
        if any(outcome.kind == "held" for outcome in self._postponed.values()):
            time.sleep(POLL)
            self._start_postponed()
        for checkpoint, outcome in self._postponed.items():
            self._fail(checkpoint, outcome.reason)

    def _cancel(self) -> None:
        """Stop all tasks and wait until they have saved their state."""
        for reference in self._running:
            ray.cancel(reference)
        ray.wait(list(self._running), num_returns=len(self._running), timeout=SAVING)


def _outcome(reference: Any) -> Outcome:
    """Return the end of an attempt, also of one whose worker died."""
    try:
        outcome: Outcome = ray.get(reference)
        return outcome
    except ray.exceptions.RayTaskError as error:
        return Outcome("unable", one_line(error.cause))
    except ray.exceptions.RayError as error:
        return Outcome("died", one_line(error))
