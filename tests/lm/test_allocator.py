"""Freed memory is used again, which shows in the pages that the system has to map."""

import subprocess
import sys

import pytest

COUNT = """
import resource
from bisae.allocator import keep_freed_memory
{call}
bytes_at_once = 2**26
for repeat in range(6):
    if repeat == 1:  # the first one maps its pages in any case
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    b"x" * bytes_at_once
faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
print(faults * resource.getpagesize() / (5 * bytes_at_once))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="changes settings of glibc")
@pytest.mark.parametrize(
    ("call", "low", "high"), [("", 0.5, 1.5), ("keep_freed_memory()", 0.0, 0.1)]
)
def test_share_of_pages_that_are_mapped_again(
    call: str, low: float, high: float
) -> None:
    command = [sys.executable, "-c", COUNT.format(call=call)]
    share = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    assert low <= float(share) <= high
