"""Time to export one cell of the paper's size, and the same metrics in data frames.

    python benchmarks/paper_cell.py FOLDER               # some minutes, 5 GB
    python benchmarks/aggregation.py FOLDER
    python benchmarks/paper_cell.py TENTH --tokens 1000000
    python benchmarks/aggregation.py TENTH --frames     # polars: pip install '.[bench]'

Each row is a fresh process. Ratios are to the query MAXIMA, streamed from the same
store in the same process: the median of several runs before and after. The time to look
up links between tokens is part of the total, and also printed alone; that of coherence
is not.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from paper_cell import EARLY, LATE, WIDTH

import bisae
from bisae.formats import Rows, render
from bisae.grid import Cell
from bisae.query import connect, database
from bisae.store import Store, open_store, table_names
from bisae.tables import (
    ExportContext,
    cell,
    export_cells,
    export_coherence,
    export_study_tables,
    prepare_export,
)

CELLS = {"late": LATE, "early": EARLY}
MAXIMA = "select feature, max(value) from codes group by feature"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--frames", action="store_true")
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store = str(arguments.folder / "store")
    if arguments.inside:
        work, name = arguments.inside
        print(json.dumps(WORK[work](store, CELLS[name])))
        return
    works = ["tables", "pandas", "polars"] if arguments.frames else ["tables"]
    cells = ["late"] if arguments.frames else ["late", "early"]
    prepare(store)
    measured = [
        measure(arguments.folder, work, name) for name in cells for work in works
    ]
    names = sorted({key for row in measured for key in row}, key=ORDER.index)
    rows = [tuple(row.get(name) for name in names) for row in measured]
    print(render(Rows(names, rows), "markdown"))


ORDER = (
    *("work", "cell", "maxima s", "seconds", "ratio", "links s", "coherence s"),
    *("peak MB", "peak MB with coherence"),
    *("firings", "tokens a feature", "sets over 5,000", "compared", "products spared"),
)


def prepare(store: str) -> None:
    """Write the tables that all cells share, and print the time."""
    began = time.perf_counter()
    context = prepare_export(open_store(store))
    prepared = time.perf_counter() - began
    export_study_tables(context)
    written = time.perf_counter() - began - prepared
    print(f"once per study: {prepared:.0f} s to draw pairs, {written:.0f} s for tables")


def measure(folder: Path, work: str, name: str) -> dict[str, Any]:
    """Measure in a fresh process."""
    command = [sys.executable, __file__, str(folder), "--inside", work, name]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {"work": work, "cell": name, **json.loads(output)}


def seconds(work: Callable[[], Any]) -> float:
    """Return the seconds that some work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def maxima(store: Any, address: Cell) -> float:
    """Time the query that is the yardstick."""
    with closing(database()) as con:
        con.register("codes", store.codes_stream(address))
        return seconds(lambda: con.execute(MAXIMA).fetchall())


def tables(path: str, address: Cell) -> dict[str, Any]:
    """Export the cell's tables again, including those of its variants."""
    store = open_store(path)
    context, links = prepare_export(store), []
    for table in table_names("cell", "export"):
        shutil.rmtree(path + f"/tables/{table}/{address.partition}", ignore_errors=True)
    put = cell.put_linked_tokens

    def timed(*arguments: Any) -> None:
        links.append(seconds(lambda: put(*arguments)))

    cell.put_linked_tokens = timed
    yardstick = [maxima(store, address) for _ in range(3)]
    taken = seconds(lambda: export_cells(context, [address]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    coherence = seconds(lambda: export_coherence(context, [address]))
    with_coherence = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    yardstick += [maxima(store, address) for _ in range(2)]
    row = ratio(yardstick, taken) | {"links s": sum(links), "coherence s": coherence}
    row |= {"peak MB": peak, "peak MB with coherence": with_coherence}
    return row | counts(store, context, address)


def ratio(yardstick: list[float], taken: float) -> dict[str, float]:
    """Return seconds and their ratio to the yardstick's."""
    usual = statistics.median(yardstick)
    return {"maxima s": usual, "seconds": taken, "ratio": taken / usual}


def frame(store: Store, query: str) -> Any:
    """Answer a query with a pandas frame."""
    return bisae.open(str(store.path)).sql(query)


def counts(store: Any, context: ExportContext, address: Cell) -> dict[str, Any]:
    """Count the cell's firings and the comparisons of its clusters."""
    size, step, layer = address
    where = f"size = '{size}' and step = {step} and layer = {layer}"
    query = f"select feature, token_id from clusters where {where} order by all"
    with closing(connect(store, query=query)) as con:
        sets = con.execute(query).fetchnumpy()
    n = np.unique(sets["feature"], return_counts=True)[1].astype(np.int64)
    feature, token_id = (sets[k].astype(np.int64) for k in ("feature", "token_id"))
    query = f"select sum(n_firings) as n from features where {where}"
    (firings,) = frame(store, query).n
    return {
        "firings": int(firings),
        "tokens a feature": float(np.median(n)),
        "sets over 5,000": float((n > 5000).mean()),
        "compared": int(context.links.candidates(feature, token_id).sum()),
        "products spared": int((n * (n - 1) // 2).sum()),
    }


def frames(library: str) -> Callable[[str, Cell], dict[str, Any]]:
    """Return a function that computes the metrics with a library, codes included."""

    def work(path: str, address: Cell) -> dict[str, Any]:
        import frames as written

        store = open_store(path)
        yardstick = [maxima(store, address) for _ in range(3)]
        clusters = frame(store, "select feature, token_id, cluster from clusters")
        tokens = frame(
            store,
            "select token_row, tokens.token_id, document, position, tokens.language, "
            "language_permuted, vocab.language is not null as is_exclusive from tokens "
            "inner join documents using (document) "
            "inner join vocab on tokens.token_id = vocab.token_id order by token_row",
        )
        taken = seconds(lambda: compute(written, library, store, tokens, clusters))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        return ratio(yardstick, taken) | {"peak MB": peak}

    def compute(
        written: Any, library: str, store: Any, tokens: Any, clusters: Any
    ) -> None:
        import pyarrow as pa

        codes = pa.Table.from_batches(store.read_codes(LATE)).drop(["starts_run"])
        if library == "pandas":
            tokens = tokens.set_index("token_row")
            features = written.in_pandas(codes.to_pandas(), tokens, clusters, WIDTH)
        else:
            import polars as pl

            inputs = (
                pl.from_arrow(codes),
                pl.from_pandas(tokens),
                pl.from_pandas(clusters),
            )
            features = (
                written.in_polars(*inputs, WIDTH).to_pandas().set_index("feature")
            )
        check(store, features)

    return work


def check(store: Any, features: Any) -> None:
    """Assert that the frames have the values of the tables."""
    expected = frame(store, "from features where step = 2").set_index("feature")
    features = features.loc[expected.index]
    for name in ("n_firings", "n_documents", "n_tokens", "supported", "language"):
        assert (features[name] == expected[name]).all(), name
    for name in ("monosemanticity", "mean_span", "mean_span_active", "truncated_share"):
        assert np.allclose(features[name], expected[name]), name


WORK = {
    "tables": tables,
    "pandas": frames("pandas"),
    "polars": frames("polars"),
}

if __name__ == "__main__":
    main()
