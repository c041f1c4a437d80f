"""Time of trends and checks over the paper's grid: 1,572 cells of 32,768 features.

    python benchmarks/grid.py TOY FOLDER       # the toy's store, on the same disk

Makes the grid (`paper_grid.py`), then measures: one query that counts rows and sums
every column that `trends` reads, over the same files; `trends`; the same for
`trend_languages`; one cell's trends; then every check. Each row is a fresh process.
Ratios are of processor seconds, since other work on the machine does not change them.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from paper_grid import paper_grid

from bisae.files import any_path
from bisae.formats import Rows, render
from bisae.query import Connection, compute_once, connect
from bisae.store import Store, open_store

CHECKS = "every check"
SUMMED = {
    "trends": "n_tokens, monosemanticity, monosemanticity_null, token_entropy, "
    "semantic_entropy, mean_span, mean_span_active, supported::int, "
    "length(language), length(language_permuted), length(language_exclusive)",
    "trend_languages": "supported::int, length(language), length(language_exclusive)",
}
NOTICE_COPIES = {
    *("cells_above_uniform", "cells_with_repeated_weights", "lm_weights_shared"),
    "sensitivity_not_trends",
}
"""Checks that fail where steps share weights and features are repeated."""
MEASURED = ("seconds", "cpu", "connecting", "peak", "files")
ONE = "from trends where size = '3.7B' and step = 5 and layer = 14"


def main() -> None:
    """Make the grid, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("toy", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store = paper_grid(arguments.toy, arguments.folder)
    if arguments.inside:
        print(json.dumps(ask(store, arguments.inside)))
        return
    measure = partial(measure_inside, arguments.toy, arguments.folder)
    rows = []
    for view, columns in SUMMED.items():
        sums = ", ".join(f"sum({column})" for column in columns.split(", "))
        base = measure(f"select count(*), {sums} from features")
        rows.append((f"sums for {view}", *base, 1.0))
        measured = measure(f"from {view}")
        rows.append((view, *measured, measured[1] / base[1]))
    rows.append(("trends of one cell", *measure(ONE), None))
    trends = next(row[2] for row in rows if row[0] == "trends")
    checked = measure(CHECKS)
    rows.append((CHECKS, *checked, checked[1] / trends))
    names = ["query", "seconds", "CPU s", "connecting s", "peak MB", "files", "ratio"]
    print(render(Rows(names, rows), "markdown"))


def measure_inside(toy: Path, folder: Path, query: str) -> tuple[float, ...]:
    """Measure seconds, of CPUs and to connect, peak MB and files in a fresh process."""
    command = [sys.executable, __file__, str(toy), str(folder), "--inside", query]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(output)
    return tuple(result[name] for name in MEASURED)


def ask(folder: Path, query: str) -> dict[str, Any]:
    """Time a query, median of three, once its files' footers are read."""
    store = open_store(any_path(folder))
    if query == CHECKS:
        return check(store)
    began = time.perf_counter()
    con = connect(store, query=query)
    connecting = time.perf_counter() - began
    con.execute(query).fetchall()
    walls, cpus = [], []
    for _ in range(3):
        wall, cpu = time.perf_counter(), time.process_time()
        con.execute(query).fetchall()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    result = {
        "seconds": statistics.median(walls),
        "cpu": statistics.median(cpus),
        "connecting": connecting,
        "peak": peak,
    }
    return result | {"files": files_of(con, query)}


def check(store: Store) -> dict[str, Any]:
    """Time `validate` once. Only the checks that notice the copies fail."""
    from bisae.checks import failures, run_checks, shipped_checks
    from bisae.checks.applicable import applicable
    from bisae.checks.materialize import COMPUTED_ONCE
    from bisae.checks.validate import MEMORY
    from bisae.query import CODE_CHECKS

    began = time.perf_counter()
    con = connect(store)
    connecting = time.perf_counter() - began
    con.execute(f"set memory_limit = '{MEMORY}'")
    by_table = [
        table_checks
        for table_checks in shipped_checks()
        if table_checks.table != CODE_CHECKS
    ]
    began, cpu = time.perf_counter(), time.process_time()
    compute_once(con, COMPUTED_ONCE)
    results = run_checks(con, applicable(con, by_table))
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    assert {result.check for result in failures(results)} <= NOTICE_COPIES
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return dict(zip(MEASURED, (seconds, cpu, connecting, peak, 0), strict=True))


def files_of(con: Connection, query: str) -> int:
    """Count the files of `features` that the query opens."""
    (plan,) = con.execute(f"explain (analyze, format json) {query}").fetchall()
    return max(
        int(scan["Total Files Read"])
        for scan in scans(json.loads(plan[1]))
        if "/features/" in str(scan)
    )


def scans(tree: Any) -> list[dict[str, Any]]:
    """List the nodes of a plan that read files."""
    scan_nodes = [tree] if isinstance(tree, dict) and "Total Files Read" in tree else []
    inside = list(tree.values()) if isinstance(tree, dict) else tree
    if isinstance(inside, list):
        for child in inside:
            scan_nodes += scans(child)
    return scan_nodes


if __name__ == "__main__":
    main()
