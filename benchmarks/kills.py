"""Kill a build again and again; nothing that was finished may be lost or change.

    python benchmarks/kills.py STUDY.toml REFERENCE [--kills 100] [--seed 0]

Builds STUDY in processes that get SIGKILL at random moments, after `--longest` seconds
at most. After each kill `status` must tell what is on the disk, `verify` must find
nothing wrong, and what was finished before must be untouched. A build that ends is
compared with the store REFERENCE, array by array, and the next one begins from nothing.
Prints what happened.
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
    asked = parser.parse_args()
    draw, place = random.Random(asked.seed), Path(load_study(asked.study).store)
    kills = builds = mid_part = 0
    finished: dict[Path, int] = {}
    while kills < asked.kills:
        killed = run(asked.study, draw.uniform(IMPORTS, asked.longest))
        if killed:
            kills += 1
            if (place / "bisae.zarr" / "zarr.json").exists():
                mid_part += bool(unfinished(place))
                finished = check(place, finished)
            continue
        builds += 1
        compare(place, asked.reference)
        shutil.rmtree(place)
        finished = {}
    run(asked.study, None)
    compare(place, asked.reference)
    told = (
        f"{kills} kills, {mid_part} of them inside a part, {builds + 1} whole builds: "
    )
    print(told + "status true, nothing wrong, nothing lost, equal array by array")


def run(study: Path, seconds: float | None) -> bool:
    """Build for some seconds, or to the end; whether it was killed."""
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


def check(place: Path, before: dict[Path, int]) -> dict[Path, int]:
    """What must hold after a kill; gives what is finished, and when it was written."""
    store = open_store(place)
    rows = checkpoint_status(store)[0]
    for size, step, _, trained, encoded, *_ in rows.values:
        folders = place.glob(f"bisae.zarr/cells/{size}/{step}/*")
        parts = [(is_complete(f / "sae"), is_complete(f / "codes")) for f in folders]
        assert [trained, encoded] == [sum(one) for one in zip(*parts, strict=True)] or (
            not parts and trained == encoded == 0
        ), (size, step)
    assert not (found := verify(store, Selection()).findings), found
    for file, written in before.items():
        assert file.stat().st_mtime_ns == written, file
    return {
        file: file.stat().st_mtime_ns
        for folder in place.glob("bisae.zarr/cells/*/*/*/*")
        if is_complete(folder)
        for file in folder.rglob("*")
    }


def is_complete(folder: Path) -> bool:
    """Whether the disk says that a part is finished."""
    file = folder / "zarr.json"
    return file.exists() and "complete" in json.loads(file.read_bytes())["attributes"]


def unfinished(place: Path) -> list[Path]:
    """Parts that were begun."""
    parts = [*place.glob("bisae.zarr/corpus"), *place.glob("bisae.zarr/cells/*/*/*/*/")]
    return [one for one in parts if one.is_dir() and not is_complete(one)]


def compare(place: Path, reference: Path) -> None:
    """Hold a built store to one that was built without a kill."""
    one, other = open_store(place), open_store(reference)
    assert one.cells == other.cells
    for cell in one.cells:
        assert equal(one, other, cell), cell
    assert not (found := verify(one, Selection()).findings), found
    assert not [*place.rglob("*.partial")]
    assert tables(place) == tables(reference)


def tables(place: Path) -> set[str]:
    """The table files of a store that `build` writes."""
    found = place.glob("tables/**/*.parquet")
    names = {str(path.relative_to(place)) for path in found}
    return {name for name in names if "/lr_search/" not in name}


def equal(one: Store, other: Store, cell: Cell) -> bool:
    """Whether two stores hold the same of a cell."""
    here, there = one.weights(cell), other.weights(cell)
    blocks = zip(one.codes(cell), other.codes(cell), strict=True)
    return (
        all(np.array_equal(here[name], there[name]) for name in here | there)
        and np.array_equal(one.loss(cell), other.loss(cell))
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
