"""Write one part of a store: append to its arrays, then set `complete`.

Writes to a staging folder; `staging` moves the finished part into place.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from zarr.abc.store import Store

from bisae.files import AnyPath, make_folder, replace
from bisae.store.format import Array, Node, create, document, zarr_store
from bisae.store.layout import DOCUMENT, SUMS
from bisae.store.nodes import finish


class ArrayWriter:
    """Append rows to one array; whole shards are written, the rest is buffered."""

    def __init__(self, array: Node) -> None:
        self._array = array
        self._unit = (array.shards or array.chunks)[0]
        self._pending: list[Array] = []
        self._written = 0
        self._digest = hashlib.sha256()
        self.appended = 0
        """Rows so far."""

    def append(self, values: Array) -> None:
        """Append rows; the array grows if it is too short."""
        self._pending.append(values.astype(self._array.dtype, copy=False))
        self.appended += len(values)
        if self.appended - self._written >= self._unit:
            self._write(self.appended // self._unit * self._unit)

    def finish(self) -> str:
        """Write the buffered rows and return the digest of all rows."""
        self._write(self.appended)
        return self._digest.hexdigest()

    def _write(self, end: int) -> None:
        """Write the rows up to `end`."""
        n = end - self._written
        if not n:
            return
        is_single = len(self._pending) == 1
        pending = self._pending[0] if is_single else np.concatenate(self._pending)
        if end > self._array.shape[0]:
            self._array.resize((end, *self._array.shape[1:]))
        rows = np.ascontiguousarray(pending[:n])
        self._array[self._written : end] = rows
        self._digest.update(rows.data)
        self._pending = [pending[n:].copy()] if n < len(pending) else []
        self._written = end


class PartWriter:
    """Write a part, which stays unfinished until `finish`."""

    def __init__(self, folder: AnyPath, attributes: Mapping[str, Any]) -> None:
        self._folder = folder
        self._attributes = dict(attributes)
        self._columns: dict[str, ArrayWriter] = {}
        make_folder(folder)
        replace(folder / DOCUMENT, document(self._attributes))
        # Opened as a separate root, so that Zarr writes nothing in the folders above.
        self._store: Store = zarr_store(folder, read_only=False)

    def create(self, path: str, shape: tuple[int, ...], *, wide: bool = False) -> None:
        """Create an array, laid out as store/layout.toml says for its name."""
        self._columns[path] = ArrayWriter(create(self._store, path, shape, wide=wide))

    def __getitem__(self, path: str) -> ArrayWriter:
        """Return the writer of an array."""
        return self._columns[path]

    def write(self, path: str, values: Array, *, wide: bool = False) -> None:
        """Create an array and write all of it."""
        self.create(path, values.shape, wide=wide)
        self[path].append(values)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Mark the part complete, with the checksums and fingerprint of its arrays."""
        sums = {path: column.finish() for path, column in sorted(self._columns.items())}
        metadata = self._attributes | dict(attributes)
        metadata |= {SUMS: sums, "fingerprint": fingerprint(sums)}
        groups = {path.rpartition("/")[0] for path in sums} - {""}
        finish(self._folder, metadata, [*groups, *sums])


def fingerprint(sums: Mapping[str, str]) -> str:
    """Return the sha256 over the lines `path sha256`, sorted by path."""
    lines = "".join(f"{path} {sums[path]}\n" for path in sorted(sums))
    return hashlib.sha256(lines.encode()).hexdigest()
