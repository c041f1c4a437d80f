"""Coherence: how similar the tokens of a feature are, compared with random tokens.

Reads the tables `firings`, `tokens` and `vocab`, the token vectors and sql/coherence;
writes `coherence` and `coherence_sums` of each cell; computes `bin_cosines` of the
study.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import combinations_with_replacement
from typing import Any

import numpy as np
import pyarrow as pa

from bisae.grid import Cell, at
from bisae.progress import track
from bisae.query import (
    Connection,
    View,
    cell_provenances,
    closure,
    create_views,
    database,
    explain_errors,
    make_cell_tables,
    open_dependencies,
    read_views,
    schema,
    stale_tables,
    view_provenance,
    write_tables,
)
from bisae.store import Provenance, table_names
from bisae.tables.context import ExportContext
from bisae.tables.pair_sums import TokenWeights, pair_sums
from bisae.tables.read_text import put_text
from bisae.tables.variants import put_rows
from bisae.tables.vectors import TokenVectors

TABLE, SUMS, BINS = "coherence", "coherence_sums", "bin_cosines"
MEMORY = "900MiB"
"""DuckDB's memory limit, as for the other tables of a cell."""
Vectors = Mapping[str, TokenVectors]
Group = tuple[str, bool]
"""A language, and whether tokens are exclusive to it."""
COSINE_SUMS = pa.schema(
    {
        **{"source": pa.string(), "feature": pa.int32()},
        **{"language_a": pa.string(), "is_exclusive_a": pa.bool_()},
        **{"language_b": pa.string(), "is_exclusive_b": pa.bool_()},
        "cosine_sum": pa.float64(),
    }
)


def coherence_views(table: str) -> dict[str, View]:
    """Return the views from other tables to one of this module's, in build order."""
    exported = {*table_names("study"), TABLE} - {table}
    views = read_views("text", "grid", "coherence")
    views = {name: view for name, view in views.items() if name not in exported}
    return {view.name: view for view in closure(views, table)}


def bin_provenance(context: ExportContext) -> dict[str, Any]:
    """Return the provenance of `bin_cosines`, apart from that of tokens and vocab."""
    views = coherence_views(BINS)
    return view_provenance(views, BINS, context.settings) | _checksums(context)


def put_bin_cosines(con: Connection, context: ExportContext) -> None:
    """Compute `bin_cosines`: the mean cosine of random tokens of two frequency bins."""
    views = coherence_views(BINS)
    tables = open_dependencies(con, context.store, [BINS])
    tables = create_views(con, views, tables, keep=True)
    columns: Any = con.execute("select bin, token_id from token_bins").fetchnumpy()
    number, token_id = np.asarray(columns["bin"]) - 1, np.asarray(columns["token_id"])
    n_bins = int(number.max()) + 1
    ones = np.ones_like(number)
    weights = TokenWeights(0 * number, number, token_id, ones, 1, n_bins)
    a, b = np.triu_indices(n_bins)
    bin_sums = []
    for source, vectors in context.vectors.items():
        sums = pair_sums(weights, vectors.rows)[0, a, b] / np.where(a == b, 2, 1)
        columns = {"bin_a": a + 1, "bin_b": b + 1, "cosine_sum": sums}
        bin_sums.append(pa.table({"source": [source] * len(a), **columns}))
    con.register("bin_sums", pa.concat_tables(bin_sums))
    create_views(con, views, tables | {"bin_sums"}, keep=True)


def export_coherence(context: ExportContext, cells: Sequence[Cell]) -> None:
    """Write the coherence of exported cells of one checkpoint where not current."""
    provenances = coherence_provenances(context)
    _export_features(context, cells, provenances[TABLE])
    _export_sums(context, cells, provenances[SUMS])


def coherence_provenances(context: ExportContext) -> dict[str, Provenance]:
    """Return the provenance of each table, apart from codes and the tables it needs."""
    of_views = {
        table: view_provenance(coherence_views(table), table, context.settings)
        for table in (TABLE, SUMS)
    }
    return of_views | {TABLE: of_views[TABLE] | _checksums(context)}


def _export_sums(
    context: ExportContext, cells: Sequence[Cell], common: Provenance
) -> None:
    """Write `coherence_sums` of cells from their tables `coherence` and `features`."""
    store, views = context.store, coherence_views(SUMS)

    def fill(con: Connection, cell: Cell) -> None:
        put_rows(con, "settings", [context.settings])
        tables = open_dependencies(con, store, [SUMS], cell)
        create_views(con, views, tables | {"settings"})

    make_cell_tables(store, cells, {SUMS: common}, fill)


def _export_features(
    context: ExportContext, cells: Sequence[Cell], common: Provenance
) -> None:
    """Write the table `coherence` of cells of one checkpoint."""
    store, views = context.store, coherence_views(TABLE)
    stale: dict[Cell, dict[str, Provenance]] = {}
    for cell in cells:
        provenances = cell_provenances(store, {TABLE: common}, cell)
        if tables := stale_tables(store, provenances, cell):
            stale[cell] = tables
    if not stale:
        return
    with closing(database(store.tables, memory=MEMORY)) as con:
        base = create_views(
            con, views, open_dependencies(con, store, [BINS]), keep=True
        )
        title = f"coherence {cells[0].checkpoint}"
        for cell, tables in track(stale.items(), len(stale), title, "cells"):
            with at(cell), explain_errors(f"cell {cell}"), schema(con, "cell"):
                names = base | open_dependencies(con, store, [TABLE], cell)
                put_text(con, store, cell)
                names = create_views(con, views, names, keep=True)
                _put_cosine_sums(con, context.vectors)
                create_views(con, views, names | {"cosine_sums"}, keep=True)
                write_tables(con, store, tables, cell)


def _checksums(context: ExportContext) -> dict[str, Any]:
    """Return the checksums of the token vectors, as part of a provenance."""
    vectors = context.vectors.items()
    return {"vectors": {source: vectors.checksum for source, vectors in vectors}}


def _put_cosine_sums(con: Connection, sources: Vectors) -> None:
    """Create the table of sums over each feature's pairs of firings."""
    groups, weights = _feature_tokens(con)
    batches = (
        batch
        for source, vectors in sources.items()
        for batch in _batches(source, groups, weights, vectors)
    )
    reader = pa.RecordBatchReader.from_batches(COSINE_SUMS, batches)
    con.register("cosine_batches", reader)
    con.execute("create table cosine_sums as from cosine_batches")
    con.unregister("cosine_batches")


def _feature_tokens(con: Connection) -> tuple[list[Group], TokenWeights]:
    """Read the tokens of each feature, grouped by language and exclusivity."""
    bins = con.execute(
        "select language, is_exclusive from frequency_bins order by bin"
    ).fetchall()
    groups = sorted(set(bins))
    group_of_bin = np.array([groups.index(group) for group in bins], np.int32)
    columns: Any = con.execute(
        "select feature, bin, token_id, n_firings::int as n_firings from binned_tokens"
    ).fetchnumpy()
    feature, number, token_id, n_firings = map(np.asarray, columns.values())
    n_features = int(feature.max(initial=-1)) + 1
    group = group_of_bin[number - 1]
    n_groups = len(groups)
    return groups, TokenWeights(
        feature, group, token_id, n_firings, n_features, n_groups
    )


def _batches(
    source: str, groups: list[Group], weights: TokenWeights, vectors: TokenVectors
) -> Iterator[pa.RecordBatch]:
    """Yield the sums for each pair of groups, of features that fire in both."""
    sums = pair_sums(weights, vectors.rows)
    fires = np.zeros(sums.shape[:2], bool)
    fires[weights.set_number, weights.group] = True
    for a, b in combinations_with_replacement(range(len(groups)), 2):
        features = np.flatnonzero(fires[:, a] & fires[:, b])
        labels = (*groups[a], *groups[b])
        columns = [
            pa.array(features.astype(np.int32)),
            *(pa.repeat(label, len(features)) for label in labels),
            pa.array(sums[features, a, b] / (2 if a == b else 1)),
        ]
        yield pa.record_batch(
            [pa.repeat(source, len(features)), *columns], schema=COSINE_SUMS
        )
