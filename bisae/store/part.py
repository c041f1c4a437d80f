"""Write one part of a store: its arrays, appended to, then `complete`.

Writes a folder where no part is; `staging` puts it into place.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from zarr.abc.store import Store

from bisae.files import Place, make_folder, replace
from bisae.store.format import Array, Node, create, document, zarr_store
from bisae.store.layout import DOCUMENT, SUMS
from bisae.store.nodes import finish


class Column:
    """One array, appended to; whole shards are written, the rest is held back."""

    def __init__(self, array: Node) -> None:
        self._array = array
        self._unit = (array.shards or array.chunks)[0]
        self._held: list[Array] = []
        self._written = 0
        self._digest = hashlib.sha256()
        self.appended = 0
        """Rows so far."""

    def append(self, values: Array) -> None:
        """Append rows; an array that is too short grows."""
        self._held.append(values.astype(self._array.dtype, copy=False))
        self.appended += len(values)
        if self.appended - self._written >= self._unit:
            self._write(self.appended // self._unit * self._unit)

    def finish(self) -> str:
        """Write what is held back; gives the digest of all rows."""
        self._write(self.appended)
        return self._digest.hexdigest()

    def _write(self, end: int) -> None:
        """Write the rows up to `end`."""
        n = end - self._written
        if not n:
            return
        whole = len(self._held) == 1
        held = self._held[0] if whole else np.concatenate(self._held)
        if end > self._array.shape[0]:
            self._array.resize((end, *self._array.shape[1:]))
        rows = np.ascontiguousarray(held[:n])
        self._array[self._written : end] = rows
        self._digest.update(rows.data)
        self._held = [held[n:].copy()] if n < len(held) else []
        self._written = end


class PartWriter:
    """A part that is being written; it stays unfinished until `finish`."""

    def __init__(self, folder: Place, attributes: Mapping[str, Any]) -> None:
        self._folder = folder
        self._attributes = dict(attributes)
        self._columns: dict[str, Column] = {}
        make_folder(folder)
        replace(folder / DOCUMENT, document(self._attributes))
        # Opened as a root of its own: Zarr then writes in no folder above.
        self._store: Store = zarr_store(folder, read_only=False)

    def create(self, path: str, shape: tuple[int, ...], *, wide: bool = False) -> None:
        """Create an array, as store/layout.toml says of its name."""
        self._columns[path] = Column(create(self._store, path, shape, wide=wide))

    def __getitem__(self, path: str) -> Column:
        """The array to append to."""
        return self._columns[path]

    def write(self, path: str, values: Array, *, wide: bool = False) -> None:
        """Create an array and write all of it."""
        self.create(path, values.shape, wide=wide)
        self[path].append(values)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Mark the part complete; `fingerprint` is of all its arrays."""
        sums = {path: one.finish() for path, one in sorted(self._columns.items())}
        told = self._attributes | dict(attributes)
        told |= {SUMS: sums, "fingerprint": fingerprint(sums)}
        groups = {path.rpartition("/")[0] for path in sums} - {""}
        finish(self._folder, told, [*groups, *sums])


def fingerprint(sums: Mapping[str, str]) -> str:
    """The sha256 over the lines `path sha256`, in the order of the paths."""
    lines = "".join(f"{path} {sums[path]}\n" for path in sorted(sums))
    return hashlib.sha256(lines.encode()).hexdigest()
