"""Text in which features fire: `activation_examples`, and what figures 4 and 7 pick."""

import json
import re
from bisect import bisect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import accumulate
from operator import itemgetter
from typing import Any

import pytest

from bisae.query import Connection, connect, read_views
from bisae.store import Store
from support import reference
from support.reference import MIXED
from support.rows import Row, assert_same, planted, rows_of

CELL = ("size", "step", "layer")
VIEWS = read_views("grid", "paper", "questions")
ASKED = [name for name in VIEWS if VIEWS[name].grain.startswith(", ".join(CELL))]
BY_CELL = {"features", "firings", *ASKED} - {
    *("grid_cells", "measured_shares"),  # they compare cells
    *("controls", "control_values"),  # with the controls, which are other cells
    *("figure_layers", "figure_spans", "figures_12_17"),
    *("figure_coherence", "figure_translations"),
    *("intervention_effects", "table_1", "table_4"),
    *("translation_differences", "uncertainty", "replicate_spread"),
    *("steering_findings", "steering_tests"),
}
"""Of these a cell of the tiny study can be asked for."""
Document = list[Row]
"""A document's tokens, with their strings."""


@pytest.fixture(scope="module")
def con(tiny: Store) -> Iterator[Connection]:
    """All tables and views; the tables are files, of which a plan shows those read."""
    with closing(connect(tiny)) as connection:
        yield connection


@pytest.fixture(scope="module")
def documents(con: Connection) -> list[Document]:
    sql = "select tokens.*, token from tokens inner join vocab using (token_id)"
    actual: defaultdict[int, Document] = defaultdict(list)
    for row in rows_of(con, f"{sql} order by token_row"):
        actual[row["document"]].append(row)
    return [actual[i] for i in range(len(actual))]


def fired(con: Connection, row: Row) -> dict[int, list[Row]]:
    """A cell's firings by feature, the strongest first, equal ones as in the text."""
    sql = "from firings where size = ? and step = ? and layer = ?"
    actual: defaultdict[int, list[Row]] = defaultdict(list)
    rows = rows_of(con, sql, [row[name] for name in CELL])
    for one in sorted(rows, key=lambda one: (-one["value"], one["token_row"])):
        actual[one["feature"]].append(one)
    return actual


# -- activation_examples --------------------------------------------------------------


def decoded(words: Sequence[str]) -> list[str]:
    """The text of tokens decoded as a whole, each character at its first token."""
    parts = [
        b"".join(
            bytes([int(byte, 16)]) if byte else text.encode()
            for byte, text in re.findall("<0x([0-9A-F]{2})>|(.)", word, re.DOTALL)
        )
        for word in words
    ]
    starts = [*accumulate(map(len, parts), initial=0)]
    texts, end = [""] * len(words), 0
    for c in b"".join(parts).decode("utf-8", "surrogateescape"):
        at = bisect(starts, end) - 1
        lost = 0xDC80 <= ord(c) <= 0xDCFF
        texts[at] += f"<0x{ord(c) - 0xDC00:02X}>" if lost else c
        end += 1 if lost else len(c.encode())
    return texts


def test_a_split_character_reads_right_and_positions_stay() -> None:
    words = ["<0xE7><0x8C>", "<0xAB>", "5%<0xF0>", "<0x9F>", "<0x98>", "<0x80>"]
    words += ["\x1f+ ", "é<0xC3>", "<0xA9>", "%E7%8C%AB", "<0xE3><0x81>"]
    vocab = [{"token_id": i, "token": word} for i, word in enumerate(words)]
    con = small([float(9 - n) for n in range(9)], vocab, len(words) + 1)
    rows = rows_of(con, "from activation_examples order by rank")
    shown = [word.replace("\x1f", "␟") for word in words] + ["<11>"]  # no such token
    for position, row in enumerate(rows):
        texts = decoded(shown)
        assert row["token"] == words[position]
        assert row["before"] == texts[:position]
        assert row["after"] == texts[position + 1 :]
        assert row["context"] == "猫5%😀␟+ éé%E7%8C%AB<0xE3><0x81><11>"


@pytest.mark.parametrize(("size", "step", "layer"), [("S", 0, 1), ("M", 40, 1)])
def test_examples_are_the_strongest_firings(
    con: Connection, documents: list[Document], size: str, step: int, layer: int
) -> None:
    cell = {"size": size, "step": step, "layer": layer}
    window = len(documents[0])
    expected = []
    for feature, firings in fired(con, cell).items():
        for rank, item in enumerate(firings[:20], start=1):
            document, position = divmod(item["token_row"], window)
            tokens = documents[document]
            words = [token["token"] for token in tokens]
            row = {"feature": feature, "rank": rank, "value": item["value"]}
            row |= {"document": document, "position": position}
            row |= {name: tokens[position][name] for name in ("language", "token")}
            texts = decoded(words)
            row |= {"before": texts[:position], "after": texts[position + 1 :]}
            row |= {"context": "".join(texts)}
            expected.append(cell | row)
    sql = f"from activation_examples where size = '{size}' and step = {step}"
    actual = rows_of(con, f"{sql} and layer = {layer}")
    assert_same(actual, expected, "feature", "rank")


ABC = [{"token_id": i, "token": word} for i, word in enumerate("abc")]


def small(
    values: Sequence[float], vocab: Sequence[Row] = ABC, length: int = 4
) -> Connection:
    """One feature over documents of four tokens, the last of two; firings in order.

    With a vocabulary, documents of other lengths; an id more than it has stands last.
    """
    n_ids = 3 if vocab is ABC else length
    tokens = [
        {"token_row": i, "document": i // length, "position": i % length}
        | {"token_id": i % n_ids, "language": "en"}
        for i in range(30)
    ]
    cell = {"size": "S", "step": 1, "layer": 1, "feature": 0}
    firings = [cell | {"token_row": i, "value": v} for i, v in enumerate(values)]
    tables: dict[str, list[Row]] = {
        "settings": [{"context": length + 1}],
        "tokens": tokens,
    }
    tables |= {"vocab": [*vocab], "firings": firings}
    tables["cells"] = [cell | {"tokens_seen": 10}]
    return planted(tables, "activation_examples")


def test_equal_firings_come_in_the_texts_order() -> None:
    con = small([1.0] * 25 + [2.0] + [1.0] * 4)
    actual = rows_of(con, "from activation_examples order by rank")
    assert [row["token_row"] for row in actual] == [25, *range(19)]


def test_a_document_ends_where_it_ends() -> None:
    con = small([1.0] * 4 + [0.5] * 26)
    first, _, _, last, *_ = rows_of(con, "from activation_examples order by rank")
    assert (first["before"], first["after"]) == ([], ["b", "c", "a"])
    assert (last["before"], last["after"]) == (["a", "b", "c"], [])


def test_a_short_document_has_what_it_has() -> None:
    con = small([1.0] * 10 + [2.0] * 20)
    (row,) = rows_of(con, "from activation_examples where token_row = 28")
    assert (row["before"], row["token"], row["after"]) == ([], "b", ["c"])


def test_any_width_can_be_cut_out() -> None:
    sql = "select array_to_string(before[-2:], '') as text from activation_examples"
    texts = [row["text"] for row in rows_of(small([1.0] * 4), f"{sql} order by rank")]
    assert texts == ["", "a", "ab", "bc"]


# -- figures 4 and 7 ------------------------------------------------------------------


def panels(con: Connection) -> Iterator[tuple[str, str, Row]]:
    """The cells of the examples: size M has layers 0, 1 and 3, steps 0, 5 and 40."""
    mixed = Counter[int]()
    for step in (5, 40):
        sql = f"from features where size = 'M' and step = {step} and layer = 1"
        classes = [row["language"] for row in rows_of(con, sql)]
        mixed[step] = -round(1e6 * classes.count(MIXED) / len(classes))
    lowest = mixed.most_common(1)[0][0]
    for panel, step in (("early", 5), ("middle", lowest), ("late", 40)):
        yield "figure_4", panel, {"size": "M", "step": step, "layer": 1}
    for panel, layer in (("lower", 1), ("upper", 3)):
        yield "figure_7", panel, {"size": "M", "step": 40, "layer": layer}
    yield "class_examples", "random", {"size": "M", "step": 40, "layer": 1}


def by(score: str, sign: int) -> Callable[[Row], tuple[Any, ...]]:
    """The order in which features are picked."""
    return lambda row: (-sign * row[score], -row["n_documents"], row["feature"])


def picked(panel: str, features: Sequence[Row]) -> list[Row]:
    """A panel's features."""
    rows = [row for row in features if row["supported"]]
    if panel == "random":
        drawn: defaultdict[str, list[Row]] = defaultdict(list)
        for row in sorted(rows, key=lambda row: -(row["feature"] * 2654435761 % 2**32)):
            drawn[row["language"]].append(row)
        return [row for of_class in drawn.values() for row in of_class[:2]]
    rows = [row for row in rows if row["n_tokens"] >= 3]
    mixed = [row for row in rows if row["language"] == MIXED]
    if panel == "early":
        return sorted(mixed, key=by("monosemanticity", -1))[:2]
    if panel == "late":
        order = by("monosemanticity", 1)
        local = "language_exclusive"
        return sorted(mixed, key=lambda row: (row[local] != MIXED, order(row)))[:2]
    if panel == "middle":
        actual: Row = {}
        for row in sorted(rows, key=by("monosemanticity", 1)):
            actual.setdefault(row["language"], row)
        return [row for language, row in actual.items() if language != MIXED]
    lower = panel == "lower"
    return sorted(rows, key=by("monosemanticity", -1) if lower else by("mean_span", 1))[
        :2
    ]


def text_of(run: Sequence[reference.AnyPath], document: Document) -> str:
    """A run in brackets, three tokens before and after."""
    texts = decoded([token["token"] for token in document])
    first, last = run[0][1], run[-1][1] + 1
    while first and not texts[first]:
        first -= 1
    parts = texts[max(first - 3, 0) : first], texts[first:last], texts[last : last + 3]
    before, fired_on, after = map("".join, parts)
    return f"{before}[{fired_on}]{after}"


def told(firings: Sequence[Row], documents: list[Document]) -> list[Row]:
    """Three runs of a feature as text, by the rules of figure_examples."""
    places = [divmod(row["token_row"], len(documents[0])) for row in firings]
    run_of = {location: run for run in reference.runs(places) for location in run}
    rest, seen = Counter[int](), Counter[str]()
    actual: dict[reference.AnyPath, Row] = {}
    for rank, (document, position) in enumerate(places[:20]):
        run, token = run_of[document, position], documents[document][position]
        if run[0] not in actual:
            row = {"order": (rest[token["token_id"]], rank), **token}
            actual[run[0]] = row | {"text": text_of(run, documents[document])}
            rest[token["token_id"]] += 1
    for row in sorted(actual.values(), key=itemgetter("order")):
        row["order"] = (seen[row["language"]], *row["order"])
        seen[row["language"]] += 1
    return sorted(actual.values(), key=itemgetter("order"))[:3]


@pytest.mark.parametrize("figure", ["figure_4", "figure_7", "class_examples"])
def test_figures_show_what_their_rules_pick(
    con: Connection, documents: list[Document], figure: str
) -> None:
    expected = []
    for name, panel, cell in panels(con):
        if name != figure:
            continue
        sql = "from features where size = ? and step = ? and layer = ?"
        firings = fired(con, cell)
        for row in picked(panel, rows_of(con, sql, list(cell.values()))):
            chosen = {"panel": panel, "feature": row["feature"], **cell}
            chosen |= {"class": row["language"], "n_firings": row["n_firings"]}
            chosen |= {"class_exclusive": row["language_exclusive"]}
            texts = told(firings[row["feature"]], documents)
            for example, item in enumerate(texts, start=1):
                shown = {name: item[name] for name in ("language", "text")}
                expected.append({**chosen, "example": example, **shown})
    names = ", ".join(expected[0])
    query = f"select {names} from figure_examples where figure = '{figure}'"
    assert_same(rows_of(con, query), expected, "panel", "feature", "example")
    (n_rows,) = con.execute(f"select count(*) from {figure}").fetchone() or ()
    assert n_rows == len(expected)


def candidate(feature: int, **changed: Any) -> Row:
    """A feature that may be picked."""
    row: Row = {"size": "S", "step": 1, "layer": 1, "feature": feature}
    row |= {"language": MIXED, "language_exclusive": MIXED, "monosemanticity": 0.9}
    row |= {"mean_span": 1.0, "n_tokens": 3, "n_documents": 9, "n_firings": 30}
    row |= {"max_value": 1.0}
    return row | {"supported": True} | changed


def test_a_feature_of_two_tokens_or_little_support_is_not_picked() -> None:
    """The late panel: mixed on exclusive tokens first, then meaning, then documents."""
    features = [
        candidate(0, monosemanticity=1.0, n_tokens=2),
        candidate(1, monosemanticity=1.0, supported=False),
        candidate(2, monosemanticity=1.0, language="en"),
        candidate(3, monosemanticity=1.0, language_exclusive=None),
        candidate(4),
        candidate(5, n_documents=10),
        candidate(6, monosemanticity=0.5),
    ]
    panel = {"figure": "figure_4", "panel": "late", "size": "S", "step": 1, "layer": 1}
    tables = {"features": features, "figure_panels": [panel]}
    con = planted(tables, "figure_features")
    actual = {row["feature"] for row in rows_of(con, "from figure_features")}
    assert actual == {4, 5}
    con.execute("delete from features where feature in (4, 6)")
    actual = {row["feature"] for row in rows_of(con, "from figure_features")}
    assert actual == {3, 5}


def test_figures_are_selections_of_the_examples(con: Connection) -> None:
    sql = """
        select shown.text, examples.token, examples.language = shown.language as same
        from figure_examples as shown
        left join activation_examples as examples
            using (size, step, layer, feature, rank, document)
    """
    actual = rows_of(con, sql)
    assert len(actual) > 6
    for row in actual:
        assert row["same"]
        assert row["token"] in row["text"] or "<0x" in row["token"]


# -- what is read ---------------------------------------------------------------------


def scans(tree: Any) -> Iterator[Row]:
    """Every reading of files in a plan that was run."""
    if isinstance(tree, dict):
        if "Total Files Read" in tree:
            yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for child in tree:
            yield from scans(child)


def files_read(
    con: Connection, query: str, *, only: str = "/size=", but: str = "nothing"
) -> list[int]:
    """How many files of tables by cell each part of a query read."""
    plan = con.execute(f"explain (analyze, format json) {query}").fetchall()[0][1]
    return [
        int(scan["Total Files Read"])
        for scan in scans(json.loads(plan))
        if only in str(scan.get("Filename(s)")) and but not in str(scan)
    ]


@pytest.mark.parametrize("view", sorted(BY_CELL))
def test_who_asks_for_a_cell_reads_that_cell(con: Connection, view: str) -> None:
    """`cells` is small, and compares them."""
    where = "size = 'S' and step = 5 and layer = 1"
    if view == "co_firing":  # of two cells
        where += " and other_size = 'S' and other_step = 5 and other_layer = 1"
    read = files_read(con, f"from {view} where {where}", but="/tables/cells/")
    assert max(read) == 1


@pytest.mark.parametrize(("figure", "n_cells"), [(4, 3), (7, 2)])
def test_a_figure_reads_the_firings_of_its_cells(
    con: Connection, figure: int, n_cells: int
) -> None:
    read = files_read(con, f"from figure_{figure}", only="/tables/firings/")
    assert 1 <= max(read) <= n_cells
