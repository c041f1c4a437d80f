"""Which width and which K suit a study's autoencoders?

    python benchmarks/dictionary.py STUDY.toml --only size=4M,step=2000,layer=3

Trains the selected cells with each width and K, each time in a store of its own below
the study's `work_dir`, and prints the share of features that are alive on the
validation text, and the FVU there; no code of the evaluation text is ever computed, so
a study may choose its settings by it. Evaluate a longer validation text than usual
with `[corpus] valid_share`: rare features seem dead on a short one.
"""

import argparse
from collections.abc import Iterator
from contextlib import closing
from itertools import product
from pathlib import Path

from bisae.formats import Rows, render
from bisae.grid import parse_selection
from bisae.pipeline.build import build
from bisae.query import connect, rows_of
from bisae.study import Study, load_study

QUERY = """
    select size, step, layer, n_alive, fvu
    from convergence where measured_at = 'end' order by all
"""
NAMES = ["n", "k", "size", "step", "layer", "alive_share", "fvu"]


def variants(study: Study, widths: list[int], ks: list[int]) -> Iterator[Study]:
    """Yield the study with each width and K, and a store for each."""
    for n, k in product(widths, ks):
        folder = Path(study.work_dir) / "dictionary" / f"{n}-{k}"
        sae = study.sae.model_copy(update={"n_features": n, "k": k})
        places = {"store": str(folder / "store"), "work_dir": str(folder / "work")}
        yield study.model_copy(update={"sae": sae, **places})


def measure(study: Study, only: str | None) -> list[tuple[object, ...]]:
    """Train the selected cells; return their rows."""
    store = build(study, parse_selection(only), ("train",))
    with closing(connect(store, query="from convergence")) as con:
        rows = rows_of(con, QUERY).values
    n, k = study.sae.n_features, study.sae.k
    return [(n, k, *cell, alive / n, fvu) for *cell, alive, fvu in rows]


def main() -> None:
    """Train and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--only", help="cells, as in `bisae build`")
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--ks", type=int, nargs="+", default=[8, 16, 32])
    options = parser.parse_args()
    study = load_study(options.study)
    rows = [
        row
        for variant in variants(study, options.widths, options.ks)
        for row in measure(variant, options.only)
    ]
    print(render(Rows(NAMES, rows), "markdown"))


if __name__ == "__main__":
    main()
