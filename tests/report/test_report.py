"""The report: every figure fits its view, files are whole, the page stands alone."""

import base64
import csv
import hashlib
import html
import io
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from PIL import Image

from bisae.errors import CheckError
from bisae.formats import Rows
from bisae.grid import Cell, parse_selection
from bisae.progress import duration
from bisae.query import connect, read_views, rows_of
from bisae.report import report
from bisae.report.figures import draw, figure_files
from bisae.report.fit import ONE_COLUMN, TWO_COLUMNS, svg_width
from bisae.report.page import Contents, render_page
from bisae.report.printed import printed_table
from bisae.report.tables import Table, read_tables
from bisae.store import Store, open_store
from bisae.study import dump_study
from bisae.tables.bootstrap import draw_replicates
from bisae.tables.lineage import export_lineage
from support import ROOT
from support.store_copy import copy_store

FIGURES = figure_files()
ABSENT = {
    *("table_1", "table_4", "translation_differences"),
    *("figures_12_17", "steering_findings"),
}
"""Nothing was added to a model, and no size is between two."""
RESAMPLED = parse_selection("size=M,layer=1")
CHECKS: list[dict[str, Any]] = [
    {
        "file": "cells_repeated.sql",
        "table": "cells",
        "check": "cells_repeated",
        "description": "Every cell has one row",
        "why": "It counts once.",
        "guards": "grain",
        "status": status,
        "where": "cells",
        "observed": "0",
        "expected": "no rows",
        "rows": [],
    }
    for status in ("pass", "pass", "pass", "fail", "error", "error")
]
SHADED = {"figure_4", "figure_7"}
"""Figures whose texts are shaded on the page, which does not have their drawings."""
by_figure = pytest.mark.parametrize("name", FIGURES)


@pytest.fixture(scope="module")
def copy(tiny: Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of its own, with replicates and followed features, and its report."""
    location = tmp_path_factory.mktemp("report") / "store"
    copy_store(tiny, location)
    store = open_store(location)
    draw_replicates(store, RESAMPLED, 3, 0)
    export_lineage(store, parse_selection("size=M,layer=1"))
    report(store, CHECKS)
    return location


@pytest.fixture(scope="module")
def page(copy: Path) -> str:
    return (copy / "reports" / "index.html").read_text(encoding="utf-8")


@pytest.fixture
def contents(tiny: Store) -> Contents:
    """A page about nothing."""
    query = "from settings"
    settings = rows_of(connect(tiny, query=query), query)
    row = dict(zip(settings.names, settings.values[0], strict=True))
    return Contents(tiny.study, row, 8, 10, [], {}, {}, {}, CHECKS)


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for child in tree:
            yield from nodes(child)


def fields(text: str) -> set[str]:
    """Every column that a figure reads: not those which it makes itself."""
    actual = set(re.findall(r"rows'\)\[0\]\.(\w+)", text))
    actual |= set(re.findall(r"datum\.(\w+)", text)) - {"value"}
    created = set()
    for node in nodes(json.loads(text)):
        names = node.get("as", [])
        created |= {names} if isinstance(names, str) else set(names)
        actual |= {node["field"]} if "field" in node else set()
        actual |= set(node.get("groupby", ()))
        if isinstance(node.get("facet"), dict):
            actual.add(node["facet"]["field"])
    return actual - created


# -- figures ----------------------------------------------------------------------


@by_figure
def test_every_figure_has_a_view(name: str) -> None:
    assert name in read_views("grid", "lineage", "paper")


@by_figure
def test_every_field_is_a_column(name: str, copy: Path) -> None:
    query = f"from {name} limit 0"
    with closing(connect(open_store(copy), query=query)) as con:
        columns = rows_of(con, query).names
    assert fields(FIGURES[name].read_text()) <= set(columns)


@by_figure
def test_every_figure_reads_the_rows_and_says_what_it_shows(name: str) -> None:
    spec = json.loads(FIGURES[name].read_text())
    assert spec["data"] == {"name": "rows"}
    assert len(spec["description"]) > 40


@by_figure
def test_no_figure_is_blank(name: str, copy: Path) -> None:
    figures = copy / "reports" / "figures"
    image = Image.open(figures / f"{name}.png").convert("RGB")
    colours = image.getcolors(maxcolors=image.width * image.height)
    assert colours is not None
    assert len(colours) > 20
    assert len(re.findall("<path|<text", (figures / f"{name}.svg").read_text())) > 20


def drawn(text: str, folder: Path) -> bytes:
    spec = {"data": {"name": "rows"}, "mark": {"type": "text", "fontSize": 40}}
    text_field = {"encoding": {"text": {"field": "word"}}}
    (folder / "word.vl.json").write_text(json.dumps(spec | text_field))
    return draw(folder / "word.vl.json", Rows(["word"], [(text,)])).png


def test_japanese_glyphs_are_drawn(tmp_path: Path) -> None:
    # Glyphs that no font has all look the same.
    missing = [drawn(text, tmp_path) for text in ("\u0378", "\u0379")]
    assert missing[0] == missing[1]
    assert len({*missing, *(drawn(text, tmp_path) for text in "日本語あ")}) == 5


def test_names_in_figures_are_text() -> None:
    """The page holds drawings as they are."""
    name = "</svg><script>1</script>\"&'"
    names = ["size", "layer", "n_params", "tokens_seen", "tokens_first"]
    names += ["tokens_drawn", "relative_depth", "mixed_share", "monosemanticity"]
    rows = Rows(names, [(name, 1, 1, 10, 10, 10, 0.5, 0.5, 0.5)])
    svg = draw(FIGURES["figure_layers"], rows).svg
    assert "<script" not in svg
    labels = [node.get("aria-label", "") for node in ET.fromstring(svg).iter()]
    assert f"10 tokens: {name}, layer 1, mixed share 0.500" in labels


def test_a_mark_is_described_by_its_checkpoint_and_value(copy: Path) -> None:
    """The page shows these labels as values."""
    svg = (copy / "reports" / "figures" / "figure_layers.svg").read_text()
    labels = [node.get("aria-label", "") for node in ET.fromstring(svg).iter()]
    query = "from figure_layers"
    rows = rows_of(connect(open_store(copy), query=query), query).records()
    for row in rows:
        tokens = f"{row['tokens_seen']:,} tokens" if row["tokens_seen"] else "untrained"
        low, high = row["mixed_share_low"], row["mixed_share_high"]
        label = f"{tokens}: {row['size']}, layer {row['layer']}, mixed share"
        label += f" {row['mixed_share']:.3f} [{low:.3f}, {high:.3f}]"
        assert f"{label}, by chance {row['mixed_share_null']:.3f}" in labels
    values = [text for text in labels if re.match(r"(untrained|[\d,]+ tokens): ", text)]
    assert len(values) == 2 * len(rows)


def test_the_marks_of_lineage_are_described(copy: Path) -> None:
    store, figures = open_store(copy), copy / "reports" / "figures"
    described: dict[str, list[Any]] = {"figure_origins": [], "figure_turnover": []}
    query = "from figure_origins"
    for row in rows_of(connect(store, query=query), query).records():
        key = f"layer 1, {row['last_class']} at the end, {row['origin']}"
        numbers = [row["share"], row["share_low"], row["share_high"]]
        described["figure_origins"].append((row, key, numbers))
    query = "from figure_turnover"
    for row in rows_of(connect(store, query=query), query).records():
        for measure in ("matched", "unmatched"):
            numbers = [row[measure], row[f"{measure}_null"]]
            described["figure_turnover"].append((row, f"layer 1, {measure}", numbers))
    for name, marks in described.items():
        labels = [
            node.get("aria-label", "")
            for node in ET.parse(figures / f"{name}.svg").iter()
        ]
        for row, key, numbers in marks:
            tokens = (
                f"{row['tokens_seen']:,} tokens" if row["tokens_seen"] else "untrained"
            )
            prefix = f"{tokens}: M, {key} "
            (label,) = (text for text in labels if text.startswith(prefix))
            shown = re.findall(r"[\d.]+", label.removeprefix(prefix))
            assert [*map(float, shown[: len(numbers)])] == pytest.approx(
                numbers, abs=6e-4
            )


@pytest.mark.parametrize("text", ['{"mark": ', "[]", '{"mark": 5}', '{"vconcat": 3}'])
def test_a_broken_figure_is_named_in_one_line(text: str, tmp_path: Path) -> None:
    file = tmp_path / "broken.vl.json"
    file.write_text(text)
    with pytest.raises(CheckError, match=r"broken\.vl\.json (is|cannot)") as error:
        draw(file, Rows(["a"], [(1,)]))
    assert "\n" not in str(error.value)


def test_what_json_cannot_hold_is_drawn_as_missing(tmp_path: Path) -> None:
    file = tmp_path / "points.vl.json"
    file.write_text('{"data": {"name": "rows"}, "mark": "point", "encoding": {}}')
    assert draw(file, Rows(["a"], [(float("nan"),), (float("inf"),)])).svg


# -- files ------------------------------------------------------------------------


def test_every_table_is_there_in_three_formats(copy: Path) -> None:
    folder = copy / "reports" / "tables"
    views = read_views("paper").items()
    numbered = {name for name, view in views if "-- Paper:" in view.select}
    for name in {*numbered, "overview", "trends", "cells"} - ABSENT:
        for ending in ("csv", "md", "tex"):
            assert (folder / f"{name}.{ending}").stat().st_size, name


@pytest.mark.parametrize("name", ["trends", "figure_3", "lexicon_translations"])
def test_csv_equals_the_view(name: str, copy: Path) -> None:
    query = f"from {name}"
    rows = rows_of(connect(open_store(copy), query=query), query)
    text = (copy / "reports" / "tables" / f"{name}.csv").read_text()
    names, *written = csv.reader(io.StringIO(text))
    expected = [["" if v is None else str(v) for v in row] for row in rows.values]
    assert names == rows.names
    assert sorted(written) == sorted(expected)


def test_sizes_stand_in_the_order_of_their_parameters(copy: Path) -> None:
    text = (copy / "reports" / "tables" / "trends.csv").read_text()
    sizes = dict.fromkeys(row["size"] for row in csv.DictReader(io.StringIO(text)))
    assert list(sizes) == ["S", "M"]


def test_same_store_same_bytes(copy: Path, tmp_path: Path) -> None:
    shutil.copytree(copy, tmp_path / "other", ignore=shutil.ignore_patterns("reports"))
    report(open_store(tmp_path / "other"), CHECKS)
    for file in sorted((copy / "reports").rglob("*")):
        second = tmp_path / "other" / file.relative_to(copy)
        is_equal = file.is_dir() or file.read_bytes() == second.read_bytes()
        assert is_equal or file.suffix == ".pdf", file.name


def test_nothing_is_left_half_written(copy: Path) -> None:
    assert not list((copy / "reports").rglob("*.partial"))


def test_every_figure_is_there_for_a_paper(copy: Path) -> None:
    figures = copy / "reports" / "figures"
    for name in FIGURES:
        width = svg_width((figures / "paper" / f"{name}.svg").read_text())
        assert ONE_COLUMN - 3 <= width <= ONE_COLUMN or (
            TWO_COLUMNS - 3 <= width <= TWO_COLUMNS
        ), name
        for file in (figures / f"{name}.pdf", figures / "paper" / f"{name}.pdf"):
            pdf = file.read_bytes()
            n_embedded = pdf.count(b"/FontFile")
            assert pdf.count(b"/Type /FontDescriptor") == n_embedded > 0, file


# -- page -------------------------------------------------------------------------


def test_page_loads_nothing(page: str) -> None:
    assert not re.search(r"""(src|srcset|url)\s*[=(]\s*["']?\s*(https?:)?//""", page)
    assert not re.search(r"<(link|iframe|object|img)\b|@import", page)


def test_page_runs_its_own_script_only(page: str) -> None:
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert page.count("<script") == 1
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert f"script-src 'sha256-{digest}'" in policy[1]


def test_page_shows_every_figure_and_links_to_every_table(page: str) -> None:
    assert page.count('<div class="drawing"><svg') == len(FIGURES.keys() - SHADED)
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]+)\)", page)) <= set(ids)
    links = set(re.findall(r'href="(tables/[^"]+|figures/[^"]+)"', page))
    assert {f"figures/paper/{name}.pdf" for name in FIGURES} <= links
    assert {f"figures/{name}.svg" for name in FIGURES} <= links
    assert {"tables/overview.csv", "tables/trends.tex", "tables/cells.md"} <= links


def test_the_page_begins_with_claims_and_a_picture(page: str) -> None:
    start = page.index('<section id="claims"')
    first = page[start : page.index("</section>", start)]
    assert page.index("<section") == start
    claims = first[first.index("<ol>") : first.index("</ol>")]
    assert 1 <= claims.count("<strong>") <= 6
    assert "one seed of the autoencoders" in first
    assert "<table" not in claims
    assert 'id="figure_3"' in first
    assert "other settings" in claims


def test_a_page_without_tests_makes_no_claim(contents: Contents) -> None:
    assert "No claim of the paper can be judged yet" in render_page(contents)


def test_every_figure_is_described_and_has_its_data(page: str, copy: Path) -> None:
    for name in FIGURES.keys() - SHADED:
        file = FIGURES[name]
        start = page.index(f'<figure id="{name}"')
        figure = page[start : page.index("</figure>", start)]
        caption = html.escape(json.loads(file.read_text())["description"])
        label = re.search(r'<svg role="graphics-document" aria-label="([^"]+)"', figure)
        assert label is not None
        assert html.unescape(label[1]) == html.unescape(caption)
        assert f"<summary><code>{name}</code>" in figure
        assert "<table>" in figure
        svg = (copy / "reports" / "figures" / f"{name}.svg").read_text()
        root = ET.fromstring(svg)
        assert root.get("aria-label") == html.unescape(caption)


def test_examples_are_shaded_by_the_activations_that_are_stored(
    page: str, copy: Path
) -> None:
    """Every token of every text, by all codes of its cell."""
    store = open_store(copy)
    query = """
        from figure_examples
        order by
            figure,
            array_position(['early', 'middle', 'late', 'lower', 'upper'], panel),
            class,
            feature,
            example
    """
    rows = rows_of(connect(store, query=query), query).records()
    texts = re.findall(r"<dd><small>(\w+)</small> (.*?)</dd>", page, re.DOTALL)
    assert len(texts) == len(rows) > 20
    shading = r'<span title="([^,]+), [^"]*" style="[^"]*">([^<]*)</span>'
    for row, (language, text) in zip(rows, texts, strict=True):
        assert language == row["language"]
        shown = html.unescape(re.sub("<[^>]*>", "", text)).strip("…")
        assert shown in "".join(row["texts"])
        assert row["texts"][row["position"]] in shown
        cell = Cell(row["size"], row["step"], row["layer"])
        stored = activations(store, cell, row["feature"], row["document"])
        shaded = re.findall(shading, text)
        assert shaded
        assert {value for value, _ in shaded} <= {f"{value:.4g}" for value in stored}
        assert f"{stored[row['position']]:.4g}" in {value for value, _ in shaded}


def activations(store: Store, cell: Cell, feature: int, document: int) -> list[float]:
    """The feature's activation on each token of a document."""
    width = store.study.corpus.context - 1
    values = [0.0] * width
    for batch in store.read_codes(cell):
        for row in batch.to_pylist():
            owner, position = divmod(row["token_row"], width)
            if owner == document and row["feature"] == feature:
                values[position] = row["value"]
    return values


def test_a_value_and_its_interval_share_a_cell(page: str, copy: Path) -> None:
    start = page.index('<section id="overview"')
    table = page[page.index("<table>", start) : page.index("</table>", start)]
    heads = re.findall(r"<th[^>]*>([^<]+)</th>", table.replace("&nbsp;", " "))
    assert "mixed share [95 %]" in heads
    assert not [head for head in heads if head.endswith((" low", " high"))]
    query = (
        "select mixed_share, mixed_share_low, mixed_share_high"
        " from trends semi join overview using (size, step, layer)"
        " where population = 'alive'"
    )
    rows = rows_of(connect(open_store(copy), query=query), query).values
    assert rows
    names = ["mixed_share", "mixed_share_low", "mixed_share_high"]
    for (cell,) in printed_table(Rows(names, rows)).lines:
        assert f"<td>{cell.value} {cell.interval}</td>" in table


def test_the_checklist_is_answered_from_the_store(page: str, tiny: Store) -> None:
    start = page.index('<section id="checklist"')
    section = page[start : page.index("</section>", start)]
    words = " ".join(re.sub(r"<[^>]+>", "", section).split())
    query = "select size, any_value(n_params) from cells group by size"
    for size, n_params in rows_of(connect(tiny, query=query), query).values:
        assert f"{size}: {n_params:,} parameters" in words
    query = "select size, sum(train_seconds) from timings group by size"
    for _, total in rows_of(connect(tiny, query=query), query).values:
        assert f"{duration(total)} in all." in words
    assert f"Searched between {min(tiny.study.sae.lr_grid)}" in words
    assert "The intervention (bisae intervene)." in words
    assert "The bootstrap over documents" not in words
    assert "The search of learning rates" not in words
    query = "select distinct device, dtype, code_version, library_versions from cells"
    (recorded,) = rows_of(connect(tiny, query=query), query).values
    assert all(value in words for value in recorded)
    assert f"torch {version('torch')}" in words
    assert "S: not stated by its checkpoints." in words


def test_the_page_says_how_to_cite(page: str) -> None:
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    titles = re.findall(r'^\s*title: "(.+)"', citation, re.MULTILINE)
    names = re.findall(r"family-names: (.+)\n\s*given-names: (.+)", citation)
    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert len(titles) > 1
    assert all(title in words for title in titles)
    assert all(
        f"{given_name} {family_name}" in words for family_name, given_name in names
    )
    assert "2503.06394" in citation
    assert "arXiv:2503.06394" in words


def test_what_is_folded_is_not_printed(page: str) -> None:
    style = page[page.index("@media print") : page.index("</style>")]
    assert "details:not([open])" in style
    assert "break-inside: avoid" in style


def test_page_shows_no_rows_twice(page: str) -> None:
    """What selects from figures, or only leads to them, stands in no table."""
    listed = set(re.findall(r"<summary><code>(\w+)</code>", page))
    assert {"figure_layers", "slides_layers", "table_3", "cells"} <= listed
    assert not {*SHADED, "class_examples"} & listed
    assert not {"figures_5_8", "figures_6_9", "grid_cells", "figure_runs"} & listed
    assert 'href="tables/figures_5_8.csv"' in page


def test_every_link_leads_somewhere(page: str, copy: Path) -> None:
    for link in re.findall(r'href="([^"]+)"', page):
        anchor = link.startswith("#") and f'id="{link[1:]}"' in page
        assert anchor or (copy / "reports" / link).exists(), link


def test_page_says_how_many_checks_pass(page: str) -> None:
    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "3 checks passed, 1 failed, 2 could not run." in words
    assert 'href="validation.html"' in page


@pytest.mark.parametrize(("rate", "warns"), [(0.13, True), (1e-3, False), (0.0, False)])
def test_chance_links_are_warned_of(
    rate: float,
    warns: bool,  # noqa: FBT001 - pytest passes it by name
    contents: Contents,
) -> None:
    settings = {**contents.settings, "link_rate": rate}
    text = render_page(contents._replace(settings=settings))
    assert ("Monosemanticity is inflated" in text) == warns


@pytest.mark.parametrize(
    ("changing", "warning"),
    [
        ([False, None, False], None),
        ([True, None, True], "2 of 3 cells"),
        ([False, True], "1 of 2 cells"),
    ],
)
def test_cells_that_have_not_converged_are_warned_of(
    changing: list[bool | None], warning: str | None, contents: Contents
) -> None:
    view = read_views("grid")["convergence_changes"]
    rows = [(layer, is_changing) for layer, is_changing in enumerate(changing)]
    table = Table(view, Rows(["layer", "is_changing"], rows))
    text = render_page(contents._replace(tables={view.name: table}))
    words = " ".join(text.split())
    assert ("Autoencoders had not converged" in words) == bool(warning)
    assert not warning or f"The mixed share of {warning}, on the validation" in words


@pytest.mark.parametrize(
    ("sae_steps", "notice"),
    [
        ([], None),
        ([5, 40], "2 of 8 cells import theirs"),
        ([40, 40, 40], "2 apply one that was trained on another step (sae_step)"),
    ],
)
def test_a_page_says_which_cells_import_an_autoencoder(
    sae_steps: list[int], notice: str | None, contents: Contents, tiny: Store
) -> None:
    """Of the first cells, whose steps are made 5, 40 and 0."""
    query = "from cells"
    rows = rows_of(connect(tiny, query=query), query)
    cells = rows.records()
    for cell, step, sae_step in zip(cells, [5, 40, 0], sae_steps, strict=False):
        cell.update(step=step, sae_step=sae_step)
    values = [tuple(cell.values()) for cell in cells]
    table = Table(read_views("cell")["cells"], Rows(rows.names, values))
    text = render_page(contents._replace(tables={"cells": table}))
    words = " ".join(re.sub(r"<[^>]+>", "", text).split())
    assert ("Autoencoders of other projects" in words) == bool(notice)
    assert ("trained on another step" in words) == (len(sae_steps) == 3)
    assert not notice or notice in words


@pytest.mark.parametrize("n_across", [0, 1])
def test_a_page_without_links_across_languages_says_so(
    n_across: int, contents: Contents
) -> None:
    view = read_views("grid")["token_links"]
    names = ["n_links", "n_within", "n_across", "n_shared"]
    rows = Rows(names, [(1234, 1234 - n_across, n_across, 0)])
    tables = {**contents.tables, "token_links": Table(view, rows)}
    text = render_page(contents._replace(tables=tables))
    warns = "Monosemanticity cannot see meaning that two languages share" in text
    assert warns == (n_across == 0)
    assert ("None of the\n  1,234 linked pairs" in text) == warns


def test_page_says_what_is_missing(contents: Contents) -> None:
    left_out = {"lexicon_translations": "this study has no lexicon"}
    text = render_page(contents._replace(left_out=left_out))
    assert "8 of 10 cells are finished" in text
    assert "2 cells are not finished" in text
    assert "The bootstrap over documents" in text
    assert "<code>lexicon_translations</code> (this study has no lexicon)" in text


def test_names_are_escaped(contents: Contents) -> None:
    study = contents.study.model_copy(update={"name": "<script>日本語"})
    assert "&lt;script&gt;日本語" in render_page(contents._replace(study=study))


def test_a_view_that_is_missing_or_empty_is_left_out(
    tiny: Store, tmp_path: Path
) -> None:
    location = tmp_path / "store"
    copy_store(tiny, location)
    for table in ("token_concepts", "lexicon", "feature_concepts"):
        shutil.rmtree(location / "tables" / table)
    study = tiny.study.model_copy(update={"lexicon": None})
    (location / "study.toml").write_text(dump_study(study))
    with closing(connect(open_store(location))) as con:
        tables, left_out = read_tables(con, figure_files())
    reason = "this study has no lexicon_translations"
    assert left_out["figure_translations"] == reason
    assert "figure_translations" not in tables
    assert "figure_layers" in tables
