"""Time of trends and checks over the paper's grid: 1,572 cells of 32,768 features.

    python benchmarks/grid.py FOLDER       # 51.5M synthetic features, minutes, 4 GB

Writes tables as an export would, then measures: one query that counts rows and sums
every column that `trends` reads, over the same files; `trends`; the same for
`trend_languages`; one cell's trends; then every check. Each row is a fresh process.
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

from bisae.files import any_path
from bisae.formats import Rows, render
from bisae.grid import Cell
from bisae.progress import track
from bisae.query import (
    Connection,
    closure,
    compute_once,
    connect,
    create_views,
    database,
    read_views,
    write_tables,
)
from bisae.store import Store, create_store, open_store
from bisae.study import Study
from study import make_study

N = 32_768
SIZES = {"150M": (12, 16), "440M": (16, 16), "980M": (20, 16), "1.8B": (24, 16)}
SIZES |= {"3.7B": (28, 15)}
"""Layers and checkpoints: 1,572 cells."""
CHECKS = "every check"
COPIED = ("features", "feature_languages", "firings", "clusters")
LINKED = """
select 0 as clustering, feature, token_id,
    min(token_id) over (partition by feature, token_id // 100) as cluster
from (select distinct feature, token_id from token_rules where rules & 1 > 0)
"""
DRAWN = 12
"""Number of cells that are drawn and aggregated; the others copy their rows."""
DOCUMENTS = 1000
SUMMED = {
    "trends": "n_tokens, monosemanticity, monosemanticity_null, token_entropy, "
    "semantic_entropy, mean_span, mean_span_active, supported::int, "
    "length(language), length(language_permuted), length(language_exclusive)",
    "trend_languages": "supported::int, length(language), length(language_exclusive)",
}
ONE = "from trends where size = '3.7B' and step = 5 and layer = 14"


def main() -> None:
    """Write the store if it is missing, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store = arguments.folder / "store"
    if arguments.inside:
        print(json.dumps(ask(store, arguments.inside)))
        return
    if not store.exists():
        make(create_store(study(arguments.folder)))
    rows = []
    for view, columns in SUMMED.items():
        sums = ", ".join(f"sum({column})" for column in columns.split(", "))
        base = measure(arguments.folder, f"select count(*), {sums} from features")
        rows.append((f"sums for {view}", *base, 1.0))
        measured = measure(arguments.folder, f"from {view}")
        rows.append((view, *measured, measured[0] / base[0]))
    rows.append(("trends of one cell", *measure(arguments.folder, ONE), None))
    trends = next(row[1] for row in rows if row[0] == "trends")
    checked = measure(arguments.folder, CHECKS)
    rows.append((CHECKS, *checked, checked[0] / trends))
    names = ["query", "seconds", "connecting s", "peak MB", "files", "ratio"]
    print(render(Rows(names, rows), "markdown"))


def study(folder: Path) -> Study:
    """Return the study of the grid."""
    base = make_study(folder, 1, 126, {"n_features": N, "k": 32, "batch_tokens": 63})
    models = tuple(
        base.models[0].model_copy(
            update={
                "size": size,
                "steps": tuple(range(steps)),
                "layers": tuple(range(1, layers + 1)),
            }
        )
        for size, (layers, steps) in SIZES.items()
    )
    return base.model_copy(update={"models": models})


def make(store: Store) -> None:
    """Write all tables: every cell copies one of a few aggregated synthetic cells."""
    draw = np.random.default_rng(0)
    with closing(database()) as con:
        put_study(con)
        of_study = ("settings", "tokens", "vocab", "mono_null")
        write_tables(con, store, {name: {} for name in of_study})
        for number in track(range(DRAWN), DRAWN, "aggregate", "cells"):
            aggregate(con, codes(draw, N - int(draw.integers(3000))), number)
        for number, cell in enumerate(track(store.cells, len(store.cells), "copy", "")):
            con.execute(cells_row(cell, number % DRAWN))
            for name in COPIED:
                con.execute(
                    f"create or replace view {name} as from {name}_{number % DRAWN}"
                )
            write_tables(con, store, {name: {} for name in ("cells", *COPIED)}, cell)


def put_study(con: Connection) -> None:
    """Create the tables that all cells share; the analysis has no variants."""
    con.execute(
        "create table variants as select 0 as variant, 0 as rule, "
        "0.9::double as class_threshold, 0 as clustering"
    )
    con.execute("create table clusterings as select 0 as clustering, 0 as rule")
    con.execute(
        "create table settings as "
        "select 'made up' as study, ['a', 'b'] as languages, 64::bigint as context, "
        "0.7::double as firing_threshold, 0.9::double as class_threshold, "
        "2::bigint as min_firings, 2::bigint as min_documents, "
        "1::bigint as min_exclusive_firings, 0.9::double as exclusive_threshold, "
        "0::bigint as null_seed"
    )
    con.execute(
        "create table tokens as select range as token_row, range // 63 as document, "
        "(range % 63)::int as position, (hash(range) % 2000)::int as token_id, "
        "if(range // 63 % 2 = 0, 'a', 'b') as language "
        f"from range({DOCUMENTS * 63})"
    )
    con.execute(
        "create table vocab as select range::int as token_id, range::varchar as token, "
        "case range % 3 when 0 then 'a' when 1 then 'b' end as language "
        "from range(2000)"
    )
    con.execute(
        "create table mono_null as select 2::bigint as n_tokens_low, "
        f"{DOCUMENTS * 63}::bigint as n_tokens_high, 0.5::double as monosemanticity"
    )


def codes(draw: np.random.Generator, n: int) -> Any:
    """Draw activations of n features, nine in ten in the feature's language."""
    import pyarrow as pa

    feature = np.repeat(np.sort(draw.permutation(N)[:n]), draw.geometric(0.4, n))
    language = np.where(draw.random(len(feature)) < 0.9, feature % 2, draw.integers(2))
    document = 2 * draw.integers(0, DOCUMENTS // 2, len(feature)) + language
    row = document * 63 + draw.integers(0, 63, len(feature))
    code, at = np.unique(np.stack([feature, row]), axis=1, return_index=True)
    value = (0.5 + draw.random(len(at)) / 2).astype(np.float16).astype(np.float32)
    starts = np.r_[True, (np.diff(code[0]) != 0) | (np.diff(code[1]) != 1)]
    starts |= code[1] % 63 == 0
    columns = {"feature": code[0].astype(np.int32), "token_row": code[1]}
    return pa.table(columns | {"value": value, "starts_run": starts})


def aggregate(con: Connection, drawn: Any, number: int) -> None:
    """Compute one cell's tables with sql/cell; tokens of one hundred are similar."""
    for name in ("codes", "codes_above"):
        con.register(name, drawn)
    views = read_views("text", "cell")
    needed = {v.name: v for name in COPIED for v in closure(views, name)}
    tables = ("settings", "tokens", "vocab", "mono_null", "variants", "clusterings")
    existing = {"codes", "codes_above", *tables}
    con.execute("create schema cell")
    con.execute("set search_path = 'cell,main'")
    for name, select in (
        ("some_codes", "from strong_codes"),
        ("linked_tokens", LINKED),
        ("", ""),
    ):
        existing = create_views(con, needed, existing, keep=True)
        if name:
            con.execute(f"create table {name} as {select}")
            existing.add(name)
    for name in COPIED:
        con.execute(f"create table main.{name}_{number} as from {name} order by all")
    con.execute("set search_path = 'main'")
    con.execute("drop schema cell cascade")
    for name in ("codes", "codes_above"):
        con.unregister(name)


def cells_row(cell: Cell, number: int) -> str:
    """Return SQL that creates a row of `cells`."""
    return (
        f"create or replace table cells as select {1000 * cell.step}::bigint "
        f"as tokens_seen, {len(cell.size)}::bigint as n_params, 64::bigint as d_model, "
        "null::bigint as n_layers, "
        f"'topk' as architecture, {N}::bigint as n_features, 32::bigint as k, "
        "1e-3::double as lr, 0::bigint as seed, "
        "(select count(*) from tokens) as n_eval_tokens, 1::bigint as buffer_tokens, "
        "0.1::double as mse, 1::double as variance, 0.1::double as fvu, "
        "0.9::double as cosine, 2::double as l0, 0::double as cut_share, "
        f"{N} - (select count(*) from features_{number}) as n_dead, "
        "1::double as ce, 2::double as ce_recon, 3::double as ce_zero, "
        "0.5::double as ce_recovered, 1::double as train_seconds, '' as model, "
        f"'' as revision, '{cell.size}-{cell.step}' as lm_fingerprint, "
        "'' as tokenizer_fingerprint, '' as corpus_fingerprint"
    )


def measure(folder: Path, query: str) -> tuple[float, float, float, int]:
    """Measure seconds, seconds to connect, peak MB and files in a fresh process."""
    command = [sys.executable, __file__, str(folder), "--inside", query]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result: dict[str, Any] = json.loads(output)
    return result["seconds"], result["connecting"], result["peak"], result["files"]


def ask(folder: Path, query: str) -> dict[str, Any]:
    """Time a query, median of three, once its files' footers are read."""
    store = open_store(any_path(folder))
    if query == CHECKS:
        return check(store)
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
    result = {
        "seconds": statistics.median(taken),
        "connecting": connecting,
        "peak": peak,
    }
    return result | {"files": files_of(con, query)}


def check(store: Store) -> dict[str, Any]:
    """Time `validate` once. All checks pass."""
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
    began = time.perf_counter()
    compute_once(con, COMPUTED_ONCE)
    assert not failures(run_checks(con, applicable(con, by_table)))
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    return {"seconds": seconds, "connecting": connecting, "peak": peak, "files": 0}


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
