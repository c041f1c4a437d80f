"""How often do the findings see a turn where nothing turns, and where something does?

    python benchmarks/verdicts.py [--runs 200] [--steps 16] [--features 400]

Simulates the middle layer of one model: at each step, features with a language
preference of their own fire in clumps in the documents of a text, and their classes are
counted on each part of it. All steps have the same distribution (nothing turns), or the
share of bilingual features falls and rises again by `--depth`. Prints the share of runs
with each verdict, and of those in which `fall` and `rise` are both `yes`.
"""

import argparse
from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from bisae.progress import track
from bisae.query import (
    Connection,
    closure,
    create_views,
    database,
    read_views,
    rows_of,
)

Draw = np.random.Generator
CLASS_THRESHOLD = 0.9
PARTS = {str(eighth): [eighth] for eighth in range(8)}
PARTS |= {"half": [0, 2, 4, 6], "other half": [1, 3, 5, 7]}
FEATURES = {"all": (0, 1), "even": (0,), "odd": (1,)}
ADDRESS = "size varchar, step bigint, layer integer"
VARIANT = (
    f"{ADDRESS}, population varchar, mixed_share double, mixed_share_exclusive double"
)
TABLES = f"""
create table text_parts ({ADDRESS}, documents varchar, features varchar,
    n_features bigint, n_mixed bigint, n_exclusive bigint, n_mixed_exclusive bigint);
create table trend_counts ({ADDRESS}, population varchar, n bigint, n_mixed bigint,
    n_exclusive bigint, n_mixed_exclusive bigint);
create table cells ({ADDRESS}, n_params bigint, n_layers bigint, tokens_seen bigint,
    n_features bigint, n_dead bigint, k bigint, fvu double, fvu_half_k double,
    fvu_quarter_k double, fvu_eighth_k double);
create table sensitivity ({VARIANT}, setting varchar, value varchar);
create table eval_size ({VARIANT}, documents varchar, n_documents bigint,
    firings_per_feature double);
create table settings as select null::double as negligible;
create table planned_tests as select 'planned' as digest;
create table current_tests as select 'planned' as digest
"""
"""The tables that the findings read."""


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--features", type=int, default=400)
    parser.add_argument("--depth", type=float, default=0.1)
    arguments = parser.parse_args()
    for title, depth in (("nothing turns", 0.0), ("a turn", arguments.depth)):
        verdicts: Counter[str] = Counter()
        turns = 0
        with closing(prepared()) as con:
            for run in track(range(arguments.runs), arguments.runs, title, "runs"):
                draw = np.random.default_rng([run, int(1000 * depth)])
                rows = judged(con, draw, arguments.steps, arguments.features, depth)
                verdicts.update(rows.values())
                turns += set(rows.values()) == {"yes"}
        n = verdicts.total()
        shares = ", ".join(
            f"{name} {count / n:.3f}" for name, count in verdicts.items()
        )
        print(f"{title}: {shares}; fall and rise {turns / arguments.runs:.3f}")


def prepared() -> Connection:
    """Open a database in which the findings read tables that have no rows yet."""
    con = database()
    for statement in TABLES.strip().split(";"):
        con.execute(statement)
    base = {
        name
        for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()
    }
    needed = closure(read_views("grid", "paper"), "findings")
    create_views(con, {view.name: view for view in needed}, base)
    return con


def judged(
    con: Connection, draw: Draw, n_steps: int, n_features: int, depth: float
) -> dict[str, str]:
    """Return the verdicts on the fall and the rise of one simulated model."""
    con.execute("delete from text_parts; delete from cells")
    for step in range(1, n_steps + 1):
        middle = 1 - abs(2 * (step - 1) / (n_steps - 1) - 1)
        rows = part_rows(draw, n_features, 0.3 - depth * (middle > 0.5))
        con.executemany(
            "insert into text_parts values ('S', ?, 1, ?, ?, ?, ?, 0, 0)",
            [(step, *row) for row in rows],
        )
        con.execute(
            "insert into cells by name select 'S' as size, ? as step, 1 as layer, "
            "1 as n_params, ? as tokens_seen, ? as n_features, 0 as n_dead, 0.1 as fvu",
            [step, step, n_features],
        )
    query = """
        select comparison, verdict from findings where measure = 'mixed_share'
    """
    return dict(rows_of(con, query).values)


def part_rows(
    draw: Draw, n_features: int, bilingual_share: float
) -> Iterator[tuple[str, str, int, int]]:
    """Draw features and yield, for each part, how many there are and how many mixed.

    A feature prefers one language, by 99 to 1, or is bilingual, with any preference. It
    fires in some 10 to 300 documents, 1 to 5 times in each.
    """
    bilingual = draw.random(n_features) < bilingual_share
    preference = np.where(bilingual, draw.random(n_features), 0.99)
    documents = np.exp(draw.uniform(np.log(10), np.log(300), n_features)).astype(int)
    feature = np.repeat(np.arange(n_features), documents)
    language = (draw.random(len(feature)) > preference[feature]).astype(int)
    eighth, firings = (
        draw.integers(0, 8, len(feature)),
        draw.integers(1, 6, len(feature)),
    )
    counts = np.zeros((n_features, 8, 2), int)
    np.add.at(counts, (feature, eighth, language), firings)
    for documents_name, eighths in PARTS.items():
        by_language = counts[:, eighths].sum(1)
        total = by_language.sum(1)
        mixed = by_language.max(1) <= CLASS_THRESHOLD * total
        for features_name, remainders in FEATURES.items():
            chosen = np.isin(np.arange(n_features) % 2, remainders) & (total > 0)
            yield (
                documents_name,
                features_name,
                int(chosen.sum()),
                int((mixed & chosen).sum()),
            )


if __name__ == "__main__":
    main()
