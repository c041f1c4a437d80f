"""Cost of a cell outside the language model and the autoencoder, in ever larger grids.

    python benchmarks/many_cells.py FOLDER --cells 10 100     # 1572: 46 minutes

Every grid is built by `bisae build`'s own stages: real text, real but tiny language
models, autoencoders of 64 features, a store, tables, checks and the report. Seconds are
processor seconds of one process, since other work on the machine does not change them;
for the stages, a cell's. "files" and "MB" are a cell's too. 1,572 cells have the sizes,
layers and numbers of checkpoints of the paper's grid.
"""

import argparse
import resource
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import torch

from bisae.checks import failures, validate
from bisae.demo.toy import write_texts
from bisae.formats import Rows, render
from bisae.grid import Selection
from bisae.pipeline.build import build
from bisae.pipeline.prepare import STAGES
from bisae.pretrain import pretrain
from bisae.query import connect
from bisae.report import report
from bisae.store import Store, open_store
from bisae.study import Study, load_study

SIZES = {"150M": (12, 16), "440M": (16, 16), "980M": (20, 16), "1.8B": (24, 16)}
SIZES |= {"3.7B": (28, 15)}
"""Layers and checkpoints of the paper's sizes: 1,572 cells."""
GRIDS = {
    10: {"150M": (5, 2)},
    100: dict.fromkeys(SIZES, (4, 5)),
    400: dict.fromkeys(SIZES, (10, 8)),
    1572: SIZES,
}
"""Layers and checkpoints of each size, by the number of cells."""
STUDY = """
name = "many-cells"
store = "store"
[corpus]
tokenizer = "./checkpoints/tokenizer"
context = 32
train_tokens = 4_000
valid_share = 0.1
eval_tokens = 4_000
heldout_tokens = 2_000
[[corpus.text]]
language = "en"
files = ["text/en.jsonl"]
[[corpus.text]]
language = "ja"
files = ["text/ja.jsonl"]
[sae]
n_features = 64
k = 4
lr = 2e-3
batch_tokens = 512
buffer_batches = 2
warmup_steps = 2
[lm]
device = "cpu"
eval_ce_tokens = 500
[features]
semantic_threshold = "null:1e-3"
null_sets = 20
[pretrain]
vocab_size = 700
batch_windows = 4
lr = 5e-3
warmup_steps = 5
"""
MODEL = """
[[models]]
size = "{size}"
checkpoint = "./checkpoints/{{size}}/{{step}}"
steps = {steps}
tokens_per_step = 128
layers = {layers}
[[pretrain.models]]
size = "{size}"
d_model = {d}
n_layers = {n_layers}
n_heads = 1
"""


def make_study(folder: Path, n_cells: int) -> Study:
    """Write a study of some number of cells, its text and checkpoints."""
    folder.mkdir(parents=True, exist_ok=True)
    write_texts(folder / "text", documents=900, parallel=100, seed=0)
    models = [
        MODEL.format(
            size=size,
            steps=list(range(0, 20 * steps, 20)),
            layers=list(range(1, layers + 1)),
            d=16 + 2 * number,
            n_layers=layers,
        )
        for number, (size, (layers, steps)) in enumerate(GRIDS[n_cells].items())
    ]
    path = folder / "study.toml"
    path.write_text(STUDY + "".join(models))
    study = load_study(path)
    pretrain(study)
    return study


def measure(folder: Path, n_cells: int) -> list[float]:
    """Build a grid; return the values of its row."""
    study = make_study(folder, n_cells)
    assert (
        sum(len(model.steps) * len(model.layers) for model in study.models) == n_cells
    )
    stages = [cpu(partial(build, study, Selection(), (stage,))) for stage in STAGES]
    again = cpu(partial(build, study, Selection()))
    store = open_store(study.store)
    files = [file for file in folder.joinpath("store").rglob("*") if file.is_file()]
    megabytes = sum(file.stat().st_size for file in files) / 1e6
    return [
        *(seconds / n_cells for seconds in (*stages, again)),
        len(files) / n_cells,
        megabytes / n_cells,
        cpu(partial(ask, store, "select count(*) from cells")),
        cpu(partial(ask, store, "from trends")),
        cpu(partial(check, store)),
        cpu(partial(report, store, [])),
    ]


COLUMNS = [
    "cells",
    *(f"{stage}, s a cell" for stage in STAGES),
    "build again, s a cell",
    "files a cell",
    "MB a cell",
    "open, s",
    "trends, s",
    "checks, s",
    "report, s",
]


def ask(store: Store, query: str) -> None:
    """Open the store's database with what a query needs, and answer it."""
    with closing(connect(store, query=query)) as con:
        con.execute(query).fetchall()


def check(store: Store) -> None:
    """Run every check; all pass."""
    assert not failures(validate(store))


def cpu(work: Callable[[], object]) -> float:
    """Return the processor seconds of some work, with those of its processes."""
    before = processor_seconds()
    work()
    return processor_seconds() - before


def processor_seconds() -> float:
    """Return the processor seconds of this process and its finished children."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Build grids, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--cells", type=int, nargs="+", choices=GRIDS, default=[10, 100]
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for n_cells in arguments.cells:
        values = measure(arguments.folder / str(n_cells), n_cells)
        rows.append((n_cells, *(round(value, 3) for value in values)))
        print(render(Rows(COLUMNS, rows), "markdown"), flush=True)


if __name__ == "__main__":
    main()
