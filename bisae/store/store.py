"""The Zarr store: the corpus, each cell's autoencoder and its codes.

Reads and writes what store/README.md specifies. Goes to addresses from study.toml and
never walks the tree.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bisae.errors import AddressError, StoreError, Unfinished
from bisae.files import replace
from bisae.grid import Cell
from bisae.store.format import (
    LAYOUT,
    Array,
    Node,
    complete,
    create,
    digest,
    find_group,
    open_group,
    reading,
    stamp,
    writing,
)
from bisae.store.records import Block, Codes, Progress
from bisae.store.split import Split
from bisae.store.stream import CodesStream
from bisae.store.writers import CodesWriter, CorpusWriter
from bisae.study import Study, dump_study, load_study

ROWS_AT_ONCE = 65_536


class Store:
    """One study's store, opened at `place`."""

    def __init__(self, place: Path, study: Study) -> None:
        self.place = place
        self.study = study
        self._root = open_group(self.zarr)

    @property
    def zarr(self) -> Path:
        """The folder of the Zarr hierarchy."""
        return self.place / "bisae.zarr"

    @property
    def tables(self) -> Path:
        """The folder of the exported tables."""
        return self.place / "tables"

    @property
    def languages(self) -> tuple[str, ...]:
        """The study's languages; their order gives each its index."""
        return self.study.corpus.languages

    # -- corpus ---------------------------------------------------------------

    def corpus_attributes(self) -> dict[str, Any]:
        """What is known of the finished corpus. Raises Unfinished."""
        if not self.has_corpus():
            msg = f"{self.place}: the corpus is not finished; run `bisae build`"
            raise Unfinished(msg)
        return dict(self._root["corpus"].attrs)

    def has_corpus(self) -> bool:
        """Whether the corpus is finished."""
        corpus = find_group(self._root, "corpus")
        return corpus is not None and "complete" in corpus.attrs

    @contextmanager
    def write_corpus(self) -> Iterator[CorpusWriter]:
        """Write all splits anew; `finish` must be called inside."""
        with writing("the corpus", self.place):
            group = self._root.create_group("corpus", overwrite=True)
            group.attrs.update(stamp("corpus") | {"languages": list(self.languages)})
            yield CorpusWriter(group, self.zarr / "corpus", self.study.corpus.context)

    def n_documents(self, split: str) -> int:
        """How many documents a split has. Raises Unfinished."""
        return len(self.split(split))

    def split(self, split: str) -> Split:
        """A split, for reading any documents of it. Raises Unfinished."""
        self.corpus_attributes()
        where = f"{self.place}: corpus/{split}"
        with reading(where):
            group = self._root[f"corpus/{split}"]
            columns = [group[name] for name in ("token_id", "language", "length")]
        return Split(where, columns)

    def documents(self, split: str, size: int = 4096) -> Iterator[Block]:
        """Read a split, `size` documents at a time. Raises Unfinished."""
        whole = self.split(split)
        for first in range(0, len(whole), size):
            yield whole.block(first, size)

    # -- cells ----------------------------------------------------------------

    def progress(self, cell: Cell) -> Progress:
        """What of a cell is finished."""
        parts = (find_group(self._root, f"cells/{cell}/{p}") for p in ("sae", "codes"))
        return Progress(*(g is not None and "complete" in g.attrs for g in parts))

    def attributes(self, cell: Cell, part: str) -> dict[str, Any]:
        """The metadata of a finished `sae` or `codes`. Raises Unfinished."""
        return dict(self._finished(cell, part).attrs)

    def write_sae(
        self,
        cell: Cell,
        weights: Mapping[str, Array],
        loss: Array,
        attributes: Mapping[str, Any],
    ) -> None:
        """Write a trained autoencoder, `complete` last."""
        with writing(f"cell {cell}", self.place):
            group = self._root.require_group(f"cells/{cell}")
            group.attrs.update(stamp("cell"))
            sae = group.create_group("sae", overwrite=True)
            train = group.create_group("train", overwrite=True)
            create(train, "loss", loss.shape)[:] = loss
            for name, values in weights.items():
                create(sae, name, values.shape)[:] = values
            fingerprint = digest(weights[name] for name in sorted(weights))
            sae.attrs.update(dict(attributes) | {"fingerprint": fingerprint})
            folder = self.zarr / "cells" / str(cell)
            complete(sae, folder / "sae", folder / "train")

    def weights(self, cell: Cell) -> dict[str, Array]:
        """Read W_enc, W_dec (n, d), b_pre (d,) and b_enc (n,) if there is one."""
        sae = self._finished(cell, "sae")
        with reading(f"{self.place}: cell {cell}, sae"):
            return {name: array[:] for name, array in sae.arrays()}

    @contextmanager
    def write_codes(self, cell: Cell, rows: int) -> Iterator[CodesWriter]:
        """Write the codes of `rows` evaluation tokens, appended in order."""
        with writing(f"cell {cell}", self.place):
            group = self._root[f"cells/{cell}"].create_group("codes", overwrite=True)
            folder = self.zarr / "cells" / str(cell) / "codes"
            yield CodesWriter(group, folder, cell, self.study.sae, rows)

    def codes(self, cell: Cell) -> Iterator[Codes]:
        """Read a cell's codes in order, some rows at a time. Raises Unfinished."""
        group = self._finished(cell, "codes")
        where = f"{self.place}: cell {cell}, codes"
        with reading(where):
            index, value = group["index"], group["value"]
        n = index.shape[0]
        for first in range(0, n, ROWS_AT_ONCE):
            rows = slice(first, min(first + ROWS_AT_ONCE, n))
            with reading(where):
                block = Codes(first, index[rows], value[rows])
            yield block

    def codes_stream(self, cell: Cell) -> CodesStream:
        """The codes as an object that DuckDB scans: token_row, feature, value."""
        self._finished(cell, "codes")
        return CodesStream(lambda: self.codes(cell))

    def _finished(self, cell: Cell, part: str) -> Node:
        if cell not in self.study.cells:
            msg = f"{self.place}: no cell {cell}; `bisae status` lists the cells"
            raise AddressError(msg)
        group = find_group(self._root, f"cells/{cell}/{part}")
        if group is None or not group.attrs.get("complete"):
            msg = f"{self.place}: {part} of cell {cell} is not finished; `bisae build`"
            raise Unfinished(msg)
        return group


def create_store(study: Study) -> Store:
    """Make the study's store, or open it again. Raises StoreError on another study."""
    place = Path(study.store)
    if (place / "study.toml").exists():
        if (place / "bisae.zarr").exists():
            _same_study(open_store(place).study, study)
    elif place.exists() and not (place.is_dir() and _is_begun(place)):
        msg = f"{place} is there already and is no bisae store; choose another `store`"
        raise StoreError(msg)
    try:
        place.mkdir(parents=True, exist_ok=True)
        root = open_group(place / "bisae.zarr", "a")
        root.attrs.update(stamp("store"))
        replace(place / "study.toml", dump_study(study))
    except OSError as error:
        msg = f"cannot make a store at {place}: {error.strerror or error}"
        raise StoreError(msg) from error
    return Store(place, study)


def open_store(place: Path) -> Store:
    """Open a store for reading. Raises StoreError."""
    if not (place / "study.toml").is_file():
        msg = f"no store at {place} (it has no study.toml)"
        raise StoreError(msg)
    try:
        root = open_group(place / "bisae.zarr")
    except FileNotFoundError as error:
        msg = f"{place} has no bisae.zarr; build the study again"
        raise StoreError(msg) from error
    version = root.attrs.get("bisae_format_version")
    if version != LAYOUT["version"]:
        msg = f"{place} has format version {version}, this bisae reads "
        msg += f"{LAYOUT['version']}: install the bisae that wrote it, or a newer one"
        raise StoreError(msg)
    study = load_study(place / "study.toml")
    return Store(place, study.model_copy(update={"store": str(place.resolve())}))


def _is_begun(place: Path) -> bool:
    """Whether a folder holds no more than a store whose making was cut short."""
    known = {"bisae.zarr", "zarr.json"}
    return all(p.name in known or p.suffix == ".partial" for p in place.rglob("*"))


def _same_study(old: Study, new: Study) -> None:
    """Refuse to build one study over another: codes would not be comparable."""
    for section in ("corpus", "sae"):
        was, now = (getattr(one, section).model_dump() for one in (old, new))
        for key, value in was.items():
            if value != now[key]:
                msg = f"{new.store} holds another study: [{section}] {key} is not what "
                msg += "it was built with; change it back, or choose another `store`"
                raise StoreError(msg)
