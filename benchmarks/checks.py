"""Time to check one cell of the paper's size, compared with one scan of its codes.

    python benchmarks/paper_cell.py FOLDER               # some minutes, 5 GB
    python benchmarks/checks.py FOLDER

Each row is a fresh process. Ratios are to the query MAXIMA of `aggregation.py`,
streamed from the same store in the same process: the median of several runs before and
after. No token is encoded again, since the synthetic cells have no model.
"""

import argparse
import json
import resource
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from aggregation import CELLS, maxima, ratio, seconds
from paper_cell import WIDTH

from bisae.checks.recorded import check_codes
from bisae.formats import Rows, render
from bisae.grid import Cell
from bisae.query import database, write_tables
from bisae.store import Store, open_store, table_file


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    store = str(arguments.folder / "store")
    if arguments.inside:
        what, name = arguments.inside
        print(json.dumps(WORK[what](open_store(store), CELLS[name])))
        return
    for name in CELLS:
        measure(arguments.folder, "export", name)
    measured = [measure(arguments.folder, "check", name) for name in CELLS]
    rows = [tuple(row.values()) for row in measured]
    print(render(Rows(list(measured[0]), rows), "markdown"))


SETTINGS = {"firing_threshold": 0.7, "context": WIDTH + 1, "languages": ["a", "b"]}
FEATURES = """
    select feature, count(*) as n_active, max(value) as max_value
    from codes group by feature
"""
FIRINGS = """
    select codes.feature, codes.token_row, codes.value
    from codes inner join features using (feature)
    where value::double > 0.7 * max_value::double
"""


LANGUAGES = """
    with counted as (
        select
            feature,
            if(token_row // $width % 2 = 0, 'a', 'b') as language,
            count(*) as n
        from firings group by all
    )
    select feature, listed.language, coalesce(n, 0) as n_firings, n_firings / total as p
    from (select feature, n_firings as total from features)
    cross join (values ('a'), ('b')) as listed (language)
    left join counted using (feature, language)
"""
CLUSTERS = """
    select distinct feature, token_id, token_id as cluster
    from firings inner join tokens using (token_row)
"""
WHOLE = """
    select features.*, n_firings, n_tokens, n_tokens as n_clusters
    from features
    inner join (select feature, count(*) as n_firings from firings group by all)
    using (feature)
    inner join (select feature, count(*) as n_tokens from clusters group by all)
    using (feature)
"""


def export(store: Store, cell: Cell) -> None:
    """Write the tables that checks read, unless they exist."""
    if table_file(store, "clusters", cell).exists():
        return
    with closing(database(memory="8GiB")) as con:
        con.register("settings", pa.Table.from_pylist([SETTINGS]))
        write_tables(con, store, {"settings": {}})
        con.register("codes", store.codes_stream(cell))
        con.register("tokens", tokens(store))
        con.execute(f"create table features as {FEATURES}")
        con.execute(f"create table firings as {FIRINGS}")
        con.execute(f"create table clusters as {CLUSTERS}")
        con.execute(f"create or replace table features as {WHOLE}")
        languages = LANGUAGES.replace("$width", str(WIDTH))
        con.execute(f"create table feature_languages as {languages}")
        tables = ("features", "firings", "feature_languages", "clusters")
        write_tables(con, store, {name: {} for name in tables}, cell)


def tokens(store: Store) -> pa.Table:
    """Return the token of each row; every document is full."""
    token_id = np.concatenate(
        [block.token_id.ravel() for block in store.documents("eval")]
    )
    return pa.table({"token_row": np.arange(len(token_id)), "token_id": token_id})


def measure(folder: Path, what: str, name: str) -> dict[str, Any]:
    """Measure in a fresh process."""
    command = [sys.executable, __file__, str(folder), "--inside", what, name]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {"cell": name} | (json.loads(output) or {})


def check(store: Store, cell: Cell) -> dict[str, Any]:
    """Run every check that needs no model."""
    results_of_cells: list[Any] = []
    yardstick = [maxima(store, cell) for _ in range(2)]
    taken = seconds(lambda: results_of_cells.extend(check_codes(store, [cell])))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    yardstick += [maxima(store, cell) for _ in range(2)]
    ((_, results),) = results_of_cells
    failed = [result.check for result in results if result.status != "pass"]
    columns = {"checks": len(results), "failed": "; ".join(failed)}
    return ratio(yardstick, taken) | {"peak MB": peak} | columns


WORK = {"export": export, "check": check}

if __name__ == "__main__":
    main()
