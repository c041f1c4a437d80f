"""Time and memory to match the features of two cells of the paper's size.

    python benchmarks/paper_cell.py FOLDER               # some minutes, 5 GB
    python benchmarks/checks.py FOLDER                   # exports both cells
    python benchmarks/lineage.py FOLDER

The second cell is the late one with its features renumbered; half of the tokens fire as
they do in another document. The directions have one dimension, so their cosines take no
time. A fresh process with one thread.
"""

import argparse
import resource
from contextlib import closing
from pathlib import Path
from time import perf_counter, process_time

from paper_cell import LATE

from bisae.query import Connection, database, parquet_view, quoted, read_views
from bisae.store import Store, open_store, table_file
from bisae.tables.lineage import MEMORY
from bisae.tables.matching import CELL_TABLES, Side, match_features

RENUMBERED = "(feature * 7919 + 13) % 32768"
MOVED = """
    select * replace (
        {feature} as feature,
        if(token_row % 2 = 0, token_row, (token_row + 63063) % 10000116) as token_row
    )
    from firings
"""
SIMILAR = "select * replace ({feature} as feature) from {table}"
SHARES = """
    select
        is_permuted,
        count(*) as n_features,
        avg((best = {feature})::int) as share_recovered,
        median(jaccard) as median_jaccard
    from matched_features
    where not is_to
    group by is_permuted
    order by is_permuted
"""


def main() -> None:
    """Plant the second cell, match and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    store = open_store(str(folder / "store"))
    planted = folder / "planted"
    with closing(database(memory=MEMORY)) as con:
        for table in CELL_TABLES:
            plant(con, store, table, planted)
    with closing(database(memory=MEMORY)) as con:
        con.execute("set threads = 1")
        began, began_cpu = perf_counter(), process_time()
        other = open_store(str(folder / "store"))
        other.__dict__["tables"] = planted
        match_features(
            con, Side(store, LATE), Side(other, LATE), read_views("matching")
        )
        seconds, cpu = perf_counter() - began, process_time() - began_cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{seconds:.1f} s, {cpu:.1f} s of one core, peak {peak:.2f} GiB")
        print(con.sql(SHARES.format(feature=RENUMBERED)))


def plant(con: Connection, store: Store, table: str, folder: Path) -> None:
    """Write a table of the second cell."""
    parquet_view(con, table, [table_file(store, table, LATE)])
    query = MOVED if table == "firings" else SIMILAR
    file = folder / table / LATE.partition / "rows.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    select = query.format(feature=RENUMBERED, table=table)
    con.execute(f"copy ({select}) to {quoted(str(file))} (format parquet)")


if __name__ == "__main__":
    main()
