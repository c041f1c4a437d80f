"""Printed tables: rounded by their intervals, escaped, the best values bold."""

import csv
import fnmatch
import hashlib
import io
import math
import re
import tomllib
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from bisae.errors import SqlError
from bisae.formats import Rows
from bisae.formats.markup import MarkupCell, escape_latex, latex, markdown
from bisae.query import connect, read_views
from bisae.report.printed import PrintedTable, printed_table, shown_columns
from bisae.report.tables import (
    LONGEST_PRINTED,
    Table,
    describe_source,
    read_tables,
    write_tables,
)
from bisae.store import Store
from support import ROOT

SPECIAL = re.compile(r"(?<!\\)[&%$#_~^\[\]*<>|\"]")
MEASURED = ["x", "x_low", "x_high"]


def texts(table: PrintedTable) -> list[list[str]]:
    """Every cell, with the value in asterisks if it is bold."""
    return [
        [
            f"{'*' * cell.is_bold}{cell.value}{'*' * cell.is_bold} {cell.interval}"
            for cell in line
        ]
        for line in table.lines
    ]


def printed(names: list[str], *values: tuple[Any, ...], best: str = "") -> list[str]:
    """The cells of the first column."""
    table = printed_table(Rows(names, list(values)), best)
    return [line[0].strip() for line in texts(table)]


# -- columns -----------------------------------------------------------------------


def test_main_columns_are_shown_in_their_order_with_their_intervals() -> None:
    rows = Rows(["b", *MEASURED, "x_null", "y"], [(1, 0.51, 0.4, 0.6, 0.123456, 2)])
    table = printed_table(rows, shown=["y", "x*"])
    assert table.heads == ["y", "x [95 %]", "x by chance"]
    assert texts(table) == [["2 ", "0.51 [0.40, 0.60]", "0.12 "]]
    assert len(printed_table(rows).heads) == 4


def test_what_is_bold_does_not_depend_on_what_is_shown() -> None:
    rows = Rows(["key", "x"], [("a", 1), ("a", 2), ("b", 9)])
    table = printed_table(rows, "lowest of x by key", ["x"])
    assert texts(table) == [["*1* "], ["2 "], ["9 "]]


def test_every_view_has_the_main_columns_that_its_table_shows(tiny: Store) -> None:
    columns = tomllib.loads((ROOT / "reports" / "columns.toml").read_text("utf-8"))
    views = read_views("cell", "grid", "lineage", "paper")
    with closing(connect(tiny)) as con:
        tables, _ = read_tables(con, [])
    assert columns["shown"].keys() <= views.keys()
    for name in columns["shown"].keys() & tables.keys():
        for pattern in shown_columns(name):
            assert fnmatch.filter(tables[name].rows.names, pattern), (name, pattern)


# -- rounding ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((0.12431, 0.0951, 0.1602), "0.124 [0.095, 0.160]"),
        ((1.0143, 1.0076, 1.0209), "1.0143 [1.0076, 1.0209]"),
        ((-0.0004, -0.031, 0.03), "0.000 [-0.031, 0.030]"),
        ((0.5, 0.4003, 0.5995), "0.50 [0.40, 0.60]"),  # half of it is 0.0996, or 0.10
        ((12_345.6, 8_100.0, 16_900.0), "12,300 [8100, 16,900]"),
        ((Decimal("0.5"), Decimal("0.25"), Decimal("0.75")), "0.50 [0.25, 0.75]"),
        ((3, 1.5, 4.5), "3 [1.5, 4.5]"),
        ((0.123456, 0.123456, 0.123456), "0.1235"),
        ((0.123456, None, None), "0.1235"),
        ((0.123456, -math.inf, math.inf), "0.1235"),
        ((None, 0.1, 0.2), ""),
    ],
)
def test_digits_follow_the_interval(values: tuple[Any, ...], expected: str) -> None:
    assert printed(MEASURED, values) == [expected]


@given(
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.floats(1e-6, 1e5, allow_subnormal=False),
)
def test_half_an_interval_keeps_two_digits(value: float, half: float) -> None:
    """What rounding removes is at most a twentieth of half the interval."""
    (text,) = printed(MEASURED, (value, value - half, value + half))
    numbers = [
        float(number) for number in re.findall(r"-?[\d.]+(?:,\d+)*", plain(text))
    ]
    exact = [value, value - half, value + half]
    for number, expected in zip(numbers, exact, strict=True):
        assert abs(number - expected) <= half / 20 * (1 + 1e-6) + 1e-9


def plain(text: str) -> str:
    return re.sub(r"(?<=\d),(?=\d)", "", text)


def test_a_null_is_rounded_as_its_value_is_and_other_numbers_to_four_digits() -> None:
    names = [*MEASURED, "x_null", "y", "n_y", "is_y", "z", "steps"]
    rows = Rows(
        names, [(0.25, 0.2, 0.3, 0.123456, 0.123456, 12345, True, None, [1, 2])]
    )
    table = printed_table(rows)
    expected = ["0.250 [0.200, 0.300]", "0.123", "0.1235", "12,345", "yes", "", "1, 2"]
    assert [text.strip() for text in texts(table)[0]] == expected
    assert table.is_number == [True, True, True, True, False, False, False]


def test_a_tiny_p_value_is_below_a_bound() -> None:
    rows = [("p", 1.2e-126), ("p_family", 0.00009), ("p_family", 0.0003)]
    texts = [printed([name], (p,))[0] for name, p in rows]
    assert texts == ["<0.0001", "<0.0001", "0.0003"]
    assert printed(["p_at_1"], (0.00001,)) == ["1e-05"]


def test_bare_ends_belong_to_an_estimate() -> None:
    assert printed(["estimate", "low", "high"], (1.0, 0.5, 1.5)) == [
        "1.00 [0.50, 1.50]"
    ]
    assert printed(["other", "low", "high"], (1.0, 0.5, 1.5)) == ["1"]


def test_heads_are_words_with_units() -> None:
    names = ["mean_span", "mean_span_low", "mean_span_high", "n_params", "fvu_half_k"]
    table = printed_table(Rows(names, [(1.0, 0.9, 1.1, 5, 0.1)]))
    assert table.heads == ["span (tokens) [95 %]", "parameters", "FVU half k"]


# -- the best values --------------------------------------------------------------


def test_the_best_of_each_group_is_bold() -> None:
    names = ["loss a", "bleu", "size"]
    rows = [(2.0, 5, "S"), (1.0, 9, "S"), (1.0, 9, "S"), (None, 1, "M"), (7.0, 2, "M")]
    best = "lowest of loss*, highest of bleu by size"
    table = printed_table(Rows(names, rows), best)
    bold = [[cell.is_bold for cell in line] for line in table.lines]
    assert bold == [
        *([False, False, False], [True, True, False], [True, True, False]),
        *([False, False, False], [False, True, False]),  # 7.0 is compared with nothing
    ]


def test_without_groups_all_rows_are_compared() -> None:
    rows = [(0.2, 0.1, 0.3), (0.25, 0.15, 0.35)]
    expected = ["0.20 [0.10, 0.30]", "*0.25* [0.15, 0.35]"]
    assert printed(MEASURED, *rows, best="highest of x") == expected


@pytest.mark.parametrize("field", ["most of x", "x", "lowest of", "lowest of x y"])
def test_a_wrong_field_is_named(field: str) -> None:
    with pytest.raises(SqlError, match=f"Best: {field}: write `lowest of"):
        printed(["x"], (1,), best=field)


def test_a_wrong_key_is_named_with_its_file(tmp_path: Path) -> None:
    view = read_views("paper")["figure_11"]
    view = view._replace(header={"Best": "lowest of x by y"})
    with pytest.raises(SqlError, match=r"figure_11\.sql: .*: there is no column y"):
        write_tables(
            {"a": Table(view, Rows(["x"], [(1,)]))}, UPath(tmp_path), "a store"
        )


def test_every_field_of_a_view_makes_something_bold(tiny: Store) -> None:
    views = read_views("paper")
    compared = {name for name, view in views.items() if "Best" in view.header}
    assert {"table_1", "table_4", "figure_11", "slides_sizes"} <= compared
    tables, _ = read_tables(connect(tiny), [])
    shown = compared & tables.keys()
    assert {"figure_11", "slides_sizes", "slides_layers"} <= shown
    for name in shown:
        rows = printed_table(tables[name].rows, views[name].header["Best"])
        assert any(cell.is_bold for line in rows.lines for cell in line), name


def test_the_winners_of_figure_11_are_those_with_a_star(tiny: Store) -> None:
    table = read_tables(connect(tiny), [])[0]["figure_11"]
    lines = printed_table(table.rows, table.view.header["Best"]).lines
    bold = [any(cell.is_bold for cell in line) for line in lines]
    is_best = table.rows.names.index("is_best")
    assert bold == [row[is_best] for row in table.rows.values]


# -- LaTeX and Markdown -----------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("50 % & $_#", r"50 \% \& \$\_\#"),
        ("a_b^c~d", r"a\_b\textasciicircum{}c\textasciitilde{}d"),
        ("{x}\\", r"\{x\}\textbackslash{}"),
        ("<0x8B>|`", r"\textless{}0x8B\textgreater{}\textbar{}\textasciigrave{}"),
        ("[the] *", "{[}the{]} {*}"),
        ("en--ja", "en-{}-ja"),
        ("日本語", "日本語"),
        ("\N{GREEK SMALL LETTER ALPHA}", r"$\alpha$"),
    ],
)
def test_latex_is_escaped(text: str, expected: str) -> None:
    assert escape_latex(text) == expected


def tabular(text: str) -> list[list[str]]:
    """Split a tabular in any type; check its rules and the number of columns."""
    if in_type := re.fullmatch(
        r"\{\\\w+\\setlength\{.*?\}%\n(.*)\}\n", text, re.DOTALL
    ):
        text = in_type[1]
    lines = text.splitlines()
    spec = re.fullmatch(r"\\begin\{tabular\}\{([lr]+)\}", lines[0])
    assert spec
    assert [lines[1], lines[3]] == [r"\toprule", r"\midrule"]
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]
    body = [lines[2], *lines[4:-2]]
    assert all(line.endswith(r" \\") for line in body)
    rows = [re.split(r"(?<!\\) & ", line[:-3]) for line in body]
    assert {len(row) for row in rows} == {len(spec[1])}
    return rows


def test_a_long_head_has_two_lines_in_latex() -> None:
    heads = ["size", "mixed share", "mixed share by chance [95 %]", "learning rate"]
    text = latex(heads, [[MarkupCell("1")] * 4], [False, True, True, False])
    assert tabular(text)[0] == [
        "size",
        r"\begin{tabular}[b]{@{}r@{}}mixed\\share\end{tabular}",
        r"\begin{tabular}[b]{@{}r@{}}mixed share by\\chance {[}95~\%{]}\end{tabular}",
        r"\begin{tabular}[b]{@{}l@{}}learning\\rate\end{tabular}",
    ]


@pytest.mark.parametrize(
    ("n_columns", "command", "n_points", "gap"),
    [
        (4, "", 11, 6),
        (5, r"\small", 10, 6),
        (6, r"\footnotesize", 9, 4),
        (7, r"\scriptsize", 8, 3),
    ],
)
def test_a_table_in_latex_fits_a_page(
    n_columns: int, command: str, n_points: int, gap: int
) -> None:
    """In Computer Modern and Times, whose digits are half an em wide."""
    cell = MarkupCell("0.12", "[0.1, 0.2]")
    text = latex(["a"] * n_columns, [[cell] * n_columns], [True] * n_columns)
    setting = rf"{{{command}\setlength{{\tabcolsep}}{{{gap}pt}}%"
    assert text.startswith(f"{setting}\n" if command else r"\begin{tabular}{r")
    width = len("0.12 [0.1, 0.2]")
    stacked = r"\begin{tabular}[t]{@{}r@{}}0.12\\{[}0.1, 0.2]\end{tabular}"
    if tabular(text)[1][0] == stacked:
        assert width * n_columns * n_points / 2 + 2 * gap * n_columns > 454
        width = len("[0.1, 0.2]")
    assert width * n_columns * n_points / 2 + 2 * gap * n_columns <= 454
    assert (n_columns == 7) == (width == len("[0.1, 0.2]"))


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"])), min_size=1))
def test_any_text_is_safe_in_latex(words: list[str]) -> None:
    lines = [[MarkupCell(word), MarkupCell("1")] for word in words]
    rows = tabular(latex(["a_b", "c"], lines, [False, True]))
    for word, row in zip(["a_b", *words], rows, strict=True):
        text = row[0].replace("{[}", "").replace("{]}", "").replace("{*}", "")
        text = re.sub(r"\\text[a-z]+\{\}|\\[&%$#_{}]", "", text).replace("-{}", "-")
        assert "\\" not in text, word
        assert not SPECIAL.search(text.replace('"', "")), word


def test_numbers_of_latex_have_minus_signs_and_powers() -> None:
    cells = [
        *(MarkupCell("-0.1", "[-0.2, 0.0]", is_bold=True), MarkupCell("-5e-05")),
        *(MarkupCell("2e+10"), MarkupCell("")),
    ]
    ((*_,), row) = tabular(latex(list("abcd"), [cells], [True] * 4))
    assert row[0] == r"\textbf{$-$0.1} [$-$0.2, 0.0]"
    assert row[1:] == [r"$-5 \times 10^{-5}$", r"$2 \times 10^{10}$", ""]


def test_markdown_is_aligned_and_bold() -> None:
    lines = [
        [MarkupCell("日本 <s>"), MarkupCell("0.25", "[0.2, 0.3]", is_bold=True)],
        [MarkupCell("a|b"), MarkupCell("1")],
    ]
    assert markdown(["word", "x"], lines, [False, True]) == (
        "| word      |                   x |\n"
        "|-----------|--------------------:|\n"
        "| 日本 \\<s> | **0.25** [0.2, 0.3] |\n"
        "| a\\|b      |                   1 |\n"
    )


def test_files_of_a_table(tiny: Store, tmp_path: Path) -> None:
    """CSV has all columns and digits; the LaTeX says what it was written from."""
    tables, _ = read_tables(connect(tiny), [])
    write_tables(tables, UPath(tmp_path), describe_source(tiny))
    for name, table in tables.items():
        data = (tmp_path / f"{name}.csv").read_bytes()
        comment, _, text = (tmp_path / f"{name}.tex").read_text().partition("\n")
        digest = hashlib.sha256(data).hexdigest()[:16]
        corpus = tiny.corpus_attributes()["fingerprint"][:16]
        expected = f"study {tiny.study.name}, corpus {corpus}"
        assert comment == f"% {name} of {expected}; SHA-256 of {name}.csv {digest}"
        assert len(tabular(text)) == len(table.rows.values) + 1
        names = next(csv.reader(io.StringIO(data.decode())))
        assert names == table.rows.names
        markdown_lines = (tmp_path / f"{name}.md").read_text().splitlines()
        assert len(markdown_lines) == len(table.rows.values) + 2


def test_a_table_too_long_to_be_read_is_csv_alone(tiny: Store, tmp_path: Path) -> None:
    tables, _ = read_tables(connect(tiny), [])
    names, (row, *_) = tables["cells"].rows
    lengths = {"cells": LONGEST_PRINTED, "trends": LONGEST_PRINTED + 1}
    lengthened = {
        name: tables[name]._replace(rows=Rows(names, [row] * n_rows))
        for name, n_rows in lengths.items()
    }
    write_tables(lengthened, UPath(tmp_path), "here")
    assert {file.name for file in tmp_path.iterdir()} == {
        *("cells.csv", "cells.md", "cells.tex", "trends.csv"),
    }


def test_the_first_rows_are_as_in_the_whole_table() -> None:
    """A value that is not the best of all rows is not bold among the first."""
    rows = Rows(["x", "y"], [(n, f"{n % 3}") for n in range(9)])
    whole = printed_table(rows, "highest of x")
    first = printed_table(rows, "highest of x", n_rows=4)
    assert first == whole._replace(lines=whole.lines[:4])
    assert not any(cell.is_bold for line in first.lines for cell in line)
    assert whole.lines[8][0].is_bold


def test_steering_is_compared_within_a_setting() -> None:
    """Columns as the pivots of tables 1 and 4 name them."""
    views = read_views("paper")
    setting = ["size", "step", "layer", "full_step", "control", "alpha", "m", "added"]
    names = [*setting, "en_difference", "en_difference_low", "en_difference_high"]
    cell = ("M", 5, 1, 40, "m")
    rows: list[tuple[Any, ...]] = [
        (*cell, 0.1, 50, "mixed", -0.33, -0.4, -0.26),
        (*cell, 0.1, 50, "en", -0.16, -0.2, -0.12),
        (*cell, 0.2, 50, "mixed", -0.5, -0.6, -0.4),
    ]
    table = printed_table(Rows(names, rows), views["table_4"].header["Best"])
    expected = ["*-0.330* [-0.400, -0.260]", "-0.160 [-0.200, -0.120]"]
    assert [line[-1] for line in texts(table)] == [*expected, "-0.50 [-0.60, -0.40]"]
    names = [*setting[:4], "added", "bleu en-ja", "perplexity en"]
    rows = [(*cell[:4], "none", 9.5, 17.2), (*cell[:4], "mixed", 11.0, 17.6)]
    table = printed_table(Rows(names, rows), views["table_1"].header["Best"])
    assert [line[-2:] for line in texts(table)] == [
        ["9.5 ", "*17.2* "],
        ["*11* ", "17.6 "],
    ]
