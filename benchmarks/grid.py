"""Trends over the paper's whole grid: 1,572 cells of 32,768 features.

    python benchmarks/grid.py FOLDER       # 51.5M made-up features, some minutes, 3 GB

Writes tables as an export would, then asks: one query that counts rows and sums every
column that `trends` reads, over the same files; `trends`; the same for
`trend_languages`; one cell's trends. Each row is a fresh process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from study import make_study

from bisae.files import place
from bisae.formats import Rows, render
from bisae.grid import Cell
from bisae.progress import track
from bisae.query import Connection, connect, database, table_file, write_table
from bisae.store import Store, create_store, open_store
from bisae.study import Study

N = 32_768
SIZES = {"150M": (12, 16), "440M": (16, 16), "980M": (20, 16), "1.8B": (24, 16)}
SIZES |= {"3.7B": (28, 15)}
"""Layers and checkpoints: 1,572 cells."""
SUMMED = {
    "trends": "n_tokens, monosemanticity, monosemanticity_null, token_entropy, "
    "semantic_entropy, mean_span, mean_span_active, supported::int, "
    "length(language), length(language_permuted), length(language_exclusive)",
    "trend_languages": "supported::int, length(language), length(language_exclusive)",
}
ONE = "from trends where size = '3.7B' and step = 5 and layer = 14"


def main() -> None:
    """Make what is not there, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    store = asked.folder / "store"
    if asked.inside:
        print(json.dumps(ask(store, asked.inside)))
        return
    if not store.exists():
        make(create_store(study(asked.folder)))
    found = []
    for view, columns in SUMMED.items():
        sums = ", ".join(f"sum({column})" for column in columns.split(", "))
        base = measure(asked.folder, f"select count(*), {sums} from features")
        found.append((f"sums for {view}", *base, 1.0))
        told = measure(asked.folder, f"from {view}")
        found.append((view, *told, told[0] / base[0]))
    found.append(("trends of one cell", *measure(asked.folder, ONE), None))
    names = ["query", "seconds", "connecting s", "peak MB", "files", "ratio"]
    print(render(Rows(names, found), "markdown"))


def study(folder: Path) -> Study:
    """The grid."""
    one = make_study(folder, 1, 126, {"n_features": N, "k": 32, "batch_tokens": 63})
    models = tuple(
        one.models[0].model_copy(
            update={
                "size": size,
                "steps": tuple(range(steps)),
                "layers": tuple(range(1, layers + 1)),
            }
        )
        for size, (layers, steps) in SIZES.items()
    )
    return one.model_copy(update={"models": models})


def make(store: Store) -> None:
    """Write `features`, `cells` and `settings` of every cell, the others empty."""
    draw = np.random.default_rng(0)
    with closing(database()) as con:
        con.execute(
            "create table settings as select ['a', 'b'] as languages, 64 as context"
        )
        write_table(con, "settings", table_file(store, "settings"), {})
        for cell in track(store.cells, len(store.cells), "tables", "cells"):
            con.register("drawn", columns(draw, N - int(draw.integers(3000))))
            con.execute("create or replace table features as from drawn")
            write_table(con, "features", table_file(store, "features", cell), {}, cell)
            con.execute(cells_row(cell))
            write_table(con, "cells", table_file(store, "cells", cell), {}, cell)
            for name in ("firings", "clusters", "feature_languages"):
                con.execute(f"create or replace table {name} as select 0 as feature")
                write_table(con, name, table_file(store, name, cell), {}, cell)


def columns(draw: np.random.Generator, n: int) -> Any:
    """Features as they come out of a fold."""
    import pyarrow as pa

    names = np.array(["a", "b", "mixed"])
    entropy = draw.gamma(2, 1, n)
    told: dict[str, Any] = {
        "feature": np.sort(draw.permutation(N)[:n]).astype(np.int32),
        "n_active": draw.integers(1, 100_000, n),
        "max_value": draw.random(n, np.float32),
        "n_firings": draw.geometric(0.01, n),
        "n_documents": draw.geometric(0.02, n),
        "n_tokens": draw.geometric(0.05, n),
        "n_clusters": draw.geometric(0.1, n),
        "supported": draw.random(n) < 0.6,
        "token_entropy": entropy,
        "semantic_entropy": entropy * draw.random(n),
        "monosemanticity": draw.random(n),
        "monosemanticity_null": draw.random(n),
        "mean_span": 1 + draw.exponential(0.5, n),
        "mean_span_active": 1 + draw.exponential(0.5, n),
        "truncated_share": draw.random(n),
    }
    for name in ("language", "language_permuted", "language_exclusive"):
        told[name] = names[draw.choice(3, n, p=[0.4, 0.4, 0.2])]
    return pa.table(told)


def cells_row(cell: Cell) -> str:
    """One row of `cells`."""
    return (
        f"create or replace table cells as select {cell.step}::bigint as tokens_seen, "
        f"{N} as n_features, {N} - (select count(*) from features) as n_dead, "
        "0.1::double as fvu, 1::bigint as n_params, '' as lm_fingerprint"
    )


def measure(folder: Path, query: str) -> tuple[float, float, float, int]:
    """What a fresh process measured: seconds, to connect, peak MB, files."""
    command = [sys.executable, __file__, str(folder), "--inside", query]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found: dict[str, Any] = json.loads(told)
    return found["seconds"], found["connecting"], found["peak"], found["files"]


def ask(folder: Path, query: str) -> dict[str, Any]:
    """Time a query, median of three, once its files' footers are read."""
    store = open_store(place(folder))
    began = time.perf_counter()
    con = connect(store, query=query)
    connecting = time.perf_counter() - began
    con.execute(query).fetchall()
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        con.execute(query).fetchall()
        taken.append(time.perf_counter() - began)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    told = {"seconds": statistics.median(taken), "connecting": connecting, "peak": peak}
    return told | {"files": files_of(con, query)}


def files_of(con: Connection, query: str) -> int:
    """How many files of `features` the query opens."""
    (plan,) = con.execute(f"explain (analyze, format json) {query}").fetchall()
    return max(
        int(scan["Total Files Read"])
        for scan in scans(json.loads(plan[1]))
        if "/features/" in str(scan)
    )


def scans(tree: Any) -> list[dict[str, Any]]:
    """Every reading of files in a plan."""
    found = [tree] if isinstance(tree, dict) and "Total Files Read" in tree else []
    inside = list(tree.values()) if isinstance(tree, dict) else tree
    if isinstance(inside, list):
        for child in inside:
            found += scans(child)
    return found


if __name__ == "__main__":
    main()
