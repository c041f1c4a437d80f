"""Append to the store: documents of a corpus, codes of a cell."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bisae.errors import StoreError
from bisae.grid import Cell
from bisae.store.format import Array, Node, complete, create
from bisae.study import Sae

SPLITS = ("train", "valid", "eval", "heldout")
WIDE = 65_536


class CorpusWriter:
    """Appends documents to the splits of a corpus."""

    def __init__(self, group: Node, folder: Path, context: int) -> None:
        self._group = group
        self._folder = folder
        self._digest = hashlib.sha256()
        for split in SPLITS:
            part = group.create_group(split)
            create(part, "token_id", (0, context - 1))
            create(part, "language", (0,))
            create(part, "length", (0,))

    def append(self, split: str, token_id: Array, language: Array) -> None:
        """Append token_id (documents, context - 1) and language (documents,)."""
        part = self._group[split]
        columns = {
            "token_id": token_id.astype(np.int32),
            "language": language.astype(np.uint8),
            "length": (token_id >= 0).sum(1).astype(np.uint16),
        }
        for name, values in columns.items():
            part[name].append(values)
            self._digest.update(split.encode() + name.encode() + values.tobytes())

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Mark the corpus complete."""
        fingerprint = self._digest.hexdigest()
        self._group.attrs.update(dict(attributes) | {"fingerprint": fingerprint})
        complete(self._group, self._folder)


class CodesWriter:
    """Appends a cell's codes; whole shards are written, the rest is kept back."""

    def __init__(
        self, group: Node, folder: Path, cell: Cell, sae: Sae, rows: int
    ) -> None:
        self._group = group
        self._folder = folder
        self._cell = cell
        shape = (rows, sae.k)
        self._index = create(group, "index", shape, wide=sae.n_features > WIDE)
        self._value = create(group, "value", shape)
        self._shard = (self._index.shards or self._index.chunks)[0]
        self._held: list[tuple[Array, Array]] = []
        self._row = 0
        self._digest = hashlib.sha256()

    def append(self, index: Array, value: Array) -> None:
        """Append rows: index and value (rows, k). Raises StoreError on overflow."""
        value = value.astype(np.float16)
        if not np.isfinite(value).all():
            msg = f"cell {self._cell}: a code is not finite as float16"
            raise StoreError(msg)
        self._held.append((index.astype(self._index.dtype), value))
        if sum(len(one) for one, _ in self._held) >= self._shard:
            self._flush(whole_shards=True)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Write what is held back and mark the codes complete."""
        self._flush(whole_shards=False)
        if self._row != self._index.shape[0]:
            msg = f"cell {self._cell}: {self._row} rows of {self._index.shape[0]}"
            raise StoreError(msg)
        fingerprint = self._digest.hexdigest()
        self._group.attrs.update(dict(attributes) | {"fingerprint": fingerprint})
        complete(self._group, self._folder)

    def _flush(self, *, whole_shards: bool) -> None:
        if not self._held:
            return
        index, value = (np.concatenate(part) for part in zip(*self._held, strict=True))
        n = len(index) // self._shard * self._shard if whole_shards else len(index)
        rows = slice(self._row, self._row + n)
        self._index[rows], self._value[rows] = index[:n], value[:n]
        self._digest.update(index[:n].tobytes() + value[:n].tobytes())
        self._held = [(index[n:], value[n:])] if n < len(index) else []
        self._row += n
