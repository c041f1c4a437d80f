"""Time and size of the report over the paper's grid: 1,572 cells of 32,768 features.

    python benchmarks/report.py TOY FOLDER       # the toy's store, on the same disk

Makes the grid (`paper_grid.py`), then writes the report in a fresh process. No check is
run.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

from paper_grid import paper_grid

from bisae.files import any_path
from bisae.report import report
from bisae.store import open_store


def main() -> None:
    """Make the grid, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("toy", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store = paper_grid(arguments.toy, arguments.folder)
    if arguments.inside:
        print(json.dumps(measure(store)))
        return
    command = [sys.executable, __file__, str(arguments.toy), str(arguments.folder)]
    output = subprocess.run(
        [*command, "--inside"], check=True, capture_output=True, text=True
    )
    print(output.stdout)


def measure(folder: Path) -> dict[str, float]:
    """Write the report once; return seconds, peak MB of memory and MB of the page."""
    store = open_store(any_path(folder))
    began = time.perf_counter()
    page = report(store, [])
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    megabytes = page.stat().st_size / 1e6
    return {"seconds": seconds, "peak MB": peak, "page MB": megabytes}


if __name__ == "__main__":
    main()
