"""Append documents to a corpus and codes to a cell."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bisae.errors import StoreError
from bisae.files import AnyPath
from bisae.grid import Cell
from bisae.store.format import Array, stamp
from bisae.store.layout import LAYOUT, PAIRS, SPLITS
from bisae.store.part import PartWriter
from bisae.store.staging import Staging
from bisae.study import Sae

WIDE = 65_536


class CorpusWriter:
    """Append documents to the splits of a corpus."""

    def __init__(
        self,
        folder: AnyPath,
        staging: Staging,
        languages: tuple[str, ...],
        context: int,
    ) -> None:
        attributes = {"languages": list(languages), "context": context}
        self._folder, self._staging = folder, staging
        self._part = PartWriter(staging.path_of(folder), stamp("corpus") | attributes)
        for split in SPLITS:
            self._part.create(f"{split}/token_id", (0, context - 1))
            self._part.create(f"{split}/language", (0,))
            self._part.create(f"{split}/length", (0,))

    def append(self, split: str, token_id: Array, language: Array) -> None:
        """Append token_id (documents, context - 1) and language (documents,).

        Raises LeaseLost.
        """
        self._staging.lease.check_after_sleep()
        self._part[f"{split}/token_id"].append(token_id)
        self._part[f"{split}/language"].append(language)
        self._part[f"{split}/length"].append((token_id >= 0).sum(1))

    def write_pair_numbers(self, pair: Array) -> None:
        """Write the pair of each evaluation document, (documents,), -1 for none."""
        self._part.write("eval/pair", pair)

    def write_pairs(self, token_id: Array, language: Array, pair: Array) -> None:
        """Write the texts of pairs: token_id (texts, context - 1), else (texts,)."""
        length = (token_id >= 0).sum(1)
        arrays = {"token_id": token_id, "language": language, "length": length}
        for name, values in (arrays | {"pair": pair}).items():
            self._part.write(f"{PAIRS}/{name}", values)

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Move the complete corpus into place. Raises LeaseLost."""
        self._part.finish(attributes)
        self._staging.publish(self._folder)


class CodesWriter:
    """Append a cell's codes.

    Features are renumbered by descending activation count in the first shard, so that
    frequent features get small numbers, which the codec packs tighter. The array
    `feature` maps numbers to features.
    """

    def __init__(
        self,
        folder: AnyPath,
        staging: Staging,
        cell: Cell,
        sae: Sae,
        rows: int,
        provenance: Mapping[str, Any],
    ) -> None:
        """`provenance` holds attributes that identify the autoencoder."""
        self._folder, self._staging = folder, staging
        self._part = PartWriter(
            staging.path_of(folder), stamp("codes") | dict(provenance)
        )
        self._cell = cell
        self._sae = sae
        self._rows = rows
        self._wide = sae.n_features > WIDE
        self._dtype = np.uint32 if self._wide else np.uint16
        self._part.create("index", (rows, sae.k), wide=self._wide)
        self._part.create("value", (rows, sae.k))
        self._number: Array | None = None
        self._pending: list[tuple[Array, Array]] = []
        self.appended = 0
        """Rows appended so far."""

    def append(self, index: Array, value: Array) -> None:
        """Append rows: index and value (rows, k).

        Raises StoreError on overflow, LeaseLost.
        """
        self._staging.lease.check_after_sleep()
        value = value.astype(np.float16)
        if not np.isfinite(value).all():
            msg = f"cell {self._cell}: a code is not finite as float16"
            raise StoreError(msg)
        self.appended += len(value)
        self._pending.append((index.astype(self._dtype), value))
        if self._number is not None or self.appended >= LAYOUT["numbered_by"]:
            self._write_pending()

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Write the buffered rows and move the complete codes into place.

        Raises LeaseLost.
        """
        if self.appended != self._rows:
            msg = f"cell {self._cell}: {self.appended} rows of {self._rows}"
            raise StoreError(msg)
        self._write_pending()
        self._part.finish(attributes)
        self._staging.publish(self._folder)

    def _write_pending(self) -> None:
        """Write the buffered rows with their features renumbered."""
        if self._number is None:
            self._number = self._number_features()
        for index, value in self._pending:
            number = self._number[index]
            number[value == 0] = 0
            self._part["index"].append(number)
            self._part["value"].append(value)
        self._pending = []

    def _number_features(self) -> Array:
        """Number the features by frequency in the first rows; return the numbers."""
        n, counts = LAYOUT["numbered_by"], np.zeros(self._sae.n_features, np.int64)
        for index, value in self._pending:
            used = index[:n][value[:n] > 0]
            counts += np.bincount(used, minlength=len(counts))
            n = max(0, n - len(index))
        feature = np.argsort(-counts, kind="stable")
        self._part.write("feature", feature, wide=self._wide)
        number = np.empty(len(feature), self._dtype)
        number[feature] = np.arange(len(feature))
        return number
