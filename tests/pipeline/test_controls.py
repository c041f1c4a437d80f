"""Controls built by the real pipeline, next to the trained cells of the tiny study."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bisae.cli import main
from bisae.corpus import text_for
from bisae.errors import StoreError
from bisae.grid import Cell, Checkpoint, Selection
from bisae.lm.opening import open_model
from bisae.pipeline.build import build
from bisae.pipeline.status import checkpoint_status
from bisae.query import Connection, connect, rows_of
from bisae.report.figures import draw_svg, figure_files
from bisae.sae.make import start_directions
from bisae.store import Store, open_store
from bisae.store.verify import verify
from bisae.study import Control
from support import reference
from support.browsing import serving
from support.reference import Corpus, Row
from support.store_copy import copy_store
from support.study_page import assert_printed, generator, tables

KINDS = ("random decoder", "shuffled weights", "random tokens")
TRAINED = Cell("S", 40, 1)
DECODER, WEIGHTS, TOKENS = (
    Cell(f"S.{kind.replace(' ', '-')}", 40, 1) for kind in KINDS
)
CONTROLS = Selection(frozenset({DECODER.size, WEIGHTS.size, TOKENS.size}))


@pytest.fixture(scope="module")
def store(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The tiny study's store with a control of each kind, all else as it was."""
    folder = tmp_path_factory.mktemp("controls")
    copy_store(tiny, folder / "store")
    update = {
        "store": str(folder / "store"),
        "work_dir": str(folder / "work"),
        "controls": tuple(Control(kind=kind, sizes=("S",)) for kind in KINDS),
    }
    build(tiny.study.model_copy(update=update).with_written_paths({}), CONTROLS)
    return open_store(folder / "store")


@pytest.fixture(scope="module")
def con(store: Store) -> Connection:
    return connect(store)


def ask(con: Connection, query: str) -> list[Row]:
    return [dict(row) for row in rows_of(con, query).records()]


def test_everything_of_a_control_is_built(store: Store) -> None:
    states = {status.size: status.state for status in checkpoint_status(store)}
    assert all(states[cell.size] == "finished" for cell in (DECODER, WEIGHTS, TOKENS))
    assert verify(store, Selection()).findings == []
    result = CliRunner().invoke(main, ["validate", str(store.path)])
    assert result.exit_code == 0, result.output


def test_only_controls_need_version_2(store: Store, tiny: Store) -> None:
    attributes = store.attributes(WEIGHTS, "sae")
    assert attributes["bisae_format_version"] == 2
    assert attributes["control"] == "shuffled weights"
    assert attributes["control_of"] == "S"
    for cell, part in ((TRAINED, "sae"), (WEIGHTS, "codes"), (WEIGHTS, "train")):
        assert store.attributes(cell, part)["bisae_format_version"] == 1
    versions = [f'"bisae_format_version": {number}' for number in (1, 2)]
    for root, version in zip((tiny, store), versions, strict=True):
        assert version in (root.zarr / "zarr.json").read_text()


def test_an_unknown_control_is_refused(store: Store) -> None:
    file = store.folder(DECODER) / "sae" / "zarr.json"
    text = file.read_text()
    file.write_text(text.replace("random decoder", "random something"))
    with pytest.raises(StoreError, match="control: input should be 'random decoder'"):
        store.attributes(DECODER, "sae")
    file.write_text(text)


def test_a_random_decoder_stays_as_it_began(store: Store) -> None:
    weights = store.weights(DECODER)
    begun = start_directions(store.study.sae, weights["W_dec"].shape[1]).numpy()
    assert np.array_equal(weights["W_dec"], begun)
    assert not np.allclose(weights["W_enc"], begun, atol=0.01)
    assert np.ptp(store.loss(DECODER)) > 0
    assert store.attributes(DECODER, "sae")["start_cosine"] == pytest.approx(1)


def test_shuffled_weights_are_the_same_numbers_in_another_order(store: Store) -> None:
    trained, shuffled, again = (
        open_model(store, Checkpoint(size, 40)).weight_groups()
        for size in ("S", WEIGHTS.size, WEIGHTS.size)
    )
    for group, weights in trained.items():
        for name, weight in weights.items():
            moved = shuffled[group][name]
            assert moved.flatten().sort().values.equal(weight.flatten().sort().values)
            assert moved.equal(again[group][name])
            if len(set(weight.flatten().tolist())) > 8:
                same = moved.flatten() == weight.flatten()
                assert same.float().mean() < 0.5, name
    fingerprints = {
        store.attributes(cell, "sae")["lm_fingerprint"]
        for cell in (TRAINED, DECODER, TOKENS)
    }
    assert len(fingerprints) == 1
    assert store.attributes(WEIGHTS, "sae")["lm_fingerprint"] not in fingerprints


def test_random_tokens_are_those_of_the_language_each_by_itself(store: Store) -> None:
    text = store.split("eval")
    whole, drawn = (
        documents.block(0, len(text))
        for documents in (text, text_for(store, TOKENS, text))
    )
    assert np.array_equal(whole.language, drawn.language)
    assert np.array_equal(whole.length, drawn.length)
    assert np.array_equal(whole.token_id < 0, drawn.token_id < 0)
    some = text_for(store, TOKENS, text).block(3, 2)
    assert np.array_equal(some.token_id, drawn.token_id[3:5])
    pairs = []
    for language in range(len(store.languages)):
        rows = whole.token_id[whole.language == language]
        counts, n = Counter(rows[rows >= 0].tolist()), (rows >= 0).sum()
        rows = drawn.token_id[drawn.language == language]
        drawn_counts = Counter(rows[rows >= 0].tolist())
        assert drawn_counts.keys() <= counts.keys()
        # Within five standard deviations of a binomial, each of the tokens.
        for token, count in counts.items():
            spread = 5 * np.sqrt(count * (1 - count / n)) + 5
            assert abs(drawn_counts[token] - count) < spread
        pairs.append(set(zip(rows[:, 0].tolist(), rows[:, 1].tolist(), strict=True)))
    bigrams = set(zip(*whole.token_id[:, :2].T.tolist(), strict=True))
    assert len(set.union(*pairs) - bigrams) > len(bigrams) / 4


def test_a_control_on_random_tokens_has_metrics_of_its_own_text(
    store: Store, con: Connection
) -> None:
    context, settings = store.study.corpus.context, store.study.features
    text = text_for(store, TOKENS, store.split("eval"))
    whole = [text.block(0, len(text))]
    tokens = reference.tokens_of(whole, context, store.languages)
    corpus = Corpus(tokens, store.languages, context, {})
    activations = reference.activations_of(store.codes(TOKENS))
    firings = reference.firings(activations, settings.firing_threshold)
    fired = reference.by_feature(corpus, firings)
    rows = ask(con, f"from features where size = '{TOKENS.size}'")
    assert {row["feature"] for row in rows} == fired.keys()
    for row in rows:
        of_feature = fired[row["feature"]]
        counts = Counter(token.token_id for token in of_feature)
        assert row["n_tokens"] == len(counts)
        entropy = reference.entropy(counts.values())
        assert row["token_entropy"] == pytest.approx(entropy, abs=1e-9)
        languages = [token.language for token in of_feature]
        language = reference.language_class(languages, settings.class_threshold)
        assert row["language"] == language


def test_controls_are_in_no_line_of_a_trained_model(con: Connection) -> None:
    sizes = {row["size"] for row in ask(con, "select size from grid_cells")}
    assert sizes == {"S", "M"}
    assert {row["size"] for row in ask(con, "select size from overview")} == sizes
    assert {row["of_size"] for row in ask(con, "select of_size from findings")} <= sizes


@pytest.mark.parametrize(
    ("view", "name", "column"),
    [
        ("figure_layers", "mixed_share", "mixed_share"),
        ("figure_layers", "monosemanticity", "monosemanticity"),
        ("figure_spans", "mean_span", "mean_span"),
        ("figure_spans", "mean_span_active", "mean_span_active"),
        ("figure_3 where series = 'mixed'", "mixed_share", "estimate"),
        ("figure_3 where series = 'mean'", "monosemanticity", "estimate"),
    ],
)
def test_figures_have_the_controls_next_to_their_cell(
    view: str, name: str, column: str, con: Connection
) -> None:
    trends = {
        row["size"]: row[name]
        for row in ask(con, "from trends where population = 'alive' and layer = 1")
        if row["step"] == 40
    }
    rows = ask(con, f"from {view}")
    for row in rows:
        for cell in (DECODER, WEIGHTS, TOKENS):
            kind = cell.size.partition(".")[2].replace("-", "_")
            is_trained = (row["size"], row["step"], row["layer"]) == TRAINED
            expected = trends[cell.size] if is_trained else None
            assert row[f"{column}_{kind}"] == expected


@pytest.mark.parametrize(
    ("figure", "view", "keys", "column"),
    [
        ("figure_retrieval", "retrieval_overall", ("source",), "p_at_1"),
        ("figure_coherence", "coherence_trends", ("source", "kind"), "excess"),
    ],
)
def test_other_figures_have_them_too(
    figure: str, view: str, keys: tuple[str, ...], column: str, con: Connection
) -> None:
    of_figure = {"coherence_trends": "population = 'alive' and token_set = 'exclusive'"}
    values = {
        (Cell(row["size"], row["step"], row["layer"]), *(row[key] for key in keys)): row
        for row in ask(con, f"from {view} where {of_figure.get(view, 'true')}")
    }
    n_measured = 0
    for row in ask(con, f"from {figure}"):
        is_trained = (row["size"], row["step"], row["layer"]) == TRAINED
        for cell in (DECODER, WEIGHTS, TOKENS):
            kind = cell.size.partition(".")[2].replace("-", "_")
            control = values.get((cell, *(row[key] for key in keys)), {})
            expected = control.get(column) if is_trained else None
            assert row[f"{column}_{kind}"] == expected
            n_measured += expected is not None
    assert n_measured


@pytest.mark.parametrize(
    "name",
    ["figure_3", "figure_layers", "figure_spans", "figure_retrieval"],
)
def test_the_shapes_of_controls_are_in_the_legend(
    name: str, con: Connection, tiny: Store
) -> None:
    """A figure without controls has neither marks of them nor a legend."""
    svg = draw_svg(figure_files()[name], rows_of(con, f"from {name}"))
    assert all(f">{kind}</text>" in svg for kind in KINDS)
    with closing(connect(tiny)) as without:
        rows = rows_of(without, f"from {name}")
    svg = draw_svg(figure_files()[name], rows)
    assert not [kind for kind in KINDS if kind in svg]


def test_the_page_of_a_study_has_them_next_to_the_trained_values(
    store: Store, con: Connection, tmp_path: Path
) -> None:
    generator().write(store.study, [], None, tmp_path / "study.md")
    page = (tmp_path / "study.md").read_text("utf-8")
    printed = tables(page, "Do the paper's findings hold?")[2]
    values = con.execute("from control_values where population = 'alive'").df()
    trained = con.execute("from trend_values where population = 'alive'").df()
    keys = ["size", "step", "layer", "name"]
    rows = values.merge(trained, on=keys)
    measures = ["mixed_share", "mixed_share_exclusive", "monosemanticity", "mean_span"]
    rows = rows[rows.name.isin(measures)].sort_values(keys)
    kinds = ["random_decoder", "shuffled_weights", "random_tokens"]
    assert_printed(printed, rows[[*keys, "value", *kinds]])


def test_the_histogram_has_controls_too(con: Connection) -> None:
    rows = ask(con, "from monosemanticity_histogram where size = 'S'")
    assert len(rows) == 3 * 20
    for cell in (DECODER, WEIGHTS, TOKENS):
        query = f"select monosemanticity from features where size = '{cell.size}'"
        bins = [min(int(20 * row["monosemanticity"]), 19) for row in ask(con, query)]
        kind = cell.size.partition(".")[2].replace("-", "_")
        for row in rows:
            share = bins.count(round(20 * row["bin_low"])) / len(bins)
            expected = share if row["step"] == TRAINED.step else None
            assert row[f"share_of_features_{kind}"] == expected


def test_the_share_of_each_language_has_controls_too(con: Connection) -> None:
    (row,) = ask(
        con,
        "from figure_3 where series = 'ja' and size = 'S' and step = 40",
    )
    query = "from trend_languages where population = 'alive' and language = 'ja'"
    (control,) = ask(con, f"{query} and size = '{WEIGHTS.size}'")
    assert row["estimate_shuffled_weights"] == control["share"]


def test_pages_of_controls_show_no_text_that_they_did_not_read(
    store: Store, con: Connection
) -> None:
    with serving(store) as site:
        assert all(cell.size in site.get("/").text for cell in (DECODER, WEIGHTS))
        for cell in (DECODER, WEIGHTS, TOKENS):
            query = f"select feature from features where size = '{cell.size}' limit 1"
            (row,) = ask(con, query)
            page = site.get(f"/{cell}/{row['feature']}")
            assert page.status == 200
            assert ("strongest" in page.text) == (cell != TOKENS)


def test_a_finished_control_is_left_alone(store: Store, tiny: Store) -> None:
    study = store.study.model_copy(update={"work_dir": tiny.study.work_dir})
    before = {file: file.stat().st_mtime_ns for file in store.path.rglob("*.parquet")}
    build(study.with_written_paths({}), CONTROLS)
    after = {file: file.stat().st_mtime_ns for file in store.path.rglob("*.parquet")}
    assert after == before


def test_the_bootstrap_resamples_the_text_of_the_control(store: Store) -> None:
    words = ["uncertainty", str(store.path), "--replicates", "4"]
    words += ["--only", f"size={TOKENS.size}", "--format", "json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    query = """
        select name, estimate, trends.token_entropy, trends.mixed_share
        from uncertainty inner join trends using (size, step, layer, population)
        where population = 'alive' and name in ('token_entropy', 'mixed_share')
    """
    with closing(connect(store)) as con:
        rows = ask(con, query)
    assert len(rows) == 2
    for row in rows:
        assert row["estimate"] == pytest.approx(row[row["name"]], abs=1e-9)
