"""The Zarr store: the corpus, each cell's autoencoder and its codes.

Reads and writes what store/README.md specifies. All addresses come from study.toml; the
tree is never walked.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any

import pyarrow as pa

from bisae.errors import AddressError, Damaged, Unfinished
from bisae.files import AnyPath
from bisae.grid import Cell, Checkpoint, nearest_cell
from bisae.store.format import Array, Node, open_array, stamp, zarr_store
from bisae.store.guard import (
    REMEDY,
    explain_read_errors,
    explain_write_errors,
    read_rows,
    read_whole,
)
from bisae.store.holder import Holder
from bisae.store.layout import SUMS
from bisae.store.lease import Lease, current_holder, wait_for_lease
from bisae.store.nodes import ensure_group, read_group
from bisae.store.part import PartWriter
from bisae.store.records import Block, CellStatus, Codes
from bisae.store.slots import ABOVE, SlotSummary, activations_above, summarize_slots
from bisae.store.split import Split
from bisae.store.staging import Staging, open_staging
from bisae.store.stored import CODE_ARRAYS, StoredCodes
from bisae.store.stream import SCHEMA, CodesStream, activation_batches, read_ahead
from bisae.store.writers import CodesWriter, CorpusWriter
from bisae.study import Study

WEIGHT_ROWS = 4096
"""Rows of a weight that are read at once."""
SHARED = "study"
"""The name of the lease on what all cells share."""


class Store:
    """One study's store, opened at `path`."""

    def __init__(self, path: AnyPath, study: Study) -> None:
        self.path = path
        self.study = study
        self.task = ""
        """The engine's task that this process runs, if any; its leases name it."""
        self._zarr = zarr_store(self.zarr, read_only=True)
        self._stagings: dict[str, Staging] = {}
        """The leases that this process holds, by name, with their staging folders."""

    @property
    def zarr(self) -> AnyPath:
        """The folder of the Zarr hierarchy."""
        return self.path / "bisae.zarr"

    @cached_property
    def tables(self) -> AnyPath:
        """The folder of the exported tables."""
        return self.path / "tables"

    @property
    def languages(self) -> tuple[str, ...]:
        """The study's languages; their order gives each its index."""
        return self.study.corpus.languages

    @property
    def cells(self) -> list[Cell]:
        """The grid, in the order in which it is built."""
        return self.study.cells

    # -- leases --------------------------------------------------------------

    @contextmanager
    def lease(self, of: Checkpoint | str, *, wait: bool = False) -> Iterator[Staging]:
        """Hold a lease, or keep holding it; `wait` until others give it back.

        It is that of a checkpoint, or of what its name says, as SHARED. Yields the
        staging folder. Raises LeaseHeld, and LeaseLost for any failure after the lease
        was lost.
        """
        name = str(of)
        if name in self._stagings:
            yield self._stagings[name]
            return
        with ExitStack() as stack:
            folder = self.path / "leases"
            with explain_write_errors(f"the lease on {name}", self.path):
                if wait:
                    lease = stack.enter_context(wait_for_lease(folder, name, self.task))
                else:
                    lease = Lease(folder, name, self.task)
                    stack.callback(lease.give_back)
                self._stagings[name] = stack.enter_context(
                    open_staging(self.path, lease)
                )
            stack.callback(self._stagings.pop, name)
            stack.enter_context(lease.explain_failures())
            yield self._stagings[name]

    def check_leases(self) -> None:
        """Raise LeaseLost if this process lost one of its leases while it slept."""
        for staging in self._stagings.values():
            staging.lease.check()

    def holder(self, of: Checkpoint | str) -> Holder | None:
        """Return the present holder of a lease, or None."""
        return current_holder(self.path / "leases", str(of))

    # -- corpus ---------------------------------------------------------------

    def corpus_attributes(self) -> dict[str, Any]:
        """Read the attributes of the finished corpus. Raises Unfinished."""
        attributes = read_group(self.zarr / "corpus")
        if not attributes or not attributes.get("complete"):
            msg = f"{self.path}: the corpus is not finished; run `bisae build`"
            raise Unfinished(msg)
        corpus = self.study.corpus
        expected = {"context": corpus.context, "languages": list(corpus.languages)}
        for name, value in expected.items():
            if attributes[name] != value:
                where = f"{self.path}: corpus"
                reason = f"it says {name} = {attributes[name]}, the study {value}"
                raise Damaged(where, reason, REMEDY)
        return attributes

    def has_corpus(self) -> bool:
        """Say if the corpus is finished."""
        return bool((read_group(self.zarr / "corpus") or {}).get("complete"))

    @contextmanager
    def write_corpus(self) -> Iterator[CorpusWriter]:
        """Write all splits anew; `finish` must be called inside. Raises LeaseLost."""
        folder, context = self.zarr / "corpus", self.study.corpus.context
        errors = explain_write_errors("the corpus", self.path)
        with self.lease(SHARED) as staging, errors:
            yield CorpusWriter(folder, staging, self.languages, context)

    def n_documents(self, split: str) -> int:
        """Return the number of documents of a split. Raises Unfinished."""
        return len(self.split(split))

    def split(self, split: str) -> Split:
        """Open a split for random access. Raises Unfinished."""
        self.corpus_attributes()
        names = ("token_id", "language", "length")
        return Split(
            split,
            f"{self.path}: corpus/{split}",
            {name: self.array(f"corpus/{split}/{name}") for name in names},
            len(self.languages),
        )

    def pair_numbers(self, split: str) -> Array | None:
        """Read the pair of each document of a split, (documents,), -1 for none.

        None if the corpus was built without pairs. Raises Unfinished, Damaged.
        """
        path = f"{split}/pair"
        if path not in self.corpus_attributes()[SUMS]:
            return None
        return read_whole(self.array(f"corpus/{path}"), f"{self.path}: corpus/{path}")

    def documents(self, split: str, size: int = 4096) -> Iterator[Block]:
        """Read a split, `size` documents at a time. Raises Unfinished."""
        whole = self.split(split)
        for first in range(0, len(whole), size):
            yield whole.block(first, size)

    # -- cells ----------------------------------------------------------------

    def cell_status(self, cell: Cell) -> CellStatus:
        """Return which parts of a cell are finished."""
        folder = self.folder(cell)
        groups = (read_group(folder / name) or {} for name in ("sae", "codes"))
        return CellStatus(*(bool(group.get("complete")) for group in groups))

    def folder(self, cell: Cell) -> AnyPath:
        """Return the folder of a cell's parts."""
        return self.zarr / "cells" / cell.size / str(cell.step) / str(cell.layer)

    def attributes(self, cell: Cell, part_name: str) -> dict[str, Any]:
        """Read the attributes of a finished part of a cell. Raises Unfinished."""
        if cell not in self.cells:
            msg = f"{self.path}: no cell {cell}; the nearest is "
            raise AddressError(msg + str(nearest_cell(cell, self.cells)))
        attributes = read_group(self.folder(cell) / part_name)
        if not attributes or not attributes.get("complete"):
            msg = f"{self.path}: {part_name} of cell {cell} is not finished; "
            msg += "`bisae build`"
            raise Unfinished(msg)
        return attributes

    def write_sae(
        self,
        cell: Cell,
        weights: Mapping[str, Array],
        loss: Array,
        attributes: Mapping[str, Any],
        *,
        newest: bool = False,
    ) -> None:
        """Write an autoencoder, `complete` last; `newest` as for `stamp`.

        Raises LeaseLost.
        """
        folder = self.folder(cell)
        with self._writing(cell) as staging:
            train = PartWriter(staging.path_of(folder / "train"), stamp("train"))
            train.write("loss", loss)
            train.finish({})
            sae_stamp = stamp("sae", newest=newest)
            sae = PartWriter(staging.path_of(folder / "sae"), sae_stamp)
            for name, values in weights.items():
                sae.write(name, values)
            sae.finish(attributes)
            staging.publish(folder / "train")
            staging.publish(folder / "sae")

    def weights(self, cell: Cell) -> dict[str, Array]:
        """Read W_enc, W_dec (n, d), b_pre (d,), and what else of size (n,) there is.

        That may be b_enc, threshold and rank_scale.
        Raises Unfinished, and StoreError for a damaged or missing chunk.
        """
        names = self.attributes(cell, "sae")[SUMS]
        return {name: self._read_whole(cell, f"sae/{name}") for name in names}

    def direction(self, cell: Cell, feature: int) -> Array:
        """Read a feature's direction, its row of W_dec, (d,). Raises as `weights`."""
        self.attributes(cell, "sae")
        path = f"cells/{cell}/sae/W_dec"
        rows = slice(feature, feature + 1)
        row: Array = read_rows(self.array(path), f"{self.path}: {path}", rows)[0]
        return row

    def loss(self, cell: Cell) -> Array:
        """Read the logged training losses, (logged steps,). Raises Unfinished."""
        self.attributes(cell, "train")
        return self._read_whole(cell, "train/loss")

    @contextmanager
    def write_codes(self, cell: Cell, rows: int) -> Iterator[CodesWriter]:
        """Write the codes of `rows` evaluation tokens, appended in order.

        Raises Unfinished without a finished autoencoder, LeaseLost.
        """
        provenance = {"sae_fingerprint": self.attributes(cell, "sae")["fingerprint"]}
        with self._writing(cell) as staging:
            folder = self.folder(cell) / "codes"
            yield CodesWriter(folder, staging, cell, self.study.sae, rows, provenance)

    def stored_codes(self, cell: Cell) -> StoredCodes:
        """Open a cell's codes for random access. Raises what `weights` raises."""
        self.attributes(cell, "codes")
        return StoredCodes(
            f"{self.path}: cells/{cell}/codes",
            {name: self.array(f"cells/{cell}/codes/{name}") for name in CODE_ARRAYS},
            self._read_whole(cell, "codes/feature"),
        )

    def codes(self, cell: Cell) -> Iterator[Codes]:
        """Read a cell's codes in order, by blocks. Raises what `weights` raises."""
        stored = self.stored_codes(cell)
        return read_ahead(stored.codes, stored.blocks())

    def read_codes(
        self, cell: Cell, floor: Array | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream a cell's activations: token_row, feature, value, starts_run.

        In token order; with a `floor`, (n,) float64, only those above their feature's
        floor. Raises what `weights` raises.
        """
        return activation_batches(
            self.codes(cell), self.study.corpus.context - 1, floor
        )

    def codes_stream(self, cell: Cell, floor: Array | None = None) -> CodesStream:
        """Return the activations as an object that DuckDB can scan repeatedly."""
        self.attributes(cell, "codes")
        return CodesStream(SCHEMA, lambda: self.read_codes(cell, floor))

    def codes_above(self, cell: Cell, floor: Array) -> CodesStream:
        """Return the activations above their feature's floor, (n,) float64, likewise.

        Columns: token_row, feature, value. Values that are not finite are left out.
        """
        stored = self.stored_codes(cell)
        return CodesStream(
            ABOVE,
            lambda: activations_above(
                read_ahead(stored.slots, stored.blocks()), stored, floor
            ),
        )

    def slot_summary(self, cell: Cell) -> SlotSummary:
        """Summarize the stored rows of a cell's codes, and the features in them."""
        stored = self.stored_codes(cell)
        return summarize_slots(
            read_ahead(stored.slots, stored.blocks()), stored.feature
        )

    def arrays(self, cell: Cell) -> Iterator[tuple[str, Node]]:
        """Yield the arrays of `sae` and `codes` by path. Raises as `weights`."""
        for part_name in ("sae", "codes"):
            for name in self.attributes(cell, part_name)[SUMS]:
                yield (
                    f"{part_name}/{name}",
                    self.array(f"cells/{cell}/{part_name}/{name}"),
                )

    def weight_rows(self, cell: Cell, name: str) -> Iterator[Array]:
        """Read a weight, some rows at a time. Raises what `weights` raises."""
        array = self.array(f"cells/{cell}/sae/{name}")
        where, n = f"{self.path}: cells/{cell}/sae/{name}", array.shape[0]
        for first in range(0, n, WEIGHT_ROWS):
            yield read_rows(array, where, slice(first, min(first + WEIGHT_ROWS, n)))

    @contextmanager
    def _writing(self, cell: Cell) -> Iterator[Staging]:
        """Hold the lease on the cell's checkpoint, and make its groups."""
        errors = explain_write_errors(f"cell {cell}", self.path)
        with self.lease(cell.checkpoint) as staging, errors:
            ensure_group(self.folder(cell).parent, {})
            ensure_group(self.folder(cell), stamp("cell"))
            yield staging

    def array(self, path: str) -> Node:
        """Open an array of the Zarr hierarchy for reading. Raises Damaged."""
        with explain_read_errors(f"{self.path}: {path}"):
            return open_array(self._zarr, self.zarr, path)

    def _read_whole(self, cell: Cell, path: str) -> Array:
        path = f"cells/{cell}/{path}"
        array = self.array(path)
        return read_whole(array, f"{self.path}: {path}")
