"""Which width and which K suit a study's autoencoders?

    python benchmarks/dictionary.py STUDY.toml --only size=4M,step=1600,layer=3

Trains autoencoders of every width and K on the selected cells' hidden states, one after
the other, and prints their FVU and the share of dead features on the validation text.
The evaluation text is never encoded, so a study may choose its settings by this. It
keeps the text in a store below the study's `work_dir`, and no autoencoder.
"""

import argparse
from functools import partial
from itertools import groupby, product
from pathlib import Path
from tempfile import TemporaryDirectory

from bisae.formats import Rows, render
from bisae.grid import Cell, parse_selection
from bisae.lm import LanguageModel, unit_states
from bisae.lm.opening import open_model
from bisae.lm.states import StateBlocks
from bisae.pipeline.prepare import prepare_build
from bisae.sae import Autoencoder, ReconstructionMetrics, seeded, start
from bisae.store import Store
from bisae.study import Sae, load_study
from bisae.train.job import TrainingJob
from bisae.train.resume import TrainingState
from bisae.train.run import train_jobs

NAMES = ["size", "step", "layer", "n", "k", "fvu", "dead_share"]
Row = tuple[object, ...]


def measure(store: Store, lm: LanguageModel, cells: list[Cell], sae: Sae) -> list[Row]:
    """Train the layers of a checkpoint; return a row of each."""
    study = store.study.model_copy(update={"sae": sae})
    jobs = [
        TrainingJob(
            cell,
            study.lr(cell.size),
            partial(start, settings=seeded(sae, cell)),
        )
        for cell in cells
    ]
    source = StateBlocks(store, store.split("train"), lm, cells)
    title = f"{cells[0].checkpoint} n {sae.n_features} K {sae.k}"
    with store.lease(cells[0].checkpoint) as staging, TemporaryDirectory() as folder:
        state = TrainingState(Path(folder), {}, staging.lease)
        train_jobs(study, source, jobs, state, lm.device, title)
    return [
        (*job.cell, sae.n_features, sae.k, *validation(store, lm, job.cell, job.sae))
        for job in jobs
    ]


def validation(
    store: Store, lm: LanguageModel, cell: Cell, sae: Autoencoder
) -> tuple[float, float]:
    """Return the FVU and the share of dead features on the validation text."""
    blocks = StateBlocks(store, store.split("valid"), lm, [cell])
    metrics = ReconstructionMetrics(sae)
    for number in range(len(blocks)):
        x = unit_states(blocks[number].layers[cell.layer])
        metrics.add(x, sae.reconstruct(x))
    measured = metrics.metrics()
    return measured["fvu"], measured["n_dead"] / len(sae.W_dec)


def main() -> None:
    """Train, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("--only", help="cells, as in `bisae build`")
    parser.add_argument("--widths", type=int, nargs="+", default=[512, 1024, 2048])
    parser.add_argument("--ks", type=int, nargs="+", default=[8, 16, 32])
    options = parser.parse_args()
    study = load_study(options.study)
    store = {"store": str(Path(study.work_dir) / "dictionary")}
    build = prepare_build(
        study.model_copy(update=store), parse_selection(options.only), ("train",)
    )
    rows: list[Row] = []
    for checkpoint, cells in groupby(build.cells, lambda cell: cell.checkpoint):
        lm, listed = open_model(build.store, checkpoint), list(cells)
        for n, k in product(options.widths, options.ks):
            sae = build.store.study.sae.model_copy(update={"n_features": n, "k": k})
            rows += measure(build.store, lm, listed, sae)
    print(render(Rows(NAMES, rows), "markdown"))


if __name__ == "__main__":
    main()
