"""The context of an export: settings, views and the graph of similar tokens.

Reads the study, the corpus and the embeddings, which are computed on first use.
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
    explain_errors,
    parquet_view,
    read_views,
)
from bisae.store import Store, study_tables, table_file, table_names
from bisae.tables.clusters import (
    EmbeddingRows,
    Graph,
    Ints,
    Links,
    Pairs,
    Products,
    Threshold,
    embeddings_sum,
    load_embeddings,
    random_cosines,
    resolve_threshold,
)
from bisae.tables.vectors import TokenVectors, load_vectors, vector_sources


def _step(name: str, reads: str, settings: str = "") -> View:
    """Describe a step between views that Python takes, as if it were a view."""
    tables = frozenset(reads.split())
    return View(name, "cell", {}, settings, tables, Path(name))


STEPS = {
    "codes_above": _step("codes_above", "codes floors"),
    "some_codes": _step("some_codes", "strong_codes"),
    "linked_tokens": _step(
        "linked_tokens", "token_counts", "semantic_threshold clustering"
    ),
}
"""Tables that views of a cell read but no .sql file computes."""
VARIED = ("null:1e-3", "null:1e-4", "null:1e-5")
"""Semantic thresholds that `sensitivity` tries alongside the study's."""
MAX_LINKS = 2**25
"""The most pairs of similar tokens that are stored, of 12 bytes each; with more pairs
than this, none are stored."""


@dataclass(frozen=True)
class ExportContext:
    """The settings, views and links that the export of every cell shares."""

    store: Store
    occurring: Ints
    """The tokens of the evaluation text, each once."""
    vocabulary: int
    """The number of tokens that have an embedding."""
    settings: dict[str, Any]
    """The row of the table `settings`."""
    thresholds: list[Threshold]
    """The study's threshold, then those of VARIED."""
    views: dict[str, View]
    """The .sql files of a cell's tables: study, cell, variants and trends."""

    @property
    def rows(self) -> EmbeddingRows:
        """Unit embedding rows, (vocabulary, d), mapped into memory at each access."""
        return load_embeddings(self.store)

    @property
    def floor(self) -> float:
        """The lowest cosine of all thresholds."""
        return min(threshold.cosine for threshold in self.thresholds)

    @property
    def has_graph(self) -> bool:
        """True if the pairs of similar tokens are few enough to be stored."""
        rate = max(threshold.link_rate for threshold in self.thresholds)
        return rate * len(self.occurring) ** 2 / 2 <= MAX_LINKS

    @cached_property
    def links(self) -> Links:
        """The graph, whose table must be written; without a graph, products."""
        if not self.has_graph:
            return Products(self.rows)
        con = database(self.store.tables)
        try:
            file = table_file(self.store, "neighbours")
            parquet_view(con, "neighbours", [file])
            with explain_errors(file):
                columns_by_name: Any = con.execute("from neighbours").fetchnumpy()
        finally:
            con.close()
        columns = (columns_by_name[name] for name in ("token_id", "other", "cosine"))
        return Graph(Pairs(*columns), self.vocabulary)

    @cached_property
    def dependencies(self) -> dict[str, View]:
        """The views of a cell and the steps between them, with what they read."""
        exported = {*table_names("study")}
        views = {
            name: view for name, view in self.views.items() if name not in exported
        }
        return views | STEPS

    @property
    def cell_tables(self) -> list[str]:
        """The tables of a cell, which are views of sql/cell and sql/variants."""
        tables = study_tables(self.store.study, "cell", "export")
        return [table for table in tables if table in self.views]

    @cached_property
    def vectors(self) -> dict[str, TokenVectors]:
        """The token vectors that were stored when they were first needed, by source."""
        sources = vector_sources(self.store)
        return {source: load_vectors(self.store, source) for source in sources}

    @property
    def embeddings(self) -> str:
        """The SHA-256 of the embeddings."""
        return embeddings_sum(self.store)

    def text(self) -> Iterator[Ints]:
        """Yield the ids of all evaluation tokens in order, a block at a time."""
        return _text(self.store)


def prepare_export(store: Store) -> ExportContext:
    """Prepare the export of a store's cells: resolve the settings of its study."""
    rows = load_embeddings(store)
    occurring = np.flatnonzero(_counts(store, len(rows)))
    cosines = random_cosines(rows, occurring, store.study.features.null_seed)
    study_threshold = store.study.features.semantic_threshold
    thresholds = [
        resolve_threshold(threshold, cosines)
        for threshold in (study_threshold, *VARIED)
    ]
    settings = _settings(store, thresholds[0])
    views = read_views("text", "cell", "variants", "grid")
    return ExportContext(store, occurring, len(rows), settings, thresholds, views)


def _settings(store: Store, threshold: Threshold) -> dict[str, Any]:
    """Return the row of the table `settings`, with the semantic threshold resolved."""
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
