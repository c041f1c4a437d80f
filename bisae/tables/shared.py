"""What the export of every cell needs: settings, views, which tokens are alike.

Reads the study, the corpus and the embeddings, which are made on first use.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bisae.query import (
    View,
    database,
    named,
    parquet_view,
    read_views,
)
from bisae.store import Store, study_tables, table_file, table_names
from bisae.tables.clusters import (
    Graph,
    Ints,
    Links,
    Pairs,
    Products,
    Rows,
    Threshold,
    embeddings_sum,
    load_embeddings,
    random_cosines,
    resolve_threshold,
)


def _step(name: str, reads: str, settings: str = "") -> View:
    """A step between views that Python takes: what it reads, and which settings."""
    tables = frozenset(reads.split())
    return View(name, "cell", {}, settings, tables, Path(name))


STEPS = {
    "codes_above": _step("codes_above", "codes floors"),
    "some_codes": _step("some_codes", "strong_codes"),
    "linked_tokens": _step(
        "linked_tokens", "token_counts", "semantic_threshold clustering"
    ),
}
"""What no .sql file makes, though views of a cell read it."""
VARIED = ("null:1e-3", "null:1e-4", "null:1e-5")
"""Semantic thresholds that `sensitivity` tries beside the study's."""
MAX_LINKS = 2**25
"""Pairs that are kept, of 12 bytes each; where more are alike, none are."""


@dataclass(frozen=True)
class Shared:
    """What the export of every cell needs."""

    store: Store
    occurring: Ints
    """The tokens of the evaluation text, each once."""
    vocabulary: int
    """Tokens that are embedded."""
    settings: dict[str, Any]
    """The row of the table `settings`."""
    thresholds: list[Threshold]
    """The study's, and those of VARIED."""
    views: dict[str, View]
    """The .sql files of a cell's tables: study, cell, variants and trends."""

    @property
    def rows(self) -> Rows:
        """Unit embedding rows, (vocabulary, d), mapped anew: let go of when used."""
        return load_embeddings(self.store)

    @property
    def floor(self) -> float:
        """The lowest cosine that anybody asks about."""
        return min(one.cosine for one in self.thresholds)

    @property
    def has_graph(self) -> bool:
        """Whether the pairs that are alike are few enough to be kept."""
        rate = max(one.link_rate for one in self.thresholds)
        return rate * len(self.occurring) ** 2 / 2 <= MAX_LINKS

    @cached_property
    def links(self) -> Links:
        """The graph, once its table is written; else products."""
        if not self.has_graph:
            return Products(self.rows)
        con = database(self.store.tables)
        try:
            file = table_file(self.store, "neighbours")
            parquet_view(con, "neighbours", [file])
            with named(file):
                found: Any = con.execute("from neighbours").fetchnumpy()
        finally:
            con.close()
        columns = (found[name] for name in ("token_id", "other", "cosine"))
        return Graph(Pairs(*columns), self.vocabulary)

    @property
    def depends(self) -> dict[str, View]:
        """The views of a cell and the steps between them: what depends on what."""
        exported = {*table_names("study")}
        views = {
            name: view for name, view in self.views.items() if name not in exported
        }
        return views | STEPS

    @property
    def cell_tables(self) -> list[str]:
        """The tables of a cell, which are views of sql/cell and sql/variants."""
        return study_tables(self.store.study, "cell", "export")

    @property
    def embeddings(self) -> str:
        """Which embeddings say what is alike."""
        return embeddings_sum(self.store)

    def text(self) -> Iterator[Ints]:
        """Every evaluation token's id, in order, some at a time."""
        return _text(self.store)


def gather(store: Store) -> Shared:
    """Resolve the settings of a store's study."""
    rows = load_embeddings(store)
    occurring = np.flatnonzero(_counts(store, len(rows)))
    cosines = random_cosines(rows, occurring, store.study.features.null_seed)
    asked = store.study.features.semantic_threshold
    thresholds = [resolve_threshold(one, cosines) for one in (asked, *VARIED)]
    settings = _settings(store, thresholds[0])
    views = read_views("text", "cell", "variants", "grid")
    return Shared(store, occurring, len(rows), settings, thresholds, views)


def _settings(store: Store, threshold: Threshold) -> dict[str, Any]:
    """Every threshold of the study, the semantic one made a number."""
    study = store.study
    size, step = study.embeddings()
    return study.features.model_dump() | {
        "study": study.name,
        "languages": list(store.languages),
        "context": study.corpus.context,
        "semantic_threshold": threshold.cosine,
        "semantic_threshold_asked": str(study.features.semantic_threshold),
        "link_rate": threshold.link_rate,
        "semantic_size": size,
        "semantic_step": step,
    }


def _counts(store: Store, vocabulary: int) -> Ints:
    counts = np.zeros(vocabulary, np.int64)
    for tokens in _text(store):
        counts += np.bincount(tokens, minlength=vocabulary)
    return counts


def _text(store: Store) -> Iterator[Ints]:
    for block in store.documents("eval"):
        yield block.token_id[block.token_id >= 0].astype(np.int64)
