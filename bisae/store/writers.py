"""Append to the store: documents of a corpus, codes of a cell."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bisae.errors import StoreError
from bisae.files import Place
from bisae.grid import Cell
from bisae.store.format import Array, stamp
from bisae.store.layout import LAYOUT, SPLITS
from bisae.store.part import PartWriter
from bisae.store.staging import Staging
from bisae.study import Sae

WIDE = 65_536


class CorpusWriter:
    """Appends documents to the splits of a corpus."""

    def __init__(
        self, folder: Place, staging: Staging, languages: tuple[str, ...], context: int
    ) -> None:
        attributes = {"languages": list(languages), "context": context}
        self._folder, self._staging = folder, staging
        self._part = PartWriter(staging.of(folder), stamp("corpus") | attributes)
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

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Put the complete corpus into place. Raises LeaseLost."""
        self._part.finish(attributes)
        self._staging.publish(self._folder)


class CodesWriter:
    """Appends a cell's codes.

    Features are numbered by falling activation count in the first shard: frequent ones
    then have small numbers, which the codec packs tighter. `feature` says which is
    which.
    """

    def __init__(
        self,
        folder: Place,
        staging: Staging,
        cell: Cell,
        sae: Sae,
        rows: int,
        of: Mapping[str, Any],
    ) -> None:
        """`of` are attributes that tell which autoencoder's codes they are."""
        self._folder, self._staging = folder, staging
        self._part = PartWriter(staging.of(folder), stamp("codes") | dict(of))
        self._cell = cell
        self._sae = sae
        self._rows = rows
        self._wide = sae.n_features > WIDE
        self._dtype = np.uint32 if self._wide else np.uint16
        self._part.create("index", (rows, sae.k), wide=self._wide)
        self._part.create("value", (rows, sae.k))
        self._number: Array | None = None
        self._waiting: list[tuple[Array, Array]] = []
        self.appended = 0
        """Rows so far."""

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
        self._waiting.append((index.astype(self._dtype), value))
        if self._number is not None or self.appended >= LAYOUT["numbered_by"]:
            self._pass_on()

    def finish(self, attributes: Mapping[str, Any]) -> None:
        """Write what is held back and put the complete codes into place.

        Raises LeaseLost.
        """
        if self.appended != self._rows:
            msg = f"cell {self._cell}: {self.appended} rows of {self._rows}"
            raise StoreError(msg)
        self._pass_on()
        self._part.finish(attributes)
        self._staging.publish(self._folder)

    def _pass_on(self) -> None:
        """Write the rows that wait, their features numbered."""
        if self._number is None:
            self._number = self._numbered()
        for index, value in self._waiting:
            number = self._number[index]
            number[value == 0] = 0
            self._part["index"].append(number)
            self._part["value"].append(value)
        self._waiting = []

    def _numbered(self) -> Array:
        """Number the features by the first rows; gives each feature's number."""
        n, counts = LAYOUT["numbered_by"], np.zeros(self._sae.n_features, np.int64)
        for index, value in self._waiting:
            used = index[:n][value[:n] > 0]
            counts += np.bincount(used, minlength=len(counts))
            n = max(0, n - len(index))
        feature = np.argsort(-counts, kind="stable")
        self._part.write("feature", feature, wide=self._wide)
        number = np.empty(len(feature), self._dtype)
        number[feature] = np.arange(len(feature))
        return number
