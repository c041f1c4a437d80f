"""The Zarr store: the corpus, each cell's autoencoder and its codes.

Reads and writes what store/README.md specifies. Goes to addresses from study.toml and
never walks the tree.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import Any

import pyarrow as pa

from bisae.errors import AddressError, Damaged, Unfinished
from bisae.files import Place
from bisae.grid import Cell, nearest_cell
from bisae.store.format import Array, Node, open_array, stamp, zarr_store
from bisae.store.guard import REMEDY, read_rows, read_whole, reading, writing
from bisae.store.holder import Holder
from bisae.store.layout import SUMS
from bisae.store.lease import Lease, holder, waiting_for
from bisae.store.nodes import ensure_group, read_group
from bisae.store.part import PartWriter
from bisae.store.records import Block, Codes, Progress
from bisae.store.slots import ABOVE, Told, above, told
from bisae.store.split import Split
from bisae.store.staging import Staging, open_staging
from bisae.store.stored import CODE_ARRAYS, StoredCodes
from bisae.store.stream import SCHEMA, CodesStream, ahead, batches
from bisae.store.writers import CodesWriter, CorpusWriter
from bisae.study import Study

WEIGHT_ROWS = 4096
"""Rows of a weight that are read at once."""
SHARED = "study"
"""The lease on what all cells share."""


class Store:
    """One study's store, opened at `place`."""

    def __init__(self, place: Place, study: Study) -> None:
        self.place = place
        self.study = study
        self._zarr = zarr_store(self.zarr, read_only=True)
        self._stagings: dict[str, Staging] = {}
        """What this process may write: its leases, and where it writes under each."""

    @property
    def zarr(self) -> Place:
        """The folder of the Zarr hierarchy."""
        return self.place / "bisae.zarr"

    @cached_property
    def tables(self) -> Place:
        """The folder of the exported tables."""
        return self.place / "tables"

    @property
    def languages(self) -> tuple[str, ...]:
        """The study's languages; their order gives each its index."""
        return self.study.corpus.languages

    @property
    def cells(self) -> list[Cell]:
        """The grid, in the order in which it is built."""
        return self.study.cells

    # -- who builds -----------------------------------------------------------

    @contextmanager
    def lease(self, name: str, *, wait: bool = False) -> Iterator[Staging]:
        """Hold a lease, or go on holding it; `wait` until others give it back.

        Names are SHARED and, of a checkpoint, `size/step`. Yields where the holder
        writes. Raises Held, and LeaseLost whatever failed once somebody else has it.
        """
        if name in self._stagings:
            yield self._stagings[name]
            return
        with ExitStack() as stack:
            folder = self.place / "leases"
            with writing(f"the lease on {name}", self.place):
                if wait:
                    lease = stack.enter_context(waiting_for(folder, name))
                else:
                    lease = Lease(folder, name)
                    stack.callback(lease.give_back)
                self._stagings[name] = stack.enter_context(
                    open_staging(self.place, lease)
                )
            stack.callback(self._stagings.pop, name)
            stack.enter_context(lease.explaining_failures())
            yield self._stagings[name]

    def check_leases(self) -> None:
        """Raise LeaseLost if this process slept past a lease that it holds."""
        for staging in self._stagings.values():
            staging.lease.check()

    def holder(self, name: str) -> Holder | None:
        """Who holds a lease now."""
        return holder(self.place / "leases", name)

    # -- corpus ---------------------------------------------------------------

    def corpus_attributes(self) -> dict[str, Any]:
        """What is known of the finished corpus. Raises Unfinished."""
        found = read_group(self.zarr / "corpus")
        if not found or not found.get("complete"):
            msg = f"{self.place}: the corpus is not finished; run `bisae build`"
            raise Unfinished(msg)
        corpus = self.study.corpus
        expected = {"context": corpus.context, "languages": list(corpus.languages)}
        for name, value in expected.items():
            if found[name] != value:
                where = f"{self.place}: corpus"
                reason = f"it says {name} = {found[name]}, the study {value}"
                raise Damaged(where, reason, REMEDY)
        return found

    def has_corpus(self) -> bool:
        """Whether the corpus is finished."""
        return bool((read_group(self.zarr / "corpus") or {}).get("complete"))

    @contextmanager
    def write_corpus(self) -> Iterator[CorpusWriter]:
        """Write all splits anew; `finish` must be called inside. Raises LeaseLost."""
        folder, context = self.zarr / "corpus", self.study.corpus.context
        what = writing("the corpus", self.place)
        with self.lease(SHARED) as staging, what:
            yield CorpusWriter(folder, staging, self.languages, context)

    def n_documents(self, split: str) -> int:
        """How many documents a split has. Raises Unfinished."""
        return len(self.split(split))

    def split(self, split: str) -> Split:
        """A split, for reading any documents of it. Raises Unfinished."""
        self.corpus_attributes()
        names = ("token_id", "language", "length")
        return Split(
            f"{self.place}: corpus/{split}",
            {name: self.array(f"corpus/{split}/{name}") for name in names},
            len(self.languages),
        )

    def documents(self, split: str, size: int = 4096) -> Iterator[Block]:
        """Read a split, `size` documents at a time. Raises Unfinished."""
        whole = self.split(split)
        for first in range(0, len(whole), size):
            yield whole.block(first, size)

    # -- cells ----------------------------------------------------------------

    def progress(self, cell: Cell) -> Progress:
        """What of a cell is finished."""
        folder = self.folder(cell)
        parts = (read_group(folder / part) or {} for part in ("sae", "codes"))
        return Progress(*(bool(part.get("complete")) for part in parts))

    def folder(self, cell: Cell) -> Place:
        """The folder of a cell's parts."""
        return self.zarr / "cells" / cell.size / str(cell.step) / str(cell.layer)

    def attributes(self, cell: Cell, part: str) -> dict[str, Any]:
        """The metadata of a finished `sae` or `codes`. Raises Unfinished."""
        if cell not in self.cells:
            msg = f"{self.place}: no cell {cell}; the nearest is "
            raise AddressError(msg + str(nearest_cell(cell, self.cells)))
        found = read_group(self.folder(cell) / part)
        if not found or not found.get("complete"):
            msg = f"{self.place}: {part} of cell {cell} is not finished; `bisae build`"
            raise Unfinished(msg)
        return found

    def write_sae(
        self,
        cell: Cell,
        weights: Mapping[str, Array],
        loss: Array,
        attributes: Mapping[str, Any],
    ) -> None:
        """Write a trained autoencoder, `complete` last. Raises LeaseLost."""
        folder = self.folder(cell)
        with self._writing(cell) as staging:
            train = PartWriter(staging.of(folder / "train"), stamp("train"))
            train.write("loss", loss)
            train.finish({})
            sae = PartWriter(staging.of(folder / "sae"), stamp("sae"))
            for name, values in weights.items():
                sae.write(name, values)
            sae.finish(attributes)
            staging.publish(folder / "train")
            staging.publish(folder / "sae")

    def weights(self, cell: Cell) -> dict[str, Array]:
        """Read W_enc, W_dec (n, d), b_pre (d,) and b_enc (n,) if there is one.

        Raises Unfinished, and StoreError for a chunk that is damaged or lost.
        """
        names = self.attributes(cell, "sae")[SUMS]
        return {name: self._whole(cell, f"sae/{name}") for name in names}

    def loss(self, cell: Cell) -> Array:
        """The training losses that were logged, (logged steps,). Raises Unfinished."""
        self.attributes(cell, "train")
        return self._whole(cell, "train/loss")

    @contextmanager
    def write_codes(self, cell: Cell, rows: int) -> Iterator[CodesWriter]:
        """Write the codes of `rows` evaluation tokens, appended in order.

        Raises Unfinished before the autoencoder is, LeaseLost.
        """
        of = {"sae_fingerprint": self.attributes(cell, "sae")["fingerprint"]}
        with self._writing(cell) as staging:
            folder = self.folder(cell) / "codes"
            yield CodesWriter(folder, staging, cell, self.study.sae, rows, of)

    def stored_codes(self, cell: Cell) -> StoredCodes:
        """A cell's codes, for reading any rows of them. Raises as `weights`."""
        self.attributes(cell, "codes")
        return StoredCodes(
            f"{self.place}: cells/{cell}/codes",
            {name: self.array(f"cells/{cell}/codes/{name}") for name in CODE_ARRAYS},
            self._whole(cell, "codes/feature"),
        )

    def codes(self, cell: Cell) -> Iterator[Codes]:
        """Read a cell's codes in order, some rows at a time. Raises as `weights`."""
        stored = self.stored_codes(cell)
        return ahead(stored.codes, stored.blocks())

    def read_codes(
        self, cell: Cell, floor: Array | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Stream a cell's activations: token_row, feature, value, starts_run.

        In token order; with a `floor`, (n,) float64, only those above their feature's.
        Raises as `weights`.
        """
        return batches(self.codes(cell), self.study.corpus.context - 1, floor)

    def codes_stream(self, cell: Cell, floor: Array | None = None) -> CodesStream:
        """The activations as an object that DuckDB scans as often as it likes."""
        self.attributes(cell, "codes")
        return CodesStream(SCHEMA, lambda: self.read_codes(cell, floor))

    def codes_above(self, cell: Cell, floor: Array) -> CodesStream:
        """The activations above their feature's floor, (n,) float64, as such an object.

        token_row, feature, value. What is not finite is not above.
        """
        stored = self.stored_codes(cell)
        return CodesStream(
            ABOVE, lambda: above(ahead(stored.slots, stored.blocks()), stored, floor)
        )

    def told(self, cell: Cell) -> Told:
        """What a cell's rows of codes, and its features in them, are like."""
        stored = self.stored_codes(cell)
        return told(ahead(stored.slots, stored.blocks()), stored.feature)

    def arrays(self, cell: Cell) -> Iterator[tuple[str, Node]]:
        """Each array of `sae` and `codes`, by its path. Raises as `weights`."""
        for part in ("sae", "codes"):
            for name in self.attributes(cell, part)[SUMS]:
                yield f"{part}/{name}", self.array(f"cells/{cell}/{part}/{name}")

    def weight_rows(self, cell: Cell, name: str) -> Iterator[Array]:
        """Read a weight some rows at a time. Raises as `weights`."""
        array = self.array(f"cells/{cell}/sae/{name}")
        where, n = f"{self.place}: cells/{cell}/sae/{name}", array.shape[0]
        for first in range(0, n, WEIGHT_ROWS):
            yield read_rows(array, where, slice(first, min(first + WEIGHT_ROWS, n)))

    @contextmanager
    def _writing(self, cell: Cell) -> Iterator[Staging]:
        """Hold the cell's checkpoint, make its groups, and name what goes wrong."""
        what = writing(f"cell {cell}", self.place)
        with self.lease(cell.checkpoint) as staging, what:
            ensure_group(self.folder(cell).parent, {})
            ensure_group(self.folder(cell), stamp("cell"))
            yield staging

    def array(self, path: str) -> Node:
        """An array of the Zarr hierarchy, for reading. Raises Damaged."""
        with reading(f"{self.place}: {path}"):
            return open_array(self._zarr, self.zarr, path)

    def _whole(self, cell: Cell, path: str) -> Array:
        path = f"cells/{cell}/{path}"
        array = self.array(path)
        return read_whole(array, f"{self.place}: {path}")
