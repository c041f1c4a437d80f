"""Do intervals of steering contrasts cover the true difference?

    python benchmarks/steering.py                # synthetic losses
    python benchmarks/steering.py --store STORE  # draws of a finished intervention

Synthetic losses: every experiment has new documents and new draws of two classes whose
true difference is 0, so a contrast should exclude 0 in one of twenty. Of a store with
many draws, each experiment is some of them, and the truth is the mean over all of them,
on the same documents. All experiments are one run of sql/intervention, as values of m.
`documents alone`: the estimate -/+ 1.96 standard deviations over documents.
"""

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from bisae.formats import Rows, render
from bisae.query import (
    Connection,
    closure,
    connect,
    create_views,
    database,
    read_views,
    rows_of,
)
from bisae.store import open_store

EXPERIMENTS, DOCUMENTS = 2000, 100
COVERAGE = """
select
    measure,
    count(*) as experiments,
    round(avg((low <= truth and truth <= high)::int), 3) as covered,
    round(avg((low > truth)::int), 3) as above,
    round(avg((high < truth)::int), 3) as below,
    round(avg((abs(estimate - truth) <= z_95() * sd_documents)::int), 3)
        as documents_alone,
    round(avg(sd_documents / standard_deviation), 2) as documents_part
from intervention_contrasts inner join truths using (measure)
where language = 'all'
group by measure
order by measure
"""
LOSSES = """
select control, m, added, draw, document, language, n_tokens, nll
from intervention_losses
where not scale_back and alpha = 0.1
    and added not in ('baseline', 'none', 'reconstruction', 'random_directions')
"""


class Scenario(NamedTuple):
    """Standard deviations of a class's loss, in nats a token, and its draws."""

    title: str
    draws: tuple[int, int]
    """Of each class; one draw is of the whole class."""
    over_documents: float
    over_draws: tuple[float, float]
    over_both: float
    skewed: bool = False
    """Draws are exponential instead of normal."""


SCENARIOS = [
    Scenario("3 draws", (3, 3), 0.05, (0.02, 0.02), 0.02),
    Scenario("5 draws", (5, 5), 0.05, (0.02, 0.02), 0.02),
    Scenario("3 draws, one varies more", (3, 3), 0.05, (0.005, 0.02), 0.02),
    Scenario("a whole class against 3 draws", (1, 3), 0.05, (0.0, 0.02), 0.02),
    Scenario("3 draws, documents vary more", (3, 3), 0.2, (0.01, 0.01), 0.02),
    Scenario("3 draws, only both together vary", (3, 3), 0.0, (0.0, 0.0), 0.2),
    Scenario("3 skewed draws", (3, 3), 0.05, (0.02, 0.02), 0.02, skewed=True),
    Scenario("5 skewed draws", (5, 5), 0.05, (0.02, 0.02), 0.02, skewed=True),
]


def main() -> None:
    """Simulate, or draw again from a store; print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--store", type=Path, help="with many draws of each class")
    parser.add_argument("--draws", type=int, nargs="+", default=[3, 5])
    arguments = parser.parse_args()
    generator = np.random.default_rng(0)
    if arguments.store:
        results = [
            (f"{title}, {n} draws", result)
            for n in arguments.draws
            for title, result in redrawn(arguments.store, n, generator)
        ]
    else:
        results = [(s.title, coverage(simulated(s, generator))) for s in SCENARIOS]
    names = ["scenario", *results[0][1].names]
    rows = [(title, *row) for title, result in results for row in result.values]
    print(render(Rows(names, rows), "markdown"))


def simulated(scenario: Scenario, generator: np.random.Generator) -> pa.Table:
    """Return the losses of all experiments: two classes that do not differ."""
    n_tokens = generator.integers(20, 64, DOCUMENTS)
    document = 2.5 + generator.normal(0, 0.3, (EXPERIMENTS, 1, DOCUMENTS))
    tables = []
    for name, draws, sd in zip(
        ("mixed", "en"), scenario.draws, scenario.over_draws, strict=True
    ):
        shape = (EXPERIMENTS, draws, 1)
        by_draw = (
            generator.exponential(1, shape) - 1
            if scenario.skewed
            else generator.normal(0, 1, shape)
        )
        loss = (
            document
            + generator.normal(0, 1, document.shape) * scenario.over_documents
            + by_draw * sd
            + generator.normal(0, scenario.over_both, (*shape[:2], DOCUMENTS))
        )
        language = np.array(["en", "ja"])[np.arange(DOCUMENTS) % 2]
        tables.append(losses(name, loss * n_tokens, n_tokens, language))
    return pa.concat_tables(tables)


def redrawn(
    path: Path, n_draws: int, generator: np.random.Generator
) -> Iterator[tuple[str, Rows]]:
    """Yield each contrast of a store, and how intervals from a few draws cover it."""
    with closing(connect(open_store(path), query=LOSSES)) as con:
        frame = con.execute(LOSSES).df()
    documents = frame.drop_duplicates("document").set_index("document").sort_index()
    n_tokens, language = documents["n_tokens"].to_numpy(), documents["language"]
    by_setting = {
        key: rows.pivot(index="draw", columns="document", values="nll").to_numpy()
        for key, rows in frame.groupby(["control", "m", "added"])
    }
    for (control, m, added), nll in by_setting.items():
        if added == "mixed":
            continue
        sides = {"mixed": by_setting[control, m, "mixed"], added: nll}
        chosen = [
            losses(name, drawn(rows, n_draws, generator), n_tokens, language.to_numpy())
            for name, rows in sides.items()
        ]
        by_draw = [rows.sum(1) / n_tokens.sum() for rows in sides.values()]
        truths = {
            "loss": by_draw[0].mean() - by_draw[1].mean(),
            "perplexity": np.exp(by_draw[0]).mean() - np.exp(by_draw[1]).mean(),
        }
        yield f"{control} {m}, {added}", coverage(pa.concat_tables(chosen), truths)


def drawn(nll: np.ndarray, n_draws: int, generator: np.random.Generator) -> np.ndarray:
    """Choose some of a setting's draws for each experiment, or its only one."""
    n = min(n_draws, len(nll))
    return np.stack(
        [nll[generator.permutation(len(nll))[:n]] for _ in range(EXPERIMENTS // 4)]
    )


def losses(
    name: str, nll: np.ndarray, n_tokens: np.ndarray, language: np.ndarray
) -> pa.Table:
    """Return (experiments, draws, documents) as rows like those of an intervention."""
    experiment, draw, document = np.indices(nll.shape).reshape(3, -1)
    n = len(draw)
    return pa.table(
        {
            "added": [name] * n,
            "m": experiment + 1,
            "draw": draw,
            "document": document,
            "language": language[document],
            "n_tokens": n_tokens[document],
            "nll": nll.ravel(),
        }
    )


def coverage(measured: pa.Table, truths: dict[str, float] | None = None) -> Rows:
    """Run the SQL of the product; compare its intervals with the truth."""
    truths = truths or {"loss": 0.0, "perplexity": 0.0}
    with closing(database()) as con:
        con.register(
            "truths", pa.table({"measure": [*truths], "truth": [*truths.values()]})
        )
        contrasts(con, measured)
        return rows_of(con, COVERAGE)


def contrasts(con: Connection, measured: pa.Table) -> None:
    """Create the view `intervention_contrasts` of some losses."""
    con.register("rows_measured", measured)
    con.execute(
        "create table measured as select *, 'm' as control, 0.1 as alpha, "
        "false as scale_back, 1 as n_added, 0.0 as added_norm, 1.0 as residual_norm, "
        "0.0 as active_per_token from rows_measured"
    )
    con.execute(
        "insert into measured by name (select distinct on (document) * replace ("
        "'baseline' as added, 0 as m, 0 as draw, 0.0 as alpha) from measured)"
    )
    con.execute(
        "create table wanted as select distinct control, added, alpha, m, draw, "
        "scale_back from measured"
    )
    # A class of which one draw was measured has no other.
    con.execute(
        "create table pools as select added, if(max(draw) = 0, 1, 2) as n_features "
        "from measured group by added"
    )
    con.execute("create table models as select 1 as full_step, true as b_pre")
    views = closure(read_views("intervention"), "intervention_contrasts")
    tables = {"measured", "wanted", "pools", "models"}
    create_views(con, {view.name: view for view in views}, tables, keep=True)


if __name__ == "__main__":
    main()
