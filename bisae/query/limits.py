"""A query's memory limit: parse its size, and impose it on this process."""

import os
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import sleep

from bisae.errors import SqlError

UNITS = {"": 1} | {
    prefix + binary: base**power
    for binary, base in (("", 1000), ("i", 1024))
    for power, prefix in enumerate("KMGT", 1)
}
SLACK = 64 * 2**20
"""Bytes on top of DuckDB's own limit: thread stacks, and rows on their way out."""
EXCEEDED = 70
"""Exit status of a process that ended itself because it exceeded its limit."""
CHECK_EVERY = 0.02
"""Seconds between two checks of the peak, where the system enforces no limit."""


def parse_bytes(size: str) -> int:
    """Return the bytes of a size such as 500MiB, 2GiB or 1.5GB. Raises SqlError."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT]?i?)B", size)
    count = int(float(match[1]) * UNITS.get(match[2], 0)) if match else 0
    if not count:
        msg = f"memory {size!r} is not a size: give one such as 500MiB or 2GiB"
        raise SqlError(msg)
    return count


def limit_memory(n_bytes: int) -> None:
    """Limit what this process allocates from now on to `n_bytes` plus SLACK.

    Linux limits data, not address space, of which DuckDB reserves more than it uses: an
    allocation beyond the limit fails. Elsewhere this process ends itself once it
    exceeds the limit.
    """
    if sys.platform == "linux":
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        limit = _data_limit(n_bytes, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    else:
        watch_peak(n_bytes)


@contextmanager
def limited_memory(n_bytes: int) -> Iterator[None]:
    """Limit what this process allocates within the block, on Linux alone."""
    if sys.platform != "linux":
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_data_limit(n_bytes, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_limit(n_bytes: int, hard: int) -> int:
    limit = _data_bytes() + n_bytes + SLACK
    return limit if hard == resource.RLIM_INFINITY else min(limit, hard)


def watch_peak(n_bytes: int) -> None:
    """End this process with EXCEEDED once its peak memory grew by `n_bytes` + SLACK."""
    limit = _peak_bytes() + n_bytes + SLACK

    def watch() -> None:
        while _peak_bytes() <= limit:
            sleep(CHECK_EVERY)
        os._exit(EXCEEDED)

    Thread(target=watch, daemon=True).start()


def _data_bytes() -> int:
    """Return the bytes of this process that RLIMIT_DATA counts."""
    match = re.search(r"VmData:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(match[1]) * 1024 if match else 0


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
