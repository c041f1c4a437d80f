"""Export tables: fold each cell's codes into features, and what all cells share.

Reads the store and the .sql files of sql/study and sql/cell; writes Parquet files that
say in their footer what they were made from. A file is made again when that changed.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bisae.clusters import (
    Ints,
    cluster,
    draw_null_sets,
    load_embeddings,
    resolve_threshold,
)
from bisae.concepts import find_concepts
from bisae.corpus import load_tokenizer, token_strings
from bisae.grid import Cell, at
from bisae.lexicon import load_lexicon
from bisae.query import (
    CELL_TABLES,
    Connection,
    View,
    closure,
    create_views,
    database,
    parquet_view,
    quoted,
    read_views,
    table_file,
)
from bisae.store import Store

Settings = dict[str, Any]
# What several views of a cell read is computed once.
COMPUTED_ONCE = frozenset({"documents", "maxima", "firings", "feature_tokens"})
SHARED = ("tokens", "vocab", "mono_null", "token_concepts")


class Exporter:
    """Writes the tables of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._corpus = store.corpus_attributes()
        self._rows = load_embeddings(store)
        self._settings = _settings(store, self._rows, self._token_ids())
        self._study_views = read_views("study")
        self._cell_views = read_views("study", "cell")

    # -- what all cells share -------------------------------------------------

    def export_study(self) -> None:
        """Write the tables that are not partitioned by cell."""
        corpus = {"corpus": self._corpus["fingerprint"]}
        tokenizer = {"tokenizer": self._corpus["tokenizer_fingerprint"]}
        self._write("settings", self._settings, self._copy_settings)
        self._write("tokens", corpus, self._copy_tokens)
        made = {"sql": _sql(self._study_views, "vocab")}
        made |= corpus | tokenizer | self._used(self._study_views, "vocab")
        self._write("vocab", made, self._copy_vocab)
        self._write("mono_null", self._null_recipe(), self._copy_mono_null)
        if self._store.study.lexicon:
            file = Path(self._store.study.lexicon.file)
            lexicon = {"lexicon": hashlib.sha256(file.read_bytes()).hexdigest()}
            self._write("lexicon", lexicon, self._copy_lexicon)
            made = corpus | tokenizer | lexicon
            self._write("token_concepts", made, self._copy_token_concepts)

    def _token_ids(self) -> Ints:
        """Every distinct token of the evaluation text, sorted."""
        seen = np.zeros(self._corpus["vocab_size"], bool)
        for block in self._store.documents("eval"):
            seen[block.token_id[block.token_id >= 0]] = True
        return np.flatnonzero(seen)

    def _null_recipe(self) -> Mapping[str, Any]:
        names = ("semantic_threshold", "clustering", "null_sets", "null_seed")
        return {
            "corpus": self._corpus["fingerprint"],
            "sql": _sql(self._cell_views, "mono_null"),
            "embeddings": hashlib.sha256(self._rows.tobytes()).hexdigest(),
        } | {name: self._settings[name] for name in names}

    def _copy_settings(self, con: Connection, to: str) -> None:
        con.register("row", pa.Table.from_pylist([self._settings]))
        con.execute(f"copy (from row) {to}")

    def _copy_tokens(self, con: Connection, to: str) -> None:
        con.register("stream", _reader(self._store))
        con.execute(f"copy (from stream) {to}")

    def _copy_vocab(self, con: Connection, to: str) -> None:
        strings = token_strings(self._store.study)
        ids = range(len(strings))
        con.register("token_strings", pa.table({"token_id": ids, "token": strings}))
        self._base(con, "tokens")
        base = {"token_strings", "tokens", "settings"}
        create_views(con, read_views("study"), base)
        con.execute(f"copy (from vocab order by token_id) {to}")

    def _copy_mono_null(self, con: Connection, to: str) -> None:
        sets = draw_null_sets(
            np.concatenate(
                [b.token_id[b.token_id >= 0] for b in self._store.documents("eval")]
            ),
            self._settings["null_sets"],
            self._settings["null_seed"],
        )
        clusters = self._cluster(sets.feature, sets.token_id, sets.n_firings)
        drawn = {"feature": sets.feature, "token_id": sets.token_id}
        tokens = pa.table(drawn | {"n_firings": sets.n_firings})
        con.register("feature_tokens", tokens)
        con.register("clusters", pa.table(drawn | {"cluster": clusters}))
        names = ("feature", "n_tokens_low", "n_tokens_high")
        bins = [dict(zip(names, one, strict=True)) for one in sets.bins]
        con.register("null_bins", pa.Table.from_pylist(bins))
        base = {"feature_tokens", "clusters", "null_bins"}
        create_views(con, self._cell_views, base)
        con.execute(f"copy (from mono_null order by n_tokens_low) {to}")

    def _copy_lexicon(self, con: Connection, to: str) -> None:
        lexicon = _lexicon(self._store)
        rows = [
            {"concept": row.concept, "topic": row.topic, "language": name, "word": word}
            for row in lexicon.rows
            for name, words in zip(lexicon.languages, row.words, strict=True)
            for word in words
        ]
        con.register("rows", pa.Table.from_pylist(rows))
        con.execute(f"copy (from rows order by all) {to}")

    def _copy_token_concepts(self, con: Connection, to: str) -> None:
        store = self._store
        tokenizer, lexicon = load_tokenizer(store.study), _lexicon(store)
        rows = [
            found._asdict()
            for block in store.documents("eval")
            for found in find_concepts(block, store.languages, tokenizer, lexicon)
        ]
        con.register("rows", pa.Table.from_pylist(rows))
        con.execute(f"copy (from rows order by token_row) {to}")

    # -- one cell -------------------------------------------------------------

    def export_cell(self, cell: Cell) -> None:
        """Fold one cell's codes into its tables; nothing is done twice."""
        recipes = self._cell_recipes(cell)
        if all(self._current(name, made, cell) for name, made in recipes.items()):
            return
        con = database()
        try:
            with at(cell):
                self._fold(con, cell)
                for name, made in recipes.items():
                    self._write(name, made, _copy_cell(name, cell), cell, con)
        finally:
            con.close()

    def _cell_recipes(self, cell: Cell) -> dict[str, Mapping[str, Any]]:
        """What each table of a cell is made from."""
        codes = self._store.attributes(cell, "codes")
        shared = {
            name: _footer(file)
            for name in SHARED
            if (file := table_file(self._store, name)).exists()
        }
        null = self._null_recipe()
        alike = {name: null[name] for name in ("semantic_threshold", "clustering")}
        made = {"codes": codes["fingerprint"], "embeddings": null["embeddings"]} | alike
        made["shared"] = hashlib.sha256(json.dumps(shared).encode()).hexdigest()
        recipes: dict[str, Mapping[str, Any]] = {}
        for name in CELL_TABLES:
            if name == "feature_concepts" and "token_concepts" not in shared:
                continue
            view = "feature_tokens" if name == "clusters" else name
            recipes[name] = made | self._used(self._cell_views, view)
            recipes[name] = recipes[name] | {"sql": _sql(self._cell_views, view)}
        return recipes

    def _fold(self, con: Connection, cell: Cell) -> None:
        base = {"codes", "settings", "cell_attributes"}
        con.register("codes", self._store.codes_stream(cell))
        con.register("cell_attributes", self._attributes(cell))
        con.register("settings", pa.Table.from_pylist([self._settings]))
        for name in SHARED:
            if table_file(self._store, name).exists():
                self._base(con, name)
                base.add(name)
        base = create_views(con, self._cell_views, base, COMPUTED_ONCE)
        found = con.execute(
            "select feature, token_id, n_firings from feature_tokens order by all"
        ).fetchnumpy()
        names = ("feature", "token_id", "n_firings")
        feature, token_id, n = (found[name].astype(np.int64) for name in names)
        clusters = self._cluster(feature, token_id, n)
        columns = {"feature": feature, "token_id": token_id, "cluster": clusters}
        con.register("clusters", pa.table(columns))
        create_views(con, self._cell_views, base | {"clusters"}, COMPUTED_ONCE)

    def _attributes(self, cell: Cell) -> pa.Table:
        parts = ("sae", "codes")
        known = [self._store.attributes(cell, part) for part in parts]
        return pa.Table.from_pylist([known[0] | known[1]])

    def _cluster(self, feature: Ints, token_id: Ints, n_firings: Ints) -> Ints:
        threshold, rule = (
            self._settings[n] for n in ("semantic_threshold", "clustering")
        )
        return cluster(feature, token_id, n_firings, self._rows, threshold, rule)

    # -- files ----------------------------------------------------------------

    def _base(self, con: Connection, name: str) -> None:
        parquet_view(con, name, [table_file(self._store, name)])

    def _used(self, views: Mapping[str, View], name: str) -> Settings:
        """The settings that a view and what it hangs on name."""
        text = " ".join(view.select for view in closure(views, name))
        return {
            key: value
            for key, value in self._settings.items()
            if re.search(rf"\b{key}\b", text)
        }

    def _current(self, name: str, made: Mapping[str, Any], cell: Cell | None) -> bool:
        file = table_file(self._store, name, cell)
        return file.exists() and _footer(file) == json.dumps(made, sort_keys=True)

    def _write(
        self,
        name: str,
        made: Mapping[str, Any],
        copy: Any,
        cell: Cell | None = None,
        con: Connection | None = None,
    ) -> None:
        """Write a table unless it is there, made from the same."""
        if self._current(name, made, cell):
            return
        file = table_file(self._store, name, cell)
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_suffix(".partial")
        footer = quoted(json.dumps(made, sort_keys=True))
        to = f"to {quoted(str(partial))} (format parquet, compression zstd, "
        to += f"kv_metadata {{bisae: {footer}}})"
        own = con or database()
        try:
            if con is None:
                own.register("settings", pa.Table.from_pylist([self._settings]))
            copy(own, to)
        finally:
            if con is None:
                own.close()
        partial.replace(file)


def _copy_cell(name: str, cell: Cell) -> Any:
    address = f"{quoted(cell.size)} as size, {cell.step}::bigint as step, "
    address += f"{cell.layer}::integer as layer"

    def copy(con: Connection, to: str) -> None:
        con.execute(f"copy (select {address}, * from {name} order by all) {to}")

    return copy


def _settings(store: Store, rows: Any, tokens: Ints) -> Settings:
    """The row of the table `settings`, the semantic threshold made a number."""
    study = store.study
    features = study.features.model_dump()
    asked = features["semantic_threshold"]
    threshold = resolve_threshold(asked, rows, tokens, study.features.null_seed)
    size, step = study.embeddings()
    return features | {
        "study": study.name,
        "languages": list(store.languages),
        "context": study.corpus.context,
        "semantic_threshold": threshold.cosine,
        "semantic_threshold_asked": str(asked),
        "link_rate": threshold.link_rate,
        "semantic_size": size,
        "semantic_step": step,
    }


def _lexicon(store: Store) -> Any:
    lexicon = store.study.lexicon
    return load_lexicon(Path(lexicon.file if lexicon else ""), store.languages)


def _reader(store: Store) -> pa.RecordBatchReader:
    """The evaluation tokens, one a row, as a stream."""
    schema = pa.schema(
        [
            ("token_row", pa.int64()),
            ("document", pa.int32()),
            ("position", pa.int32()),
            ("token_id", pa.int32()),
            ("language", pa.string()),
        ]
    )
    names = np.array(store.languages)

    def batches() -> Iterator[pa.RecordBatch]:
        for block in store.documents("eval"):
            place, position = np.nonzero(block.token_id >= 0)
            document = place + block.first
            columns = [
                pa.array(document * block.token_id.shape[1] + position),
                pa.array(document.astype(np.int32)),
                pa.array(position.astype(np.int32)),
                pa.array(block.token_id[place, position]),
                pa.array(names[block.language[place]]),
            ]
            yield pa.record_batch(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _footer(file: Path) -> str:
    metadata = pq.read_metadata(file).metadata or {}
    return bytes(metadata.get(b"bisae", b"")).decode()


def _sql(views: Mapping[str, View], name: str) -> str:
    text = "\n".join(view.select for view in closure(views, name))
    return hashlib.sha256(text.encode()).hexdigest()
