"""The rows of every page, against plain Python over the tables and the codes."""

import io
import json
import re
from collections import Counter
from urllib.parse import quote, urlencode

import pyarrow.parquet as pq
import pytest
import torch

from bisae.browser.background import Background, Waiting
from bisae.browser.definitions import anchor
from bisae.browser.trends import POPULATIONS
from bisae.grid import Cell
from bisae.lm import load_lm
from bisae.query import Connection
from bisae.store import Store
from support import reference
from support.browsing import Site, serving
from support.removal import remove_cells
from support.rows import Row, assert_same, near, rows_of

CELL = Cell("M", 40, 1)
WHERE = "size = 'M' and step = 40 and layer = 1"
DEAD = "never activated"


@pytest.fixture(scope="module")
def activations(tiny: Store) -> list[reference.Activation]:
    return reference.activations_of(tiny.codes(CELL))


@pytest.fixture(scope="module")
def firings(
    tiny: Store, activations: list[reference.Activation]
) -> list[reference.Activation]:
    return reference.firings(activations, tiny.study.features.firing_threshold)


@pytest.fixture(scope="module")
def feature(firings: list[reference.Activation]) -> int:
    """A feature that fires often."""
    return Counter(item.feature for item in firings).most_common(4)[-1][0]


# -- the grid -------------------------------------------------------------------------


def test_the_grid_shows_any_trend(site: Site, con: Connection) -> None:
    rows = site.get("/grid.json?measure=mean_span&population=supported").rows
    columns = "size, step, layer, population, mean_span, mean_span_low, mean_span_high"
    expected = f"select {columns} from trends where population = 'supported'"
    assert_same(rows, rows_of(con, expected), "size", "step", "layer")
    page = site.get("/?measure=mean_span").text
    for row in rows_of(con, "from trends where population = 'alive'"):
        size, step, layer = row["size"], row["step"], row["layer"]
        assert f'href="/{size}/{step}/{layer}"' in page


def test_a_cell_that_is_not_finished_is_empty(site: Site, copy: Store) -> None:
    remove_cells(str(copy.path), "size=S,step=5,layer=2")
    with serving(copy) as running:
        page = running.get("/").text
        missing = running.get("/S/5/2")
    assert "14 of 15 cells" in page
    assert "S, step 5, layer 2: not finished" in page
    assert missing.status == 404
    assert "cell S/5/2 is not finished yet" in missing.text


# -- a cell ---------------------------------------------------------------------------


def test_features_are_filtered_and_sorted(site: Site, con: Connection) -> None:
    query = urlencode(
        [
            *(("column", "language"), ("is", "eq"), ("value", "ja")),
            *(("column", "n_firings"), ("is", "ge"), ("value", "5")),
            *(("sort", "token_entropy"), ("order", "desc")),
        ]
    )
    rows = site.get(f"/M/40/1.json?{query}").rows
    content = rows_of(con, f"from features where {WHERE}")
    expected = sorted(
        (r for r in content if r["language"] == "ja" and r["n_firings"] >= 5),
        key=lambda r: (-r["token_entropy"], r["feature"]),
    )
    assert [row["feature"] for row in rows] == [row["feature"] for row in expected]
    assert rows[0] == {name: near(value) for name, value in expected[0].items()}
    assert len(rows) > 3


def test_features_are_found_by_their_tokens(site: Site, con: Connection) -> None:
    rows = site.get("/M/40/1.json?token=%20THE").rows
    words = {row["token_id"]: row["token"] for row in rows_of(con, "from vocab")}
    expected = {
        row["feature"]
        for row in rows_of(con, f"from clusters where {WHERE}")
        if " the" in words[row["token_id"]].lower()
    }
    assert {row["feature"] for row in rows} == expected
    assert expected


def test_a_page_lists_fifty_and_files_have_all(site: Site, con: Connection) -> None:
    content = rows_of(con, f"from features where {WHERE} order by feature")
    first, second = (
        re.findall(r'<a href="/M/40/1/(\d+)">', site.get(path).text)
        for path in (
            "/M/40/1?sort=feature&order=asc",
            "/M/40/1?sort=feature&order=asc&first=50",
        )
    )
    numbers = [str(row["feature"]) for row in content]
    assert [first, second] == [numbers[:50], numbers[50:100]]
    table = pq.read_table(io.BytesIO(site.get("/M/40/1.parquet?sort=feature").body))
    assert sorted(table["feature"].to_pylist()) == [row["feature"] for row in content]
    csv = site.get("/M/40/1.csv?rows=features").text.splitlines()
    assert len(csv) == len(content) + 1


@pytest.mark.parametrize("name", ["monosemanticity", "n_firings"])
def test_a_histogram_counts_the_features_listed(
    site: Site, con: Connection, name: str
) -> None:
    query = f"rows=histogram&histogram={name}&column=language&is=eq&value=ja"
    bars = site.get(f"/M/40/1.json?{query}").rows
    values = [
        row[name]
        for row in rows_of(con, f"from features where {WHERE} and language = 'ja'")
        if row[name] is not None
    ]
    assert sum(bar["n_features"] for bar in bars) == len(values)
    for bar in bars:
        low, high = bar["bin_low"] - 1e-9, bar["bin_high"] + 1e-9
        inside = [value for value in values if low <= value <= high]
        assert len(inside) >= bar["n_features"] > 0
    assert len(bars) > 2


def test_numbers_are_beside_their_nulls(site: Site, con: Connection) -> None:
    page = site.get("/M/40/1").text
    rows = rows_of(con, f"from trends where {WHERE} order by population")
    assert {row["population"] for row in rows} == set(POPULATIONS)
    assert_same(site.get("/M/40/1.json?rows=trends").rows, rows, "population")
    (alive,) = [row for row in rows if row["population"] == "alive"]
    assert f"{alive['mixed_share_null']:.2f}" in page


def test_columns_have_definitions(con: Connection) -> None:
    (row, *_) = rows_of(con, f"from features where {WHERE}")
    undefined = {name for name in row if not anchor(name)}
    assert undefined == {"size", "step", "feature"}


# -- a feature ------------------------------------------------------------------------


def test_examples_are_of_every_strength(
    site: Site,
    firings: list[reference.Activation],
    activations: list[reference.Activation],
    feature: int,
) -> None:
    rows = site.get(f"/M/40/1/{feature}.json?rows=examples").rows
    own = sorted(
        (item for item in firings if item.feature == feature),
        key=lambda item: (-item.value, item.token_row),
    )
    n = len(own)
    assert n > 15
    by_strength = {
        "strongest": own[:5],
        "middle": own[n // 2 - 2 : n // 2 + 3],
        "weakest": own[-5:],
    }
    for strength, expected in by_strength.items():
        shown = [
            (r["token_row"], r["value"]) for r in rows if r["strength"] == strength
        ]
        assert shown == [(item.token_row, near(item.value)) for item in expected]
    fired = {item.token_row for item in own}
    silent = {
        item.token_row: item.value for item in activations if item.feature == feature
    }
    weaker = [row for row in rows if row["strength"] == "active without firing"]
    assert len(weaker) == 5
    for row in weaker:
        assert row["token_row"] not in fired
        assert row["value"] == silent[row["token_row"]]


def test_examples_show_whole_texts_on_request(
    site: Site, con: Connection, feature: int
) -> None:
    page = site.get(f"/M/40/1/{feature}?context=whole").text
    passages = re.findall(r'class="passage">(.*?)</span></p>', page)
    sql = "select context from activation_examples where "
    (best,) = rows_of(con, f"{sql} {WHERE} and feature = {feature} and rank = 1")
    assert re.sub("<[^>]+>", "", passages[0]) == best["context"]
    short = site.get(f"/M/40/1/{feature}?context=5").text
    assert len(short) < len(page)


def test_a_feature_has_its_activations_and_positions(
    site: Site,
    tiny: Store,
    activations: list[reference.Activation],
    firings: list[reference.Activation],
    feature: int,
) -> None:
    path = f"/M/40/1/{feature}"
    rows = site.get(f"{path}.json?rows=activations").rows
    own = [item for item in activations if item.feature == feature]
    assert {r["token_row"]: r["value"] for r in rows} == {
        item.token_row: item.value for item in own
    }
    positions = site.get(f"{path}.json?rows=positions").rows
    width = tiny.study.corpus.context - 1
    expected = Counter(i.token_row % width for i in firings if i.feature == feature)
    assert {r["position"]: r["n_firings"] for r in positions} == expected


def test_clusters_have_the_tokens_of_a_feature(
    site: Site, con: Connection, feature: int
) -> None:
    rows = site.get(f"/M/40/1/{feature}.json?rows=clusters").rows
    content = rows_of(con, f"from clusters where {WHERE} and feature = {feature}")
    total = sum(row["n_firings"] for row in content)
    counts: Counter[int] = Counter()
    for row in content:
        counts[row["cluster"]] += row["n_firings"]
    assert {r["cluster"]: near(r["share"]) for r in rows} == {
        cluster: n / total for cluster, n in counts.items()
    }
    assert sum(len(row["tokens"]) for row in rows) == len(content)


@pytest.mark.parametrize("other", ["M/40/1", "M/5/1", "M/40/0", "M/40/3"])
def test_neighbours_fire_on_the_same_tokens(
    site: Site,
    tiny: Store,
    firings: list[reference.Activation],
    feature: int,
    other: str,
) -> None:
    name = "neighbours" if other == str(CELL) else f"matches in {other}"
    rows = site.get(f"/M/40/1/{feature}.json?rows={quote(name)}").rows
    size, step, layer = other.split("/")
    codes = tiny.codes(Cell(size, int(step), int(layer)))
    threshold = tiny.study.features.firing_threshold
    tokens: dict[int, set[int]] = {}
    for item in reference.firings(reference.activations_of(codes), threshold):
        tokens.setdefault(item.feature, set()).add(item.token_row)
    own = {item.token_row for item in firings if item.feature == feature}
    overlaps = {
        candidate: len(own & its) / len(own | its)
        for candidate, its in tokens.items()
        if own & its and (other, candidate) != (str(CELL), feature)
    }
    best = sorted(overlaps, key=lambda number: (-overlaps[number], number))
    assert [row["other"] for row in rows] == best[: len(rows)]
    assert [row["jaccard"] for row in rows] == [
        near(overlaps[i]) for i in best[: len(rows)]
    ]
    assert len(rows) == min(len(best), 10 if name == "neighbours" else 3) > 0


def test_a_dead_feature_says_so(
    site: Site, activations: list[reference.Activation]
) -> None:
    dead = min(set(range(256)) - {item.feature for item in activations})
    answer = site.get(f"/M/40/1/{dead}")
    assert answer.status == 200
    assert DEAD in answer.text


def test_the_lens_is_the_unembedding_of_the_direction(
    site: Site, tiny: Store, feature: int
) -> None:
    """Computed from the weights: RMSNorm and the unembedding of a Llama model."""
    rows = site.get(f"/M/40/1/{feature}.json?rows=lens&lens=1").rows
    path, _ = tiny.study.model("M").checkpoint_at(40)
    model = load_lm(path)._model
    direction = torch.from_numpy(tiny.weights(CELL)["W_dec"][feature])
    norm = model.model.norm
    unit = direction / (direction.square().mean() + norm.variance_epsilon).sqrt()
    logits = (model.lm_head.weight @ (unit * norm.weight)).tolist()
    best = sorted(range(len(logits)), key=lambda i: -logits[i])
    assert [row["token_id"] for row in rows[:15]] == best[:15]
    assert [row["logit"] for row in rows[:3]] == [
        pytest.approx(logits[i], rel=1e-4) for i in best[:3]
    ]


def test_a_sample_of_each_class_is_of_supported_features(con: Connection) -> None:
    rows = rows_of(con, f"from feature_sample where {WHERE}")
    content = rows_of(con, f"from features where {WHERE} and supported")
    assert {row["feature"] for row in rows} == {row["feature"] for row in content}
    for language, n in Counter(row["language"] for row in content).items():
        ranks = sorted(row["rank"] for row in rows if row["language"] == language)
        assert ranks == [*range(1, n + 1)]
    in_order = sorted(rows, key=lambda row: row["rank"])
    assert [row["feature"] for row in in_order] != sorted(r["feature"] for r in rows)


# -- a text ---------------------------------------------------------------------------


def test_a_text_has_the_codes_that_the_store_has(site: Site, tiny: Store) -> None:
    """A document of the evaluation text, decoded and encoded again."""
    (text,) = site.library.store.documents("eval", 1).__next__().token_id[:1]
    query = "select texts from document_texts where document = 0"
    answer = site.get(
        f"/sql.json?{urlencode({'q': query, 'token': site.library.token})}"
    )
    words = "".join(answer.rows[0]["texts"])
    address = {"text": words, "size": "M", "step": "40", "layer": "1"}
    rows = site.get(f"/text.json?{urlencode(address)}").rows
    codes = next(iter(tiny.codes(CELL)))
    n_same = 0
    for row in rows:
        stored = dict(
            zip(
                codes.index[row["position"]].tolist(),
                codes.value[row["position"]].tolist(),
                strict=True,
            )
        )
        n_same += stored.get(row["feature"]) == pytest.approx(row["value"], rel=2e-3)
    assert len(text) > 0
    assert n_same > 0.9 * len(rows) > 20


def test_a_text_needs_the_language_model(copy: Store) -> None:
    models = tuple(
        model.model_copy(update={"checkpoint": "/nowhere/{size}/{step}"})
        for model in copy.study.models
    )
    study = copy.study.model_copy(update={"models": models})
    with serving(Store(copy.path, study)) as running:
        page = running.get("/text?text=hello")
        feature = running.get("/M/40/1/0")
    assert "is not on this machine" in page.text
    assert "is not on this machine" in feature.text or DEAD in feature.text


# -- the report -----------------------------------------------------------------------


def wait_for(site: Site, path: str) -> str:
    answer = site.get(path)
    while answer.status == 202:
        assert answer.headers["refresh"] == "2"
        answer = site.get(path)
    assert answer.status == 200
    return answer.text


def test_findings_and_figures_are_computed(site: Site, con: Connection) -> None:
    page = wait_for(site, "/findings")
    rows = site.get("/findings.json?rows=findings").rows
    key = ("finding", "comparison", "of_size", "measure")
    assert_same(rows, rows_of(con, "from findings"), *key)
    assert "verdict" in page
    figure = site.get("/figures/figure_layers.svg")
    assert figure.headers["content-type"] == "image/svg+xml"
    assert b"<svg" in figure.body


def test_checks_are_run(site: Site) -> None:
    page = wait_for(site, "/checks")
    assert re.search(r"\d+ passed, \d failed, 0 could not run", page)
    assert "features_missing" in page
    assert "Every class is a study language or <code>mixed</code>" in page
    assert "`" not in page


def test_a_failed_result_is_not_kept_waiting() -> None:
    background = Background()

    def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        background.result("x", 1, fail, 5)
    assert background.result("y", 1, lambda: 3, 5) == 3
    assert isinstance(background.result("z", 1, lambda: wait_a_little(), 0), Waiting)
    assert background.result("z", 1, fail, 5) == 7
    background.close()


def wait_a_little() -> int:
    import time

    time.sleep(0.2)
    return 7


# -- errors ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/nothing", 404, "there is no page /nothing"),
        ("/M/41/1", 404, "no cell M/41/1 in this study; the nearest is M/40/1"),
        ("/M/x/1", 404, "step &#39;x&#39; is not a number"),
        ("/M/40/1/256", 404, "no feature 256 in cell M/40/1: features are 0 to 255"),
        ("/M/40/1/0?context=7", 404, "no context &#39;7&#39;"),
        ("/M/40/1?sort=monosemantic", 404, "the nearest is monosemanticity"),
        ("/M/40/1?column=n_tokens&is=ge&value=x", 404, "n_tokens is a number"),
        ("/M/40/1?column=supported&is=eq&value=x", 404, "supported is true or false"),
        ("/M/40/1?column=n_tokens&is=like&value=1", 404, "no comparison"),
        ("/?measure=x", 404, "no measure &#39;x&#39;"),
        ("/figures/x.svg", 404, "no figure &#39;x&#39;"),
        ("/M/40/1.csv?rows=x", 404, "this page has no rows called"),
        ("/definitions.json", 404, "this page has no rows"),
    ],
)
def test_a_wrong_address_gets_a_clear_page(
    site: Site, path: str, status: int, message: str
) -> None:
    answer = site.get(path)
    assert answer.status == status
    text = answer.text
    if answer.headers["content-type"] == "application/json":
        assert message in json.loads(text)["error"]
    else:
        assert message in text
    assert "Traceback" not in text


def test_a_damaged_table_gets_a_clear_page(copy: Store) -> None:
    file = copy.tables / "features" / CELL.partition / "rows.parquet"
    with serving(copy) as running:
        running.get("/")
        file.write_bytes(b"PAR1 nothing")
        answer = running.get("/M/40/1")
    assert answer.status == 500
    assert "Traceback" not in answer.text
    assert "bisae verify" in answer.text or "cannot be read" in answer.text


def test_every_cell_has_trends(site: Site) -> None:
    rows: list[Row] = site.get("/trends.json").rows
    assert len(rows) == 15
