"""Join a Ray cluster or start one, and divide its machines among tasks.

Reads what Ray tells of its machines; writes nothing.
"""

import os
import signal
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch

from bisae.errors import MachineError, one_line
from bisae.interrupts import handlers

try:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
except ImportError as error:
    msg = "Ray is not installed; `pip install 'bisae[ray]'` installs it"
    raise MachineError(msg) from error

__all__ = [
    "NodeAffinitySchedulingStrategy",
    "Resources",
    "capacity",
    "cluster",
    "ray",
    "resources",
]

OBJECT_STORE = 80 * 2**20
"""Bytes of a local cluster's object store, through which only lines of text go."""
CONNECTING = 10.0
"""Seconds that a cluster has to answer."""


class Resources(NamedTuple):
    """The share of a machine that a task asks Ray for."""

    num_cpus: int
    num_gpus: int
    memory: int
    """Bytes of the host."""


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Join a cluster, or start one on this machine. Raises MachineError."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_COLOR_PREFIX", "0")
    before = handlers()
    try:
        _check_reachable(address or "")
        ray.init(**_options(address))
    except Exception as error:
        where = f"join the Ray cluster at {address}" if address else "start Ray"
        msg = f"cannot {where}: {one_line(error)}"
        if address:
            msg += (
                f"; `ray status --address {address}` says if it runs, and if it asks "
            )
            msg += "for a token"
        raise MachineError(msg) from error
    for number, handler in before.items():
        signal.signal(number, handler)  # Ray's would end at once, without any state
    try:
        yield
    finally:
        ray.shutdown()


def _options(address: str | None) -> dict[str, Any]:
    common = {"address": address or "local", "logging_level": "ERROR"}
    if address:
        return common
    # Ray would take all cores of the machine, whatever a job may use.
    return common | {
        "num_cpus": len(os.sched_getaffinity(0)),
        "num_gpus": torch.cuda.device_count(),
        "object_store_memory": OBJECT_STORE,
        "include_dashboard": False,
    }


def _check_reachable(address: str) -> None:
    """Raise OSError for an address that does not answer: Ray tries for many minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), CONNECTING).close()


def resources(host_bytes: int, n_gpus: int) -> Resources:
    """Return what a task with this need asks for, so that every large machine fits.

    Raises MachineError if no machine is large enough.
    """
    cores = [_cores_of_a_task(machine, host_bytes, n_gpus) for machine in _machines()]
    if not any(cores):
        gpu = " and a GPU" if n_gpus else ""
        msg = f"no machine of the Ray cluster has {host_bytes / 1e9:.1f} GB of memory"
        msg += f"{gpu} for one checkpoint; lower [sae] batch_tokens or buffer_batches, "
        msg += "or [lm] memory_gb"
        raise MachineError(msg)
    return Resources(min(filter(None, cores)), n_gpus, host_bytes)


def capacity(need: Resources) -> int:
    """Return how many tasks of this need fit on the machines of the cluster at once."""
    return sum(
        int(
            min(
                machine.get(name, 0) // amount
                for name, amount in zip(("CPU", "GPU", "memory"), need, strict=True)
                if amount
            )
        )
        for machine in _machines()
    )


def _machines() -> list[Mapping[str, float]]:
    """Return the resources of each machine of the cluster."""
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def _cores_of_a_task(machine: Mapping[str, float], host_bytes: int, n_gpus: int) -> int:
    """Divide a machine's cores by the tasks that fit on it; 0 if not even one does."""
    cores = int(machine.get("CPU", 0))
    n_tasks = min(cores, int(machine.get("memory", 0) // host_bytes))
    if n_gpus:
        n_tasks = min(n_tasks, int(machine.get("GPU", 0)))
    return cores // n_tasks if n_tasks else 0
