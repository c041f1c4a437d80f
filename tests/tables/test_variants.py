"""`sensitivity` and `eval_size`, against the reference with another setting or text."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bisae.grid import Cell, Selection
from bisae.pipeline.build import build
from bisae.query import (
    Connection,
    create_views,
    database,
    read_views,
)
from bisae.store import Store, table_file
from bisae.tables import export_cells, prepare_export
from bisae.tables.variants import FIRING_THRESHOLDS, PARTS, variants
from support import reference
from support.reference import Activation, Corpus, Row, Rules, Token
from support.rows import near, rows_of

NOT_MEASURED = ("mean_span_active",)
"""Over all activations, of which a variant reads the strong ones."""


@pytest.fixture(scope="module", params=[1, -1], ids=["second cell", "last cell"])
def cell(request: pytest.FixtureRequest, tiny: Store) -> Cell:
    index: int = request.param
    return tiny.cells[index]


@pytest.fixture(scope="module")
def activations(tiny: Store, cell: Cell) -> list[Activation]:
    return reference.activations_of(tiny.codes(cell))


def told(con: Connection, cell: Cell, table: str, **where: str) -> dict[str, Row]:
    """The rows of a variant, by population."""
    told = " and ".join(f"{name} = '{value}'" for name, value in where.items())
    address = "size = ? and step = ? and layer = ?"
    rows = rows_of(con, f"from {table} where {address} and {told}", cell)
    return {row["population"]: row for row in rows}


def check(
    rows: Mapping[str, Row], features: Sequence[Row], n: int, *unlike: str
) -> None:
    """Compare with the trends of features, but for columns that are told otherwise."""
    expected = {item["population"]: item for item in reference.trend_rows(features, n)}
    assert rows.keys() == expected.keys()
    for population, row in expected.items():
        for name, value in row.items():
            if name in rows[population] and not name.startswith(
                (*NOT_MEASURED, *unlike)
            ):
                assert rows[population][name] == near(value), name


def fired(
    corpus: Corpus, activations: Sequence[Activation], threshold: float
) -> dict[int, list[Token]]:
    return reference.by_feature(corpus, reference.firings(activations, threshold))


# -- one setting ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("firing_threshold", item) for item in ("0.5", "0.6", "0.7", "0.8", "0.9")),
        *(("class_threshold", item) for item in ("0.8", "0.9", "0.95", "0.99")),
        *(("clustering", item) for item in ("components", "greedy")),
    ],
)
def test_trends_at_another_setting(
    setting: str,
    value: str,
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    number = value if setting == "clustering" else float(value)
    settings = rules.settings.model_copy(update={setting: number})
    second = replace(rules, settings=settings)
    features = reference.feature_rows(corpus, second, activations)
    rows = told(con, cell, "sensitivity", setting=setting, value=value)
    check(rows, features, tiny.study.sae.n_features)
    assert rows["all"]["is_default"] == (getattr(rules.settings, setting) == number)


def test_trends_at_another_semantic_threshold(
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    """The tiny study's is null:1e-3 itself."""
    thresholds = prepare_export(tiny).thresholds[1:]
    seen = []
    for value, threshold in zip(("1e-3", "1e-4", "1e-5"), thresholds, strict=True):
        second = replace(rules, semantic_threshold=threshold.cosine)
        features = reference.feature_rows(corpus, second, activations)
        where = {"setting": "semantic_threshold", "value": f"null:{value}"}
        rows = told(con, cell, "sensitivity", **where)
        check(rows, features, tiny.study.sae.n_features)
        assert rows["all"]["is_default"] == (value == "1e-3")
        seen.append(rows["alive"]["monosemanticity"])
    assert len(set(seen)) > 1


def script_of(token: str) -> str:
    """By the names of characters; the first that is a letter of a script we know."""
    names = {unicodedata.name(item, "?").split()[0] for item in token}
    attributes = ("HIRAGANA", "KATAKANA", "CJK", "LATIN")
    return next((item for item in attributes if item in names), "none")


def test_languages_by_the_script_of_the_token(
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    """English is Latin here and Japanese is not; digits go with their document."""
    sql = "select token_id, regexp_replace(token, '<0x..>', '', 'g') from vocab"
    words = dict(con.execute(sql).fetchall())  # a byte is of no script
    languages = {"LATIN": "en", "HIRAGANA": "ja", "KATAKANA": "ja", "CJK": "ja"}
    tokens = {
        row: item._replace(
            language=languages.get(script_of(words[item.token_id]), item.language)
        )
        for row, item in corpus.tokens.items()
    }
    changed = Counter(tokens[row] != item for row, item in corpus.tokens.items())
    assert changed[False]
    fires = fired(replace(corpus, tokens=tokens), activations, 0.7)
    features = reference.fired_rows(corpus, rules, fires)
    rows = told(con, cell, "sensitivity", setting="language", value="script")
    check(rows, features, tiny.study.sae.n_features, "mixed_share_exclusive")


def test_only_the_first_50_documents_of_a_feature(
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    fires = fired(corpus, activations, 0.7)
    first = {}
    for feature, tokens in fires.items():
        documents = sorted({token.document for token in tokens})[:50]
        first[feature] = [token for token in tokens if token.document in documents]
    assert first != fires
    features = reference.fired_rows(corpus, rules, first)
    rows = told(con, cell, "sensitivity", setting="documents", value="first 50")
    check(rows, features, tiny.study.sae.n_features)


def test_without_dense_features(
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    """They are left out; the features that never fire are as many as before."""
    features = reference.feature_rows(corpus, rules, activations)
    kept = [row for row in features if row["n_firings"] <= len(corpus.tokens) / 10]
    n_left_out = len(features) - len(kept)
    n = tiny.study.sae.n_features - n_left_out
    rows = told(con, cell, "sensitivity", setting="dense_features", value="left out")
    check(rows, kept, n)
    assert (n_left_out > 0) == (cell == tiny.cells[-1])


def test_what_the_study_says_stands_beside(con: Connection) -> None:
    """Those rows are the trends themselves."""
    names = "mixed_share, mixed_share_low, monosemanticity, mean_span, n_dead"
    key = "size, step, layer, population"
    local = f"select {key}, {names} from sensitivity where is_default"
    differ = f"({local}) except (select {key}, {names} from trends)"
    assert con.execute(differ).fetchall() == []
    (n,) = con.execute(f"select count(*) from ({local})").fetchall()
    (cells,) = con.execute("select count(*) from trends").fetchall()
    assert n[0] == 8 * cells[0]


def mixed_shares(
    rows: Mapping[str, Row], features: Mapping[int, Row], n_features: int
) -> None:
    """Compare the mixed shares alone, which is all that these variants have."""
    for population, dead in (("alive", 0), ("all", n_features - len(features))):
        n_mixed = sum(item["language"] == reference.MIXED for item in features.values())
        share = reference.share_columns(
            "mixed_share", n_mixed + dead, len(features) + dead
        )
        for name, value in share.items():
            assert rows[population][name] == near(value), name
        assert rows[population]["monosemanticity"] is None
        assert rows[population]["mixed_share_null"] is None


def language_rows(
    corpus: Corpus, rules: Rules, fires: Mapping[int, Sequence[Token]]
) -> dict[int, Row]:
    """The language classes of features that fire on these tokens."""
    settings = rules.settings
    exclusive = reference.exclusive_tokens(
        corpus.tokens.values(),
        settings.exclusive_threshold,
        settings.min_exclusive_occurrences,
    )
    return {
        feature: reference.language_columns(
            tokens, exclusive, corpus.permuted, settings
        )
        for feature, tokens in fires.items()
    }


def test_every_activation_is_a_firing_at_threshold_0(
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    """The paper's other reading of "activated"."""
    fires = fired(corpus, activations, 0.0)
    assert sum(map(len, fires.values())) == len(activations)
    rows = told(con, cell, "sensitivity", setting="firing_threshold", value="0")
    features = language_rows(corpus, rules, fires)
    mixed_shares(rows, features, tiny.study.sae.n_features)
    assert rows["alive"]["firings_per_feature"] == near(len(activations) / len(fires))


@pytest.mark.parametrize("k", [2, 1])
def test_with_fewer_codes_only_the_strongest_firings_count(
    k: int,
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    """Maxima stay those over all codes."""
    strongest: dict[int, list[Activation]] = defaultdict(list)
    for item in activations:
        strongest[item.token_row].append(item)
    kept = {item for items in strongest.values() for item in items[:k]}
    firings = reference.firings(activations, rules.settings.firing_threshold)
    fires = reference.by_feature(corpus, [item for item in firings if item in kept])
    rows = told(con, cell, "sensitivity", setting="k", value=str(k))
    features = language_rows(corpus, rules, fires)
    mixed_shares(rows, features, tiny.study.sae.n_features)
    counts = Counter(
        row["language_exclusive"]
        for row in features.values()
        if row["language_exclusive"]
    )
    share = reference.share_columns(
        "mixed_share_exclusive", counts[reference.MIXED], counts.total()
    )
    assert rows["alive"]["mixed_share_exclusive"] == near(
        share["mixed_share_exclusive"]
    )


# -- parts of the text ----------------------------------------------------------------


def eighths(corpus: Corpus) -> dict[int, int]:
    """In which eighth each document is: every eighth of its language."""
    by_language: dict[str, set[int]] = defaultdict(set)
    for item in corpus.tokens.values():
        by_language[item.language].add(item.document)
    return {
        document: location % 8
        for documents in by_language.values()
        for location, document in enumerate(sorted(documents))
    }


PLACES = {
    "eighth": {0},
    "quarter": {0, 4},
    "half": {0, 2, 4, 6},
    "other half": {1, 3, 5, 7},
    "all": set(range(8)),
}


@pytest.mark.parametrize("part", PARTS)
def test_trends_of_a_part_of_the_text(
    part: str,
    tiny: Store,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    """Maxima are the part's own; what belongs to the text, as vocab, is the whole's."""
    actual = eighths(corpus)
    documents = {item for item, eighth in actual.items() if eighth in PLACES[part]}
    inside = [
        a for a in activations if corpus.tokens[a.token_row].document in documents
    ]
    features = reference.feature_rows(corpus, rules, inside)
    rows = told(con, cell, "eval_size", documents=part)
    check(rows, features, tiny.study.sae.n_features)
    assert {row["n_documents"] for row in rows.values()} == {len(documents)}


@pytest.mark.parametrize("part", [*map(str, range(8)), "half", "other half"])
def test_the_even_and_the_odd_features_of_a_part(
    part: str,
    con: Connection,
    cell: Cell,
    corpus: Corpus,
    rules: Rules,
    activations: list[Activation],
) -> None:
    members, actual = PLACES.get(part) or {int(part)}, eighths(corpus)
    inside = [
        item
        for item in activations
        if actual[corpus.tokens[item.token_row].document] in members
    ]
    fires = fired(corpus, inside, rules.settings.firing_threshold)
    classes = language_rows(corpus, rules, fires)
    query = "from text_parts where size = ? and step = ? and layer = ?"
    rows = [row for row in rows_of(con, query, cell) if row["documents"] == part]
    assert {row["features"] for row in rows} == {"all", "even", "odd"}
    remainders = {"all": (0, 1), "even": (0,), "odd": (1,)}
    for row in rows:
        chosen = [
            columns
            for feature, columns in classes.items()
            if feature % 2 in remainders[row["features"]]
        ]
        local = [item["language_exclusive"] for item in chosen]
        expected = {
            "n_features": len(chosen),
            "n_mixed": sum(item["language"] == reference.MIXED for item in chosen),
            "n_exclusive": sum(item is not None for item in local),
            "n_mixed_exclusive": local.count(reference.MIXED),
        }
        assert {name: row[name] for name in expected} == expected


# -- made once ------------------------------------------------------------------------


def written(store: Store) -> Iterator[int]:
    for table in ("sensitivity", "eval_size"):
        yield table_file(store, table, store.cells[0]).stat().st_mtime_ns


def test_they_are_made_again_when_a_setting_changes(copy: Store) -> None:
    def export(**features: Any) -> None:
        size, step, layer = copy.cells[0]
        chosen = copy.study.features.model_copy(update=features)
        study = copy.study.model_copy(update={"features": chosen})
        only = Selection(frozenset({size}), frozenset({step}), frozenset({layer}))
        build(study.model_copy(update={"store": str(copy.path)}), only, ("export",))

    before = list(written(copy))
    export()
    assert list(written(copy)) == before
    export(min_firings=21)
    assert not set(written(copy)) & set(before)


def test_they_depend_on_the_views_of_trends_and_on_no_comparison(copy: Store) -> None:
    before = list(written(copy))
    for view, is_remade in (("bands", False), ("trend_counts", True)):
        context = prepare_export(copy)
        changed = context.views[view]
        select = f"{changed.select}\nlimit 1000"
        context.views[view] = changed._replace(select=select)
        export_cells(context, copy.cells[:1])
        assert (list(written(copy)) != before) == is_remade


def test_every_variant_has_its_firing_rule(tiny: Store, con: Connection) -> None:
    """A rule that sql/cell does not have would be a variant without rows."""
    settings = read_views("cell")["firing_rules"].select
    rules = {row["name"]: row for row in rows_of(con, settings)}
    listed = list(variants(prepare_export(tiny)))
    assert {item.analysis.rule for item in listed} == rules.keys() - {
        "0.7",
        "eighth of k",  # of a k of 4
    }
    for value in map(str, FIRING_THRESHOLDS):
        assert rules[value]["threshold"] == float(value)
    assert {rules[section]["documents"] for section in PARTS[:-1]} == {*PARTS[:-1]}


def test_features_are_aggregated_group_by_group(copy: Store) -> None:
    """Each group holds some features; together they are what one group gives."""
    cell = copy.cells[-1]
    tables = prepare_export(copy).cell_tables
    before = {name: pq.read_table(table_file(copy, name, cell)) for name in tables}
    for name in tables:
        table_file(copy, name, cell).unlink()
    context = prepare_export(copy)
    groups = context.views["feature_groups"]
    small = groups.select.replace("14000000", "2000")
    context.views["feature_groups"] = groups._replace(select=small)
    export_cells(context, [cell])
    for name in tables:
        assert pq.read_table(table_file(copy, name, cell)).equals(before[name]), name


def test_a_cell_without_activations_has_no_features(
    copy: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead autoencoder is a result: no rows, and trends of dead features alone."""
    cell, n = copy.cells[-1], copy.study.sae.n_features
    for name in prepare_export(copy).cell_tables:
        table_file(copy, name, cell).unlink()
    stream = copy.codes_stream
    nothing = np.full(n, np.inf)
    monkeypatch.setattr(
        type(copy), "codes_stream", lambda _, cell, floor=None: stream(cell, nothing)
    )
    export_cells(prepare_export(copy), [cell])
    for name in ("firings", "clusters", "features", "feature_languages"):
        assert pq.read_metadata(table_file(copy, name, cell)).num_rows == 0, name
    rows = pq.read_table(table_file(copy, "sensitivity", cell)).to_pylist()
    features = {(row["population"], row["n_features"]) for row in rows}
    assert features == {("all", n), ("alive", 0), ("supported", 0)}


# -- scripts --------------------------------------------------------------------------


def test_a_script_belongs_to_the_language_that_writes_it() -> None:
    """One Latin word in a Japanese text is English; Greek is in both, so nobody's.

    A byte of a split character has no script, however it is shown.
    """
    con = database()
    told = "select ['en', 'ja'] as languages, 0.9 as exclusive_threshold"
    con.execute(f"create table settings as {told}")
    words = ["the", "犬", "いぬ", "2025", "イヌ", "ascii犬", "été", "βήτα", "<0xE7>"]
    con.execute("create table vocab (token_id integer, token varchar)")
    con.executemany("insert into vocab values (?, ?)", list(enumerate(words)))
    texts = {"en": [0] * 19 + [3, 6, 7], "ja": [1, 2, 4, 5] * 5 + [0, 3, 7, 8]}
    rows = [(language, item) for language, ids in texts.items() for item in ids]
    con.execute("create table tokens (token_row integer, language text, token_id int)")
    numbered = [(row, *told) for row, told in enumerate(rows)]
    con.executemany("insert into tokens values (?, ?, ?)", numbered)
    scripts = {"token_scripts": read_views("cell")["token_scripts"]}
    create_views(con, scripts, {"vocab", "tokens", "settings"})
    actual = dict(con.execute("from token_scripts").fetchall())
    assert actual == {0: "en", 6: "en", 1: "ja", 2: "ja", 4: "ja", 5: "ja"}
