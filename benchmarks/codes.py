"""Size and speed of a cell's stored codes, by codec, chunk, shard and pipeline.

    python benchmarks/codes.py STORE SIZE/STEP/LAYER [--rows N]

Reads a cell's codes from a store, writes them to a temporary folder with each
candidate, and prints a row for each: bytes per code (index and value), MB/s of raw
codes written and read, milliseconds for a run of 256 rows and for 256 scattered ones.
`*` marks features numbered by descending activation count. The empirical entropy of
indices and values is printed above, as a yardstick. The pipeline of `zarrs` is measured
if that package is installed.
"""

import argparse
import importlib.util
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.codecs.numcodecs import PCodec

from bisae.formats import Rows, render
from bisae.grid import parse_cell
from bisae.query import database
from bisae.store import open_store

PIPELINES = ["zarr", *(["zarrs"] if importlib.util.find_spec("zarrs") else [])]
CHUNK = 262_144
"""Codes in a chunk."""
RUN = 256
REPEATS = 3


class Candidate(NamedTuple):
    """One way to store codes."""

    codec: str
    chunk: int
    shard: int
    by_count: bool
    pipeline: str

    @property
    def title(self) -> str:
        """The codec, marked if features are numbered by activation count."""
        return self.codec + ("*" if self.by_count else "")


CODECS: dict[str, Callable[[], dict[str, Any]]] = {
    "pcodec 8, crc32c": lambda: _pcodec(8),
    "pcodec 4, crc32c": lambda: _pcodec(4),
    "pcodec 12, crc32c": lambda: _pcodec(12),
    "zstd 1, checksum": lambda: {"compressors": [ZstdCodec(level=1, checksum=True)]},
    "zstd 9, checksum": lambda: {"compressors": [ZstdCodec(level=9, checksum=True)]},
    "blosc zstd 3 bitshuffle, crc32c": lambda: {
        "compressors": [
            BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle"),
            Crc32cCodec(),
        ]
    },
}


def _pcodec(level: int) -> dict[str, Any]:
    return {"serializer": PCodec(level=level), "compressors": [Crc32cCodec()]}


def candidates(k: int) -> Iterator[Candidate]:
    """Every codec at one layout; then layouts of the one that is used."""
    chunk = CHUNK // k
    chosen = Candidate("pcodec 8, crc32c", chunk, 16 * chunk, True, "zarr")  # noqa: FBT003
    for pipeline in PIPELINES:
        for codec in CODECS:
            for by_count in (False, True):
                yield chosen._replace(codec=codec, by_count=by_count, pipeline=pipeline)
    for size in (chunk // 8, chunk // 4, chunk // 2, 2 * chunk, 4 * chunk):
        yield chosen._replace(chunk=size)
    for shard in (8 * chunk, 64 * chunk):
        yield chosen._replace(shard=shard)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("cell")
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    index, value = read(arguments.store, arguments.cell, arguments.rows)
    counts = np.bincount(index[value > 0])
    rank = np.empty(len(counts), index.dtype)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    summary = (
        f"{arguments.cell}: {len(index):,} rows of {index.shape[1]}; entropy, bytes a "
    )
    summary += (
        f"code: index {entropy(index):.2f}, value {entropy(value):.2f}, together "
    )
    print(summary + f"{entropy(index) + entropy(value):.2f}")
    names = ["codec", "chunk", "shard", "pipeline", "bytes", "index", "value"]
    names += ["write MB/s", "read MB/s", "run ms", "scattered ms"]
    rows = [
        measure(candidate, rank[index] if candidate.by_count else index, value)
        for candidate in candidates(index.shape[1])
    ]
    print(render(Rows(names, rows), "markdown"))
    names = ["from the store as it is", *PIPELINES]
    print(render(Rows(names, scans(arguments.store, arguments.cell)), "markdown"))


def scans(path: Path, cell: str) -> list[tuple[Any, ...]]:
    """Measure bisae's scans of a cell in MB/s of raw codes, by pipeline."""
    store, address = open_store(path), parse_cell(cell)
    raw = (
        sum(block.index.nbytes + block.value.nbytes for block in store.codes(address))
        / 1e6
    )

    def query() -> None:
        with closing(database()) as con:
            con.register("codes", store.codes_stream(address))
            con.execute("select feature, max(value) from codes group by 1").fetchall()

    work: dict[str, Callable[[], Any]] = {
        "rows of features and values": lambda: deque(store.codes(address), 0),
        "Arrow batches": lambda: deque(store.read_codes(address), 0),
        "`select feature, max(value) ... group by feature`": query,
    }
    speeds_by_name: dict[str, list[float]] = {name: [] for name in work}
    for pipeline in PIPELINES:
        with zarr.config.set(setting(pipeline)):
            for name, read_all in work.items():
                speeds_by_name[name].append(raw / fastest(read_all))
    return [(name, *speeds) for name, speeds in speeds_by_name.items()]


def read(store: Path, cell: str, most: int) -> tuple[Any, Any]:
    """Read a cell's codes, cut or repeated to `most` rows."""
    blocks = list(open_store(store).codes(parse_cell(cell)))
    index = np.concatenate([block.index for block in blocks])
    value = np.concatenate([block.value for block in blocks])
    shape = (most, index.shape[1])
    return np.resize(index, shape), np.resize(value, shape)


def entropy(values: Any) -> float:
    """Return the bytes per element of an optimal code for the value frequencies."""
    counts = np.unique(values, return_counts=True)[1]
    share = counts / counts.sum()
    return float(-(share * np.log2(share)).sum() / 8)


def measure(candidate: Candidate, index: Any, value: Any) -> tuple[Any, ...]:
    """Measure one row of the table."""
    with zarr.config.set(setting(candidate.pipeline)), TemporaryDirectory() as folder:
        raw = index.nbytes + value.nbytes
        began = time.perf_counter()
        arrays = [
            write(Path(folder), name, candidate, values)
            for name, values in (("index", index), ("value", value))
        ]
        writing = time.perf_counter() - began
        sizes = [size_of(Path(folder) / name) for name in ("index", "value")]
        scan = fastest(lambda: scan_all(arrays, candidate.shard // 2))
        draw = np.random.default_rng(0)
        places = np.sort(draw.choice(len(index), RUN, replace=False))
        first = int(draw.integers(0, len(index) - RUN))
        run = fastest(lambda: [array[first : first + RUN] for array in arrays])
        scattered = fastest(lambda: [array.oindex[places] for array in arrays])
    return (
        candidate.title,
        candidate.chunk,
        candidate.shard,
        candidate.pipeline,
        sum(sizes) / index.size,
        *(size / index.size for size in sizes),
        raw / writing / 1e6,
        raw / scan / 1e6,
        1000 * run,
        1000 * scattered,
    )


def setting(pipeline: str) -> dict[str, str]:
    """Return Zarr's setting for a pipeline."""
    zarrs = {"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}
    return zarrs if pipeline == "zarrs" else {}


def write(folder: Path, name: str, candidate: Candidate, values: Any) -> Any:
    """Write an array shard by shard, as an encoder does."""
    with warnings.catch_warnings(action="ignore"):
        array = zarr.create_array(
            folder / name,
            shape=values.shape,
            chunks=(min(candidate.chunk, len(values)), values.shape[1]),
            shards=(candidate.shard, values.shape[1]),
            dtype=values.dtype,
            fill_value=0,
            **CODECS[candidate.codec](),
        )
        for first in range(0, len(values), candidate.shard):
            array[first : first + candidate.shard] = values[
                first : first + candidate.shard
            ]
        return zarr.open_array(folder / name, mode="r")


def size_of(folder: Path) -> int:
    """Sum the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def scan_all(arrays: list[Any], step: int) -> None:
    """Read every row in order."""
    for first in range(0, arrays[0].shape[0], step):
        for array in arrays:
            array[first : first + step]


def fastest(work: Callable[[], Any]) -> float:
    """Return the seconds of the fastest of some runs."""
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
