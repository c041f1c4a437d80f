"""The paper's findings as tests: verdicts on hand-made rows, recomputed with SciPy."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence
from math import exp, log, sqrt
from statistics import fmean, variance
from typing import Any

import pyarrow as pa
import pytest
from scipy import stats

from bisae.query import create_views, database, read_views, rows_of
from support.reference import Row
from support.shares import EIGHTHS, N, Share, ask, ask_tables, base_tables

HALVES = (("other half", "odd"), ("half", "even"))
"""Where each turn is measured; it is chosen on the other one."""


def of(rows: Sequence[Row], **wanted: Any) -> Row:
    """The only row with these values, by default of the mixed share."""
    wanted = {"measure": "mixed_share"} | wanted
    (row,) = (row for row in rows if all(row[k] == v for k, v in wanted.items()))
    return row


def over_steps(
    counts: Mapping[int, int], other: Mapping[int, int], seed: int | None = None
) -> Iterator[Share]:
    """One layer of one size over its steps, by one half of the text and the other.

    With a seed, the eighths of the text differ by some features.
    """
    draw = random.Random(seed)
    for step, count in counts.items():
        parts = {("half", "even"): count, ("other half", "odd"): other[step]}
        for eighth, features in itertools.product(EIGHTHS, ("all", "even", "odd")):
            noise = 0 if seed is None else draw.randrange(-30, 31)
            parts[eighth, features] = count + noise
        yield Share("S", step, 1, count, parts)


# -- controls --------------------------------------------------------------------------


def of_control(kind: str, size: str, n_mixed: int, n_params: int) -> Share:
    """A control of a size's only cell."""
    name = f"{size}.{kind.replace(' ', '-')}"
    return Share(name, 9, 1, n_mixed, n_params=n_params, control=kind, control_of=size)


def test_a_control_that_shows_the_same_is_named() -> None:
    """Sizes differ in the weights, not in the tokens; one control has but one size."""
    shares = [
        Share("S", 9, 1, 200, n_params=1),
        Share("M", 9, 1, 500, n_params=2),
        of_control("shuffled weights", "S", 250, 1),
        of_control("shuffled weights", "M", 500, 2),
        of_control("random tokens", "S", 400, 1),
        of_control("random tokens", "M", 401, 2),
        of_control("random decoder", "M", 900, 2),
    ]
    rows = ask("control_contrasts", shares)
    differences = {
        row["control"]: row["difference"]
        for row in rows
        if row["measure"] == "mixed_share"
    }
    assert differences == {
        "shuffled weights": pytest.approx(0.25),
        "random tokens": pytest.approx(0.001),
    }
    row = of(ask("findings", shares), comparison="M over S")
    assert row["estimate"] == pytest.approx(0.3)
    assert (row["shown_by"], row["untrained"]) == ("shuffled weights", None)


def test_the_untrained_model_is_a_control_in_every_test() -> None:
    steps = list(over_steps({1: 500, 10: 90, 20: 300}, {1: 500, 10: 90, 20: 300}))
    rows = ask("findings", [*steps, Share("S", 0, 1, 510)])
    for comparison in ("fall", "rise"):
        row = of(rows, comparison=comparison)
        assert row["untrained"] == pytest.approx((510 - 90) / N)
        assert row["shown_by"] == "untrained"
    rows = ask("findings", [*steps, Share("S", 0, 1, 92)])
    assert of(rows, comparison="fall")["shown_by"] == ""
    assert of(ask("findings", steps), comparison="fall")["shown_by"] is None


# -- the turn --------------------------------------------------------------------------


def test_the_turn_is_chosen_on_one_half_and_measured_on_the_other() -> None:
    """Half of the documents and of the features: the other half has another turn."""
    half = {1: 500, 10: 90, 20: 140, 30: 300}
    second = {1: 510, 10: 170, 20: 80, 30: 290}
    shares = list(over_steps(half, second))
    turns = [row for row in ask("turns", shares) if row["measure"] == "mixed_share"]
    chosen = {(row["documents"], row["features"]): row["step_turn"] for row in turns}
    assert chosen == dict(zip(HALVES, (10, 20), strict=True))
    rows = ask("findings", shares)
    fall, rise = (of(rows, comparison=name) for name in ("fall", "rise"))
    assert fall["estimate"] == pytest.approx(((510 - 170) + (500 - 140)) / 2 / N)
    assert rise["estimate"] == pytest.approx(((290 - 170) + (300 - 140)) / 2 / N)
    assert (fall["step_left"], rise["step_left"]) == (1, 30)
    assert {fall["verdict"], rise["verdict"]} == {"yes"}
    assert fall["holds_for"] == "this model, this autoencoder"


@pytest.mark.parametrize(
    ("counts", "fall", "rise"),
    [
        ({1: 500, 10: 300, 30: 100}, "yes", "no"),
        ({1: 100, 10: 300, 30: 500}, "no", "yes"),
        ({1: 500, 10: 100, 30: 105}, "yes", "undecided"),
        ({1: 105, 10: 100, 30: 500}, "undecided", "yes"),
        ({1: 0, 10: 0, 30: 0}, "undecided", "undecided"),
    ],
    ids=["only falls", "only rises", "hardly rises", "hardly falls", "never mixed"],
)
def test_what_is_no_turn_is_said_to_be_none(
    counts: dict[int, int], fall: str, rise: str
) -> None:
    rows = ask("findings", list(over_steps(counts, counts)))
    assert of(rows, comparison="fall")["verdict"] == fall
    assert of(rows, comparison="rise")["verdict"] == rise


def test_without_a_step_between_the_first_and_the_last_there_is_no_turn() -> None:
    for counts in ({0: 500, 1: 300, 10: 100}, {1: 300}):
        assert ask("findings", list(over_steps(counts, counts))) == []


def test_the_untrained_step_and_other_layers_are_not_asked() -> None:
    counts = {0: 10, 1: 500, 10: 100, 30: 200}
    shares = list(over_steps(counts, counts))
    shares += [share._replace(layer=2, n_mixed=N - share.n_mixed) for share in shares]
    turns = ask("turns", shares)
    assert {(row["layer"], row["step_first"], row["step_turn"]) for row in turns} == {
        (1, 1, 10)
    }


def test_over_exclusive_tokens_the_turn_is_another() -> None:
    counts, local = {1: 500, 10: 100, 20: 150, 30: 200}, {1: 5, 10: 3, 20: 1, 30: 2}
    shares = [
        share._replace(exclusive=100 * local[share.step])
        for share in over_steps(counts, counts)
    ]
    steps = {row["measure"]: row["step_turn"] for row in ask("turns", shares)}
    assert steps == {"mixed_share": 10, "mixed_share_exclusive": 20}
    row = of(
        ask("findings", shares), comparison="fall", measure="mixed_share_exclusive"
    )
    assert row["estimate"] == pytest.approx(0.4)


# -- how sure --------------------------------------------------------------------------


def share_variance(n_mixed: int) -> float:
    """Agresti and Coull's."""
    share = (n_mixed + 2) / (N + 4)
    return share * (1 - share) / N


def test_documents_and_features_make_the_interval() -> None:
    half, second = {1: 300, 10: 90, 30: 200}, {1: 310, 10: 110, 30: 190}
    shares = list(over_steps(half, second, seed=0))
    by_step = {share.step: share for share in shares}
    row = of(ask("findings", shares), comparison="rise")
    by_documents, by_features = [], []
    for documents, features in HALVES:
        values = [
            (by_step[30].parts[e, features] - by_step[10].parts[e, features]) / 2 / N
            for e in EIGHTHS
        ]
        by_documents.append(variance(values) / 2)
        part = documents, features
        by_features += [share_variance(by_step[s].parts[part]) / 4 for s in (30, 10)]
    total = sum(by_documents) + sum(by_features)
    assert row["sd_documents"] == pytest.approx(sqrt(sum(by_documents)))
    assert row["sd_units"] == pytest.approx(sqrt(sum(by_features)))
    degrees = total**2 / sum(item**2 / 7 for item in by_documents)
    half_width = stats.t.ppf(0.975, degrees) * sqrt(total)
    assert row["high"] - row["estimate"] == pytest.approx(half_width, rel=2e-3)
    expected = 2 * stats.t.sf(abs(row["estimate"]) / sqrt(total), degrees)
    assert row["p"] == pytest.approx(expected, rel=0.02, abs=1e-6)


@pytest.mark.parametrize("degrees", [3, 7, 14, 200])
@pytest.mark.parametrize("t", [-4.0, 0.5, 2.4])
def test_the_macros_are_students_distribution(t: float, degrees: int) -> None:
    con = database()
    p, quantile = con.execute(
        f"select two_sided_p(normal_deviate({t}, {degrees})), "
        f"student_quantile(1.959964, {degrees})"
    ).fetchall()[0]
    con.close()
    assert p == pytest.approx(2 * stats.t.sf(abs(t), degrees), rel=0.06)
    assert quantile == pytest.approx(stats.t.ppf(0.975, degrees), rel=0.015)


def test_p_is_adjusted_for_all_tests_of_the_finding() -> None:
    counts = {1: 330, 10: 300, 20: 290, 30: 318}
    shares = [
        share._replace(exclusive=share.n_mixed + share.step)
        for share in over_steps(counts, counts, seed=3)
    ]
    rows = ask("findings", shares)
    ordered = sorted(rows, key=lambda row: row["p"])
    assert len({row["p"] for row in rows}) == len(rows) == 4
    largest = 0.0
    for rank, row in enumerate(ordered):
        largest = max(largest, min(1.0, (len(rows) - rank) * row["p"]))
        assert row["p_family"] == pytest.approx(largest)
        assert row["n_tests"] == len(rows)


def test_a_difference_within_the_margin_is_negligible() -> None:
    counts = {1: 305, 10: 300, 30: 302}
    shares = list(over_steps(counts, counts))
    half_90 = 1.644854 * sqrt(sum(share_variance(n) for n in (302, 300, 302, 300)) / 4)
    for margin, verdict in (
        (0.002 + 1.05 * half_90, "negligible"),
        (0.002 + 0.95 * half_90, "undecided"),
    ):
        row = of(ask("findings", shares, negligible=margin), comparison="rise")
        assert row["verdict"] == verdict


def test_other_tests_than_planned_are_exploratory() -> None:
    counts = {1: 500, 10: 100, 30: 200}
    tables = base_tables(list(over_steps(counts, counts)))
    assert {row["is_exploratory"] for row in ask_tables("findings", tables)} == {False}
    tables["current_tests"] = pa.table({"digest": ["another"]})
    assert {row["is_exploratory"] for row in ask_tables("findings", tables)} == {True}


# -- layers ----------------------------------------------------------------------------

LAYERS = {1: 200, 2: 230, 3: 280, 4: 300, 5: 150, 6: 190}


def over_layers(counts: Mapping[int, int]) -> list[Share]:
    """The layers of one size at two steps."""
    return [
        Share("S", step, layer, count, fvu=layer / 100)
        for step, change in ((10, 1), (30, 0))
        for layer, count in ((layer, n + change) for layer, n in counts.items())
    ]


def test_layers_are_the_units_of_a_comparison_of_layers() -> None:
    rows = ask("findings", over_layers(LAYERS))
    for second, layers in (("lower", (1, 2)), ("upper", (5, 6))):
        row = of(rows, comparison=f"middle over {second}")
        sides = [[0.28, 0.30], [LAYERS[layer] / N for layer in layers]]
        estimate = fmean(sides[0]) - fmean(sides[1])
        assert row["estimate"] == pytest.approx(estimate)
        assert row["sd_documents"] == pytest.approx(0, abs=1e-8)
        parts = [variance(side) / 2 for side in sides]
        assert row["sd_units"] == pytest.approx(sqrt(sum(parts)))
        degrees = sum(parts) ** 2 / sum(part**2 for part in parts)
        welch = stats.ttest_ind(*sides, equal_var=False)
        assert row["p"] == pytest.approx(welch.pvalue, rel=0.3)
        half = stats.t.ppf(0.975, degrees) * sqrt(sum(parts))
        assert row["high"] - estimate == pytest.approx(half, rel=0.4)
        assert row["fvu_left"] == pytest.approx(0.035)
        assert row["fvu_right"] == pytest.approx(fmean(layers) / 100)
        assert row["holds_for"] == "this autoencoder"


def test_a_third_of_one_layer_says_nothing_of_other_layers() -> None:
    rows = ask("findings", over_layers({1: 200, 2: 300, 3: 200}))
    row = of(rows, comparison="middle over lower")
    expected = sqrt(share_variance(300) + share_variance(200))
    assert row["sd_units"] == pytest.approx(expected)
    assert row["holds_for"] == "these layers, this autoencoder"


def test_a_grid_without_a_third_compares_what_it_has() -> None:
    assert ask("layer_contrasts", over_layers({0: 100, 1: 200, 3: 300})) == []
    two = ask("layer_contrasts", over_layers({1: 200, 2: 300}))
    assert {row["comparison"] for row in two} == {"middle over upper"}


def test_without_a_share_there_is_no_verdict() -> None:
    rows = ask("findings", over_layers(LAYERS))
    local = [row for row in rows if row["measure"] == "mixed_share_exclusive"]
    assert len(local) == 2
    assert {(row["estimate"], row["low"], row["verdict"]) for row in local} == {
        (None, None, None)
    }


# -- sizes -----------------------------------------------------------------------------


def of_sizes(*counts: int, step_0: bool = False) -> list[Share]:
    """Sizes with two layers; the first is the middle one. Names are in no order."""
    return [
        Share(size, step, layer, count if layer == 1 else 1, n_params=n_params)
        for n_params, (size, count) in enumerate(
            zip("CABEDGF", counts, strict=False), start=1
        )
        for step in ((0,) if step_0 else ()) + (10, 10 * (n_params + 1))
        for layer in (1, 2)
    ]


def test_each_size_is_compared_with_the_next_smaller_and_the_ends_too() -> None:
    rows = [row for row in ask("findings", of_sizes(100, 300, 200)) if row["sd_units"]]
    sizes = [row for row in rows if row["finding"] == "sizes"]
    assert {row["comparison"]: row["verdict"] for row in sizes} == {
        "A over C": "yes",
        "B over A": "no",
        "B over C": "yes",
    }
    steps = {row["comparison"]: (row["step_left"], row["step_right"]) for row in sizes}
    assert steps == {"A over C": (30, 20), "B over A": (40, 30), "B over C": (40, 20)}
    assert {(row["n_alive_left"], row["n_alive_right"]) for row in sizes} == {(N, N)}
    assert {row["holds_for"] for row in sizes} == {"these two models, this autoencoder"}


def test_two_sizes_are_compared_once() -> None:
    rows = ask("size_contrasts", of_sizes(100, 300))
    assert [(row["size"], row["weight"]) for row in rows] == [("A", 1), ("C", -1)]
    findings = ask("findings", of_sizes(100, 300))
    assert "order of all sizes" not in {row["comparison"] for row in findings}


@pytest.mark.parametrize(
    "counts",
    [(10, 20, 30), (40, 10, 30, 20), (10, 20, 30, 40, 50), (60, 10, 50, 40, 70, 20)],
)
def test_the_order_of_sizes_is_kendalls(counts: tuple[int, ...]) -> None:
    row = of(ask("findings", of_sizes(*counts)), comparison="order of all sizes")
    expected = stats.kendalltau(range(len(counts)), counts, method="exact")
    assert row["estimate"] == pytest.approx(expected.statistic)
    assert row["p"] == pytest.approx(expected.pvalue)
    assert row["holds_for"] == f"these {len(counts)} models, this autoencoder"


def test_the_untrained_model_is_compared_too() -> None:
    sizes = ask("findings", of_sizes(100, 300, step_0=True))
    assert of(sizes, comparison="A over C")["untrained"] == pytest.approx(0.2)
    counts = {0: 700, 1: 500, 10: 100, 30: 200}
    turn = ask("findings", list(over_steps(counts, counts)))
    for comparison in ("fall", "rise"):
        assert of(turn, comparison=comparison)["untrained"] == pytest.approx(0.6)
    trained = ask("findings", of_sizes(100, 300))
    assert of(trained, comparison="A over C")["untrained"] is None


def test_weights_sum_to_nothing() -> None:
    shares = over_layers(LAYERS) + of_sizes(100, 300, 200)
    counts = {1: 500, 10: 100, 30: 200}
    shares += [item._replace(size="T") for item in over_steps(counts, counts)]
    sums: dict[tuple[str, ...], float] = {}
    names = ("comparison", "of_size", "measure", "documents", "features")
    for row in ask("contrasts", shares):
        key = tuple(row[item] for item in names)
        sums[key] = sums.get(key, 0) + row["weight"]
    assert len(sums) > 20
    assert set(sums.values()) == {0.0}


# -- matched ---------------------------------------------------------------------------


def twin_rows(size: str, step: int, by_k: Sequence[float], by_part: Row) -> list[Row]:
    """A cell's mixed share with fewer codes, and on parts of the text."""
    address = {"size": size, "step": step, "layer": 1, "population": "alive"}
    rows = [
        address | {"setting": "k", "value": str(8 >> n), "mixed_share": share}
        for n, share in enumerate(by_k)
    ]
    for number, (documents, (firings, share)) in enumerate(by_part.items()):
        part = {"documents": documents, "n_documents": 80 >> number}
        part |= {"firings_per_feature": firings, "mixed_share": share}
        rows.append(address | part)
    return rows


def matched(left: Sequence[float], firings: tuple[float, float]) -> Row:
    """The verdict on two sizes with FVU 0.1 and 0.3, matched in two ways.

    `left` has the shares of the better one with k = 8, 4, 2 and 1, of FVU 0.1 to 0.8;
    `firings` its shares on all and on half of the text.
    """
    shares = [
        share._replace(fvu=0.1 if share.size == "A" else 0.3)
        for share in of_sizes(100, 300)
    ]
    part = {"all": (100.0, firings[0]), "half": (25.0, firings[1])}
    twins = twin_rows("A", 30, left, part)
    twins += twin_rows("C", 20, [0.1] * 4, {"all": (50.0, 0.1)})
    rows = ask("findings", shares, twins)
    return of(rows, comparison="A over C")


def test_a_difference_that_the_autoencoder_explains_is_confounded() -> None:
    """The better cell is taken at the other's FVU, on the line between two points."""
    row = matched([0.3, 0.2, 0.1, 0.1], (0.3, 0.3))
    between = 0.2 + (0.1 - 0.2) * (log(0.3) - log(0.2)) / (log(0.4) - log(0.2))
    assert row["at_same_fvu"] == pytest.approx(between - 0.1)
    middle = 0.3 + (0.3 - 0.3) * 0.5
    assert row["at_same_firings"] == pytest.approx(middle - 0.1)
    assert row["verdict"] == "confounded" if row["at_same_fvu"] < 0.03 else "yes"
    assert matched([0.3, 0.3, 0.3, 0.3], (0.3, 0.3))["verdict"] == "yes"
    assert matched([0.3, 0.1, 0.1, 0.1], (0.3, 0.3))["verdict"] == "confounded"
    unmatched = matched([0.3, 0.3, 0.3, 0.3], (0.3, 0.1))
    assert exp((log(100) + log(25)) / 2) == pytest.approx(50)  # half-way
    assert unmatched["at_same_firings"] == pytest.approx(0.2 - 0.1)
    assert matched([0.3] * 4, (0.3, -0.1))["verdict"] == "confounded"


def test_what_cannot_be_matched_is_confounded() -> None:
    """With k = 8 and 4 alone, the better cell does not reach an FVU of 0.3."""
    row = matched([0.3, 0.3], (0.3, 0.3))
    assert (row["at_same_fvu"], row["verdict"]) == (None, "confounded")


def test_sides_of_one_fvu_need_no_match() -> None:
    shares = [
        share._replace(fvu=0.1 if share.size == "A" else 0.12)
        for share in of_sizes(100, 300)
    ]
    assert of(ask("findings", shares), comparison="A over C")["verdict"] == "yes"


# -- seeds -----------------------------------------------------------------------------


def over_seeds(
    estimates: Sequence[float], sd_documents: float, negligible: float | None = None
) -> Row:
    """The verdict over stores whose estimates are these."""
    rows = [
        {"store": str(seed), "seed": seed, "finding": "sizes", "of_size": "A"}
        | {"comparison": "A over C", "measure": "mixed_share", "estimate": estimate}
        | {"sd_documents": sd_documents, "fvu_left": 0.1, "fvu_right": 0.1}
        | {"at_same_fvu": estimate, "at_same_firings": estimate}
        | {"negligible": negligible}
        for seed, estimate in enumerate(estimates)
    ]
    con = database()
    con.register("store_findings", pa.Table.from_pylist(rows))
    create_views(con, read_views("compare"), {"store_findings"})
    names, (values,) = rows_of(con, "from seed_findings")
    con.close()
    return dict(zip(names, values, strict=True))


def test_seeds_and_documents_make_the_interval_over_seeds() -> None:
    """Seeds are averaged, documents are the same in all stores."""
    estimates = [0.05, 0.08, 0.06, 0.07]
    row = over_seeds(estimates, 0.01)
    by_seed = variance(estimates) / 4
    total = by_seed + 0.01**2
    degrees = total**2 / (by_seed**2 / 3 + 0.01**4 / 7)
    half = stats.t.ppf(0.975, degrees) * sqrt(total)
    assert row["estimate"] == pytest.approx(0.065)
    assert row["high"] - row["estimate"] == pytest.approx(half, rel=0.01)
    assert row["sd_seeds"] == pytest.approx(sqrt(variance(estimates)))
    assert row["margin"] == pytest.approx(sqrt(2 * variance(estimates)))
    assert (row["n_seeds"], row["verdict"]) == (4, "yes")


@pytest.mark.parametrize(
    ("estimates", "margin", "verdict"),
    [
        ([-0.05, -0.08, -0.06, -0.07], None, "no"),
        ([0.01, -0.01], None, "undecided"),
        ([0.01, -0.01, 0.012, -0.008], 0.05, "negligible"),
        ([0.01, -0.01] * 8, None, "negligible"),
    ],
)
def test_the_verdict_over_seeds(
    estimates: list[float], margin: float | None, verdict: str
) -> None:
    assert over_seeds(estimates, 0.002, margin)["verdict"] == verdict


def test_a_single_seed_has_no_verdict() -> None:
    row = over_seeds([0.5], 0.01)
    assert (row["n_seeds"], row["sd_seeds"], row["verdict"]) == (1, None, None)


# -- alignment -------------------------------------------------------------------------


def test_alignment_is_tested_in_middle_layers_at_the_last_step() -> None:
    """Each interval gives a p, adjusted for all; step 0 is shown."""
    shares = of_sizes(100, 300, step_0=True)
    address = [share.address() for share in shares]
    both = {"source": "codes", "n_pairs": 200, "over_tokens": 0.1}
    both |= {"over_tokens_low": 0.05, "over_tokens_high": 0.15}
    retrieval = [
        row | both | {"over_tokens": 0.1 if row["step"] else 0.01} for row in address
    ]
    retrieval += [row | both | {"source": "hidden"} for row in address]
    pairs = {"language_a": "en", "language_b": "ja", "n_pairs": 200}
    pairs |= {"difference": 0.02, "difference_low": -0.01, "difference_high": 0.05}
    tables = base_tables(shares) | {
        "retrieval_overall": pa.Table.from_pylist(retrieval),
        "pair_overlap": pa.Table.from_pylist([row | pairs for row in address]),
    }
    rows = ask_tables("alignment_findings", tables)
    assert [(row["of_size"], row["step"], row["layer"]) for row in rows] == [
        ("A", 30, 1),
        ("C", 20, 1),
    ] * 2
    overlap, found = rows[:2], rows[2:]
    p = 2 * stats.norm.sf(0.02 / (0.06 / (2 * 1.959964)))
    assert {row["comparison"] for row in overlap} == {
        "overlap over other pairings, en and ja"
    }
    for row in overlap:
        assert row["p"] == pytest.approx(p, abs=1e-6)
        assert row["p_family"] == pytest.approx(2 * p, abs=1e-5)
        assert (row["verdict"], row["untrained"]) == ("undecided", 0.02)
    for row in found:
        assert (row["estimate"], row["untrained"]) == (0.1, 0.01)
        assert (row["n_tests"], row["verdict"]) == (4, "yes")
