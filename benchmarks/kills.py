"""Kill a build repeatedly; nothing that was finished may be lost or change.

    python benchmarks/kills.py STUDY.toml REFERENCE [--kills 100] [--seed 0]

Builds STUDY in processes that get SIGKILL at random moments, after at most `--longest`
seconds. After each kill `status` must agree with the disk, `verify` must find nothing
wrong, and finished parts must be untouched. A build that ends is compared with the
store REFERENCE, array by array, and the next one starts from scratch. Prints a summary.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from bisae.grid import Cell, Selection
from bisae.pipeline.status import checkpoint_status
from bisae.store import Store, open_store
from bisae.store.verify import verify
from bisae.study import load_study

IMPORTS = 2.0
"""Seconds before a build does anything."""


def main() -> None:
    """Kill, check, and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("reference", type=Path)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--longest", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw, path = random.Random(arguments.seed), Path(load_study(arguments.study).store)
    kills = builds = mid_part = 0
    finished: dict[Path, int] = {}
    while kills < arguments.kills:
        killed = run(arguments.study, draw.uniform(IMPORTS, arguments.longest))
        if killed:
            kills += 1
            if (path / "bisae.zarr" / "zarr.json").exists():
                mid_part += bool(unfinished(path))
                finished = check(path, finished)
            continue
        builds += 1
        compare(path, arguments.reference)
        shutil.rmtree(path)
        finished = {}
    run(arguments.study, None)
    compare(path, arguments.reference)
    summary = (
        f"{kills} kills, {mid_part} of them inside a part, {builds + 1} whole builds: "
    )
    print(summary + "status true, nothing wrong, nothing lost, equal array by array")


def run(study: Path, seconds: float | None) -> bool:
    """Build for some seconds, or to the end; return true if it was killed."""
    command = [sys.executable, "-m", "bisae", "build", str(study)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=subprocess.PIPE)
    try:
        _, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return True
    if process.returncode:
        raise SystemExit(error.decode())
    return False


def check(path: Path, before: dict[Path, int]) -> dict[Path, int]:
    """Check a store after a kill; return its finished files and their times."""
    store = open_store(path)
    for status in checkpoint_status(store):
        folders = [*path.glob(f"bisae.zarr/cells/{status.size}/{status.step}/*")]
        for part, number in (("sae", status.trained), ("codes", status.encoded)):
            assert sum(is_complete(f / part) for f in folders) == number, status
    assert not (findings := verify(store, Selection()).findings), findings
    for file, written in before.items():
        assert file.stat().st_mtime_ns == written, file
    return {
        file: file.stat().st_mtime_ns
        for folder in path.glob("bisae.zarr/cells/*/*/*/*")
        if is_complete(folder)
        for file in folder.rglob("*")
    }


def is_complete(folder: Path) -> bool:
    """Return true if a part is marked as finished on disk."""
    file = folder / "zarr.json"
    return file.exists() and "complete" in json.loads(file.read_bytes())["attributes"]


def unfinished(path: Path) -> list[Path]:
    """Return the parts that were begun and not finished."""
    parts = [*path.glob("bisae.zarr/corpus"), *path.glob("bisae.zarr/cells/*/*/*/*/")]
    return [folder for folder in parts if folder.is_dir() and not is_complete(folder)]


def compare(path: Path, reference: Path) -> None:
    """Compare a built store with one that was built without a kill."""
    built, expected = open_store(path), open_store(reference)
    assert built.cells == expected.cells
    for cell in built.cells:
        assert equal(built, expected, cell), cell
    assert not (findings := verify(built, Selection()).findings), findings
    assert not [*path.rglob("*.partial")]
    assert tables(path) == tables(reference)


def tables(folder: Path) -> set[str]:
    """Return the table files of a store that `build` writes."""
    files = folder.glob("tables/**/*.parquet")
    names = {str(path.relative_to(folder)) for path in files}
    return {name for name in names if "/lr_search/" not in name}


def equal(first: Store, second: Store, cell: Cell) -> bool:
    """Return true if a cell is the same in two stores."""
    first_weights, second_weights = first.weights(cell), second.weights(cell)
    blocks = zip(first.codes(cell), second.codes(cell), strict=True)
    return (
        all(
            np.array_equal(first_weights[name], second_weights[name])
            for name in first_weights | second_weights
        )
        and np.array_equal(first.loss(cell), second.loss(cell))
        and all(
            np.array_equal(a.index, b.index) and np.array_equal(a.value, b.value)
            for a, b in blocks
        )
    )


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    began = time.monotonic()
    main()
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
