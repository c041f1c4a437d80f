"""The tables that all cells share: settings, tokens, vocab, neighbours, mono_null,
bin_cosines, and those of a lexicon and of translation pairs.
"""

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa

from bisae.corpus import pair_texts, token_strings
from bisae.corpus.lexicon import load_lexicon
from bisae.progress import track
from bisae.query import (
    Connection,
    Fill,
    create_views,
    make_tables,
    open_dependencies,
    read_views,
    source_of,
    view_provenance,
)
from bisae.store import Provenance, digest, serialized, table_names
from bisae.study import Study
from bisae.tables.clusters import (
    Clustering,
    TokenSets,
    draw_null_sets,
    find_pairs,
    n_tiles,
)
from bisae.tables.coherence import bin_provenance, put_bin_cosines
from bisae.tables.context import ExportContext
from bisae.tables.lexicon_tables import put_concepts, put_lexicon
from bisae.tables.linked import put_linked_tokens
from bisae.tables.pairs import put_pair_tokens
from bisae.tables.read_text import token_rows

NEIGHBOURS = pa.schema(
    [("token_id", pa.int32()), ("other", pa.int32()), ("cosine", pa.float32())]
)
TEST_VIEWS = ("turns", "layer_contrasts", "size_contrasts", "contrasts")
"""The views that list the tests of the findings."""
# A null set's entropies are computed by the view that computes a feature's.
NULL_VIEWS = ("token_sums", "cluster_sums", "entropies", "mono_null")


def export_study_tables(context: ExportContext) -> None:
    """Write the tables of the study that are not current."""
    tables = _study_tables(context)
    for name in table_names("study"):
        if name in tables:
            provenance, fill = tables[name]
            make_tables(context.store, {name: provenance}, fill)


def study_provenances(context: ExportContext) -> dict[str, Provenance]:
    """Return the provenance of every table of the study, in the order of writing."""
    tables = _study_tables(context)
    return {name: tables[name][0] for name in table_names("study") if name in tables}


def _study_tables(context: ExportContext) -> dict[str, tuple[Provenance, Fill]]:
    """Return the provenance of each table of the study, and what computes its rows."""
    store, settings, views = context.store, context.settings, context.views
    attributes = store.corpus_attributes()
    corpus = {"corpus": attributes["fingerprint"]}
    tokenizer = {"tokenizer": attributes["tokenizer_fingerprint"]}
    vocab = view_provenance(views, "vocab", settings)
    null_views = {name: views[name] for name in NULL_VIEWS}
    null = view_provenance(null_views, "mono_null", settings)
    draws = ("null_sets", "null_seed", "semantic_threshold", "clustering")
    null = {**null, **{name: settings[name] for name in draws}}
    embeddings = {"embeddings": context.embeddings}
    tests = tests_digest(store.study)
    tables: dict[str, tuple[Provenance, Fill]] = {
        "settings": (settings, partial(_put_settings, context=context)),
        "tokens": (corpus, partial(_put_tokens, context=context)),
        "vocab": (corpus | tokenizer | vocab, partial(_put_vocab, context=context)),
        "mono_null": (corpus | embeddings | null, partial(_put_null, context=context)),
        # The planned tests depend on nothing, so they are written once and kept.
        "planned_tests": ({}, partial(_put_digest, "planned_tests", tests)),
        "current_tests": (
            {"tests": tests},
            partial(_put_digest, "current_tests", tests),
        ),
        "bin_cosines": (
            corpus | tokenizer | {"vocab": vocab} | bin_provenance(context),
            partial(put_bin_cosines, context=context),
        ),
    }
    if context.has_graph:
        graph = corpus | embeddings | {"threshold": context.floor}
        tables["neighbours"] = graph, partial(_put_neighbours, context=context)
    if store.study.lexicon:
        file = Path(store.study.lexicon.file)
        lexicon = load_lexicon(file, store.languages)
        words = {"lexicon": hashlib.sha256(file.read_bytes()).hexdigest()}
        tables["lexicon"] = words, partial(put_lexicon, lexicon=lexicon)
        concepts = partial(put_concepts, store=store, lexicon=lexicon)
        tables["token_concepts"] = corpus | tokenizer | words, concepts
    if texts := pair_texts(store):
        pairs = {"pairs": texts.fingerprint}
        tables["pair_tokens"] = (
            corpus | pairs,
            partial(put_pair_tokens, texts=texts, languages=store.languages),
        )
    return tables


def tests_digest(study: Study) -> str:
    """Return a digest of what determines the tests of the findings.

    It is the SQL that lists them, the thresholds of the analysis, and the grid.
    """
    views = read_views("grid")
    parts = {
        "sql": source_of([views[name] for name in TEST_VIEWS]),
        "features": study.features.model_dump(),
        "grid": [[model.size, model.steps, model.layers] for model in study.models],
    }
    return digest(serialized(parts))


def _put_digest(name: str, digest: str, con: Connection) -> None:
    con.register(name, pa.table({"digest": [digest]}))


def _put_settings(con: Connection, context: ExportContext) -> None:
    con.register("settings", pa.Table.from_pylist([context.settings]))


def _put_tokens(con: Connection, context: ExportContext) -> None:
    store = context.store
    con.register("tokens", token_rows(store.split("eval"), store.languages))


def _put_vocab(con: Connection, context: ExportContext) -> None:
    strings = token_strings(context.store.study)
    ids = np.arange(len(strings), dtype=np.int32)
    con.register("token_strings", pa.table({"token_id": ids, "token": strings}))
    _put_settings(con, context)
    open_dependencies(con, context.store, ["vocab"])
    create_views(con, read_views("text"), {"token_strings", "settings", "tokens"})


def _put_neighbours(con: Connection, context: ExportContext) -> None:
    stream = pa.RecordBatchReader.from_batches(NEIGHBOURS, _neighbours(context))
    con.register("neighbours", stream)


def _neighbours(context: ExportContext) -> Iterator[pa.RecordBatch]:
    tiles = find_pairs(context.rows, context.occurring, context.floor)
    for pairs in track(tiles, n_tiles(context.occurring), "similar tokens", "tiles"):
        columns = [pairs.token_id.astype(np.int32), pairs.higher_id.astype(np.int32)]
        yield pa.record_batch([*columns, pairs.cosine], schema=NEIGHBOURS)


def _put_null(con: Connection, context: ExportContext) -> None:
    """Compute the entropies of random token sets with the views that features use."""
    settings = context.settings
    text = np.concatenate(list(context.text()))
    sets = draw_null_sets(text, settings["null_sets"], settings["null_seed"])
    columns = {"feature": sets.feature, "token_id": sets.token_id}
    columns |= {"rule": 0 * sets.feature, "n_firings": sets.n_firings}
    con.register("feature_tokens", pa.table(columns))
    con.execute("create table clusterings as select 0 as clustering, 0 as rule")
    method = settings["clustering"]
    clustering = Clustering(0, 0, 1, settings["semantic_threshold"], method)
    greedy = {0: sets.n_firings} if method == "greedy" else {}
    token_sets = TokenSets(sets.feature, sets.token_id, 0 * sets.feature + 1, greedy)
    put_linked_tokens(con, token_sets, context.links, [clustering])
    names = ("feature", "n_tokens_low", "n_tokens_high")
    bins = [dict(zip(names, null_bin, strict=True)) for null_bin in sets.bins]
    con.register("null_bins", pa.Table.from_pylist(bins))
    base = {"feature_tokens", "clusterings", "linked_tokens", "null_bins"}
    create_views(con, {name: context.views[name] for name in NULL_VIEWS}, base)
