"""Figures as Altair charts: their rows, filters, changes, files and errors."""

import shutil
from pathlib import Path
from typing import Any

import pytest

import bisae
from bisae.api import OpenStore
from bisae.errors import FigureError
from bisae.query import Connection
from bisae.report.figures import figure_files
from bisae.store import Store
from support.rows import near, rows_of


@pytest.fixture(scope="module")
def store(tiny: Store) -> OpenStore:
    return bisae.open(str(tiny.path))


def rows(chart: Any) -> list[dict[str, Any]]:
    """The rows that are sent to the browser."""
    return list(chart.to_dict()["datasets"]["rows"])


@pytest.mark.parametrize("name", figure_files())
def test_a_chart_shows_the_rows_of_its_view(
    store: OpenStore, con: Connection, name: str
) -> None:
    existing = {row["name"] for row in rows_of(con, "select name from (show tables)")}
    if name not in existing or not rows_of(con, f"from {name} limit 1"):
        with pytest.raises(FigureError, match=f"has no data for {name}: "):
            store.figure(name)
        return
    chart: Any = store.figure(name)
    expected = [
        {column: None if value != value else near(value) for column, value in r.items()}
        for r in rows_of(con, f"from {name} order by all")
    ]
    assert expected == rows(chart)
    assert "text/html" in chart._repr_mimebundle_()


def test_filters_select_rows(store: OpenStore) -> None:
    view = "figure_layers"
    chosen = rows(store.figure(view, size="M", layer=[0, 3]))
    query = f"select count(*) as n from {view} where size = 'M' and layer in (0, 3)"
    assert len(chosen) == store.sql(query).n[0] > 0
    assert {(row["size"], row["layer"]) for row in chosen} == {("M", 0), ("M", 3)}


def test_a_setting_is_changed_and_the_others_stay(store: OpenStore) -> None:
    chart: Any = store.figure("figure_layers")
    before = chart.to_dict()["config"]
    chart.config.axis.labelFontSize = 5
    after = chart.to_dict()["config"]
    assert after["axis"] == before["axis"] | {"labelFontSize": 5}
    assert before["axis"]["labelFontSize"] != 5


def test_a_pdf_embeds_a_font_with_japanese_glyphs(
    store: OpenStore, tmp_path: Path
) -> None:
    chart: Any = store.figure("figure_layers", size="M", layer=1)
    chart.vconcat[0].title = "言語ごとの特徴"
    chart.save(tmp_path / "figure.pdf")
    assert b"IPAexGothic" in (tmp_path / "figure.pdf").read_bytes()


@pytest.mark.parametrize(
    ("name", "filters", "message"),
    [
        ("figure_99", {}, r"^there is no figure 'figure_99': there are figure_11, "),
        ("figure_layers", {"sise": "M"}, r"has no column 'sise': it has size, step, "),
        ("figure_layers", {"size": "L"}, r"no rows with size = 'L': size is M, S$"),
    ],
)
def test_a_figure_that_there_is_not(
    store: OpenStore, name: str, filters: dict[str, str], message: str
) -> None:
    with pytest.raises(FigureError, match=message):
        store.figure(name, **filters)


def test_a_figure_without_data_says_what_is_missing(copy: Store) -> None:
    shutil.rmtree(str(copy.tables / "coherence_sums"))
    message = r"has no data for figure_coherence: it has no coherence_trends$"
    with pytest.raises(FigureError, match=message):
        bisae.open(str(copy.path)).figure("figure_coherence")
