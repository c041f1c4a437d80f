"""The tables of the paper's grid, 1,572 cells of 32,768 features, from a toy store.

Every cell has the tables of one of the toy's cells, whose features are repeated, at its
own address. Benchmarks of the whole grid read it.
"""

import shutil
from contextlib import closing
from pathlib import Path

from bisae.files import AnyPath, any_path
from bisae.grid import Cell
from bisae.progress import track
from bisae.query import Connection, database, quoted
from bisae.store import Store, create_store, open_store, registry, table_file
from bisae.study import Study

N = 32_768
SIZES = {"150M": (12, 16), "440M": (16, 16), "980M": (20, 16), "1.8B": (24, 16)}
SIZES |= {"3.7B": (28, 15)}
"""Layers and checkpoints: 1,572 cells."""
REPEATED = ("features", "feature_languages")
COMMANDS = ("train", "export")
"""The commands whose tables every cell has."""


def paper_grid(toy: Path, folder: Path) -> Path:
    """Return the grid's store in a folder; write it if it is missing."""
    store = folder / "store"
    if not store.exists():
        source = open_store(any_path(toy))
        fill(create_store(study(source, folder)), source)
    return store


def study(toy: Store, folder: Path) -> Study:
    """Return the study of the grid, with the toy's text and settings."""
    (model, *_) = toy.study.models
    models = tuple(
        model.model_copy(
            update={
                "size": size,
                "steps": tuple(range(steps)),
                "layers": tuple(range(1, layers + 1)),
                "n_layers": layers,
            }
        )
        for size, (layers, steps) in SIZES.items()
    )
    changed = {"store": str(folder / "store"), "models": models, "pretrain": None}
    changed |= {"intervention": None, "semantic": type(toy.study.semantic)()}
    sae = toy.study.sae.model_copy(update={"n_features": N, "k": 32})
    return toy.study.model_copy(update={**changed, "sae": sae})


def fill(grid: Store, toy: Store) -> None:
    """Write the text, all tables, and the codes of the cells that have examples.

    A file's address is that of its folder, so cells can share the toy's files.
    """
    shutil.copytree(str(toy.zarr / "corpus"), str(grid.zarr / "corpus"))
    for folder in toy.tables.iterdir():
        if not any(folder.glob("size=*")):
            shutil.copytree(str(folder), str(grid.tables / folder.name))
    with closing(database(toy.tables)) as con:
        for cell in track(grid.cells, len(grid.cells), "copy", "cells"):
            source = nearest(cell, toy)
            for name in tables():
                file = table_file(toy, name, source)
                if name == "cells":
                    write_cell(con, file, table_file(grid, name, cell), cell)
                elif name in REPEATED:
                    link(repeated(con, toy, grid, name, source), grid, name, cell)
                elif file.exists():
                    link(file, grid, name, cell)
            if cell.size == list(SIZES)[-1]:
                shutil.copytree(str(toy.folder(source)), str(grid.folder(cell)))


def nearest(cell: Cell, toy: Store) -> Cell:
    """Return the cell of the toy's largest model at the same relative address."""
    model = toy.study.models[-1]
    layers, steps = SIZES[cell.size]
    depths = sorted({cell.layer for cell in toy.cells if cell.size == model.size})
    depth = depths[(cell.layer - 1) * len(depths) // layers]
    return Cell(model.size, model.steps[cell.step * len(model.steps) // steps], depth)


def tables() -> list[str]:
    """Return the tables that every cell has."""
    return [
        name
        for name, table in registry().items()
        if table.level == "cell" and table.command in COMMANDS
    ]


def link(file: AnyPath, grid: Store, name: str, cell: Cell) -> None:
    """Let a file of a table be that of a cell as well."""
    copy = table_file(grid, name, cell)
    copy.parent.mkdir(parents=True, exist_ok=True)
    Path(str(copy)).hardlink_to(str(file))


def repeated(
    con: Connection, toy: Store, grid: Store, name: str, source: Cell
) -> AnyPath:
    """Return a file of a table whose features are repeated, written once."""
    file = grid.path / "repeated" / name / f"{source.step}-{source.layer}.parquet"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        width = toy.study.sae.n_features
        rows = f"read_parquet({quoted(str(table_file(toy, name, source)))})"
        con.execute(
            f"copy (select * exclude (i) replace (feature + {width} * i as feature) "
            f"from {rows} cross join range({N // width}) as copies (i)) "
            f"to {quoted(str(file))} (format parquet, compression zstd)"
        )
    return file


def write_cell(con: Connection, source: AnyPath, file: AnyPath, cell: Cell) -> None:
    """Write a row of `cells`."""
    tokens, layers = 4_000_000 * 4**cell.step * (cell.step > 0), SIZES[cell.size][0]
    file.parent.mkdir(parents=True, exist_ok=True)
    con.execute(
        f"copy (select * replace ({tokens}::bigint as tokens_seen, {layers}::bigint as "
        f"n_params, {N}::bigint as n_features, {layers}::bigint as n_layers, "
        f"n_dead * ({N} // n_features) as n_dead) "
        f"from read_parquet({quoted(str(source))})) "
        f"to {quoted(str(file))} (format parquet)"
    )
