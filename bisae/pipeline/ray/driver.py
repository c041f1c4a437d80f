"""Run a task for each checkpoint on a Ray cluster, until each is built or failed.

This runs where the command does. Reads the outcomes of tasks; writes the failures of
checkpoints whose workers die.
"""

import time
from collections import Counter, deque
from math import inf
from pathlib import Path
from typing import Any
from uuid import uuid4

from bisae.errors import MachineError, one_line
from bisae.grid import Checkpoint
from bisae.memory import device_of
from bisae.pipeline.local import MOST_ATTEMPTS, POLL, Failures
from bisae.pipeline.plan import task_memory
from bisae.pipeline.prepare import Build
from bisae.pipeline.ray.cluster import (
    NodeAffinitySchedulingStrategy,
    Resources,
    capacity,
    cluster,
    ray,
    resources,
)
from bisae.pipeline.ray.worker import Outcome, Task, run_task
from bisae.progress import note
from bisae.store import record_failure

MOST_DEATHS = 3
"""Workers that may die of one checkpoint before it counts as failed."""
SAVING = 300.0
"""Seconds that workers have to save their state when the command is stopped."""


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
    study, run = build.store.study, uuid4().hex
    with cluster(address):
        memory = {c.size: task_memory(study, c.size) for c in build.checkpoints}
        n_gpus = 1 if device_of(study).type == "cuda" else 0
        needs = {size: resources(memory[size].host_bytes, n_gpus) for size in memory}
        tasks = {
            checkpoint: Task(
                path=str(path.resolve()),
                store=str(build.store.path.absolute()),
                checkpoint=checkpoint,
                name=f"{run} {checkpoint}",
                layers=frozenset(cell.layer for cell in build.cells_of(checkpoint)),
                threads=needs[checkpoint.size].num_cpus,
                training_bytes=memory[checkpoint.size].training_bytes,
                most_attempts=inf if retry_failed else MOST_ATTEMPTS,
                trust_remote_code=trust_remote_code,
            )
            for checkpoint in build.checkpoints
        }
        return _Run(build, tasks, needs).to_the_end()


class _Run:
    """The tasks of one call: which are running, which wait, which failed."""

    def __init__(
        self,
        build: Build,
        tasks: dict[Checkpoint, Task],
        needs: dict[str, Resources],
    ) -> None:
        self._build, self._tasks, self._needs = build, tasks, needs
        # Ray's own retries have no end when memory runs out: here they are counted.
        # A process that used a GPU ends, since it would keep some of its memory.
        self._functions = {
            size: ray.remote(**need._asdict(), max_retries=0, max_calls=need.num_gpus)(
                _run_here
            )
            for size, need in needs.items()
        }
        self._waiting = deque(tasks)
        self._running: dict[Any, Checkpoint] = {}
        self._following: dict[Checkpoint, Checkpoint] = {}
        self._postponed: dict[Checkpoint, Outcome] = {}
        self._deaths = Counter[Checkpoint]()
        self._failures: Failures = {}

    def to_the_end(self) -> Failures:
        """Run all tasks; when stopped, let them save their state first."""
        try:
            self._start_waiting()
            while self._running:
                (finished, *_), _ = ray.wait(list(self._running))
                checkpoint = self._running.pop(finished)
                outcome, machine = _outcome(finished)
                self._take(checkpoint, outcome)
                self._go_on(checkpoint, machine)
                self._start_waiting()
                if not self._running:
                    self._end_or_wait()
        except BaseException:
            self._cancel()
            raise
        return self._failures

    def _start_waiting(self) -> None:
        """Start as many tasks as fit, so that Ray has none of its own to choose."""
        while self._waiting:
            need = self._needs[self._waiting[0].size]
            if len(self._running) >= max(1, capacity(need)):
                break
            self._start(self._waiting.popleft())

    def _go_on(self, checkpoint: Checkpoint, machine: str | None) -> None:
        """Start what was downloaded during a task, on the machine that has it."""
        if following := self._following.pop(checkpoint, None):
            if machine:
                self._start(following, machine)
            else:
                self._waiting.appendleft(following)

    def _start(self, checkpoint: Checkpoint, machine: str | None = None) -> None:
        """Start a task, and choose what its machine builds next.

        The last checkpoints are left to the machines that are free first.
        """
        task, function = self._tasks[checkpoint], self._functions[checkpoint.size]
        if len(self._waiting) > len(self._running):
            self._following[checkpoint] = following = self._waiting.popleft()
            task = task._replace(following=following)
        if machine:
            strategy = NodeAffinitySchedulingStrategy(machine, soft=True)
            function = function.options(scheduling_strategy=strategy)
        self._running[function.remote(task)] = checkpoint

    def _take(self, checkpoint: Checkpoint, outcome: Outcome) -> None:
        """Act on the end of an attempt. Raises MachineError."""
        match outcome.kind:
            case "built":
                note(f"{checkpoint}: built")
                self._try_postponed()
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
            self._waiting.appendleft(checkpoint)
            return
        store = self._build.store
        holder = store.holder(checkpoint)
        error = f"{deaths} workers died: {reason}"
        failure = record_failure(store, checkpoint, error, holder and holder.host)
        self._fail(checkpoint, str(failure))

    def _fail(self, checkpoint: Checkpoint, reason: str) -> None:
        note(f"{checkpoint} failed: {reason}")
        self._failures[checkpoint] = reason

    def _try_postponed(self) -> None:
        """Try what others held or what waited for other checkpoints, once more."""
        self._waiting.extend(self._postponed)
        self._postponed.clear()

    def _end_or_wait(self) -> None:
        """Wait for others who hold checkpoints; if nobody does, nothing is left."""
        if any(outcome.kind == "held" for outcome in self._postponed.values()):
            time.sleep(POLL)
            self._try_postponed()
            self._start_waiting()
        for checkpoint, outcome in self._postponed.items():
            self._fail(checkpoint, outcome.reason)

    def _cancel(self) -> None:
        """Stop all tasks and wait until they have saved their state."""
        references = list(self._running)
        for reference in references:
            ray.cancel(reference)
        if references:
            ray.wait(references, num_returns=len(references), timeout=SAVING)


def _run_here(task: Task) -> tuple[Outcome, str]:
    """Run a task on a worker; return its end and the machine."""
    return run_task(task), ray.get_runtime_context().get_node_id()


def _outcome(reference: Any) -> tuple[Outcome, str | None]:
    """Return the end of an attempt and its machine, none if the worker died."""
    try:
        outcome, machine = ray.get(reference)
    except ray.exceptions.RayTaskError as error:
        return Outcome("unable", one_line(error.cause)), None
    except ray.exceptions.RayError as error:
        return Outcome("died", one_line(error)), None
    return outcome, machine
