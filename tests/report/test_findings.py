"""The paper's findings as tests: verdicts on hand-made rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import sqrt
from statistics import fmean, stdev

import pytest

from support.reference import Row
from support.shares import BOTH, N, Share, ask


def over_steps(counts: Mapping[int, int], other: Mapping[int, int]) -> Iterator[Share]:
    """One layer of one size over its steps, by one half of the text and the other."""
    for documents, by_half in zip(BOTH, (counts, other), strict=True):
        for step, count in by_half.items():
            yield Share("S", step, 1, count, documents)


def verdicts(rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    return {(row["comparison"], row["chosen_on"]): row["verdict"] for row in rows}


# -- the turn --------------------------------------------------------------------------


def test_a_fall_and_a_rise_are_a_turn() -> None:
    counts = {1: 500, 10: 100, 30: 200}
    result = ask("findings", list(over_steps(counts, counts)))
    assert {(row["step_left"], row["step_right"]) for row in result} == {
        (1, 10),
        (30, 10),
    }
    assert set(verdicts(result).values()) == {"yes"}
    estimates = {row["comparison"]: row["estimate"] for row in result}
    assert estimates == pytest.approx({"fall": 0.4, "rise": 0.1})
    assert {row["interval_over"] for row in result} == {"features"}


def test_the_turn_is_chosen_on_one_half_and_measured_on_the_other() -> None:
    half, second = (
        {1: 500, 10: 90, 20: 140, 30: 300},
        {1: 510, 10: 170, 20: 80, 30: 290},
    )
    result = ask("findings", list(over_steps(half, second)))
    actual = {
        (row["comparison"], row["chosen_on"], row["measured_on"]): row["estimate"]
        for row in result
    }
    assert actual == pytest.approx(
        {
            ("fall", "half", "other half"): (510 - 170) / N,
            ("rise", "half", "other half"): (290 - 170) / N,
            ("fall", "other half", "half"): (500 - 140) / N,
            ("rise", "other half", "half"): (300 - 140) / N,
        }
    )


@pytest.mark.parametrize(
    ("counts", "fall", "rise"),
    [
        ({1: 500, 10: 300, 30: 100}, "yes", "no"),
        ({1: 100, 10: 300, 30: 500}, "no", "yes"),
        ({1: 500, 10: 100, 30: 105}, "yes", "undecided"),
        ({1: 105, 10: 100, 30: 500}, "undecided", "yes"),
        ({1: 0, 10: 0, 30: 0}, "no", "undecided"),
    ],
    ids=["only falls", "only rises", "hardly rises", "hardly falls", "never mixed"],
)
def test_what_is_no_turn_is_said_to_be_none(
    counts: dict[int, int], fall: str, rise: str
) -> None:
    result = verdicts(ask("findings", list(over_steps(counts, counts))))
    for half in BOTH:
        assert result["fall", half] == fall
        assert result["rise", half] == rise


def test_what_falls_again_on_the_other_half_has_not_risen() -> None:
    half, second = {1: 500, 10: 100, 30: 200}, {1: 500, 10: 300, 30: 100}
    result = verdicts(ask("findings", list(over_steps(half, second))))
    assert result["rise", "half"] == "no"


def test_the_untrained_step_and_other_layers_are_not_asked() -> None:
    counts = {0: 10, 1: 500, 10: 100, 30: 200}
    shares = list(over_steps(counts, counts))
    shares += [share._replace(layer=2, n_mixed=N - share.n_mixed) for share in shares]
    turns = ask("turns", shares)
    assert {(row["layer"], row["step_first"], row["step_turn"]) for row in turns} == {
        (1, 1, 10)
    }


def test_over_exclusive_tokens_the_turn_is_another() -> None:
    counts, local = {1: 500, 10: 100, 30: 200}, {1: 500, 10: 300, 30: 100}
    shares = list(over_steps(counts, counts))
    shares = [share._replace(exclusive=local[share.step]) for share in shares]
    turns = {row["measure"]: row["step_turn"] for row in ask("turns", shares)}
    assert turns == {"mixed_share": 10, "mixed_share_exclusive": 30}


# -- layers ----------------------------------------------------------------------------

LAYERS = {0: 900, 1: 100, 2: 140, 3: 300, 4: 280, 5: 200, 6: 230}


def over_layers(counts: Mapping[int, int]) -> list[Share]:
    """One size over its layers, at two steps; the first must not be asked."""
    last = [Share("S", 30, layer, count) for layer, count in counts.items()]
    return last + [item._replace(step=10, n_mixed=N - item.n_mixed) for item in last]


def interval(left: Sequence[Share], right: Sequence[Share]) -> tuple[float, float]:
    """The difference of two mean shares: Wilson's intervals, combined by Newcombe."""
    estimate = fmean(item.n_mixed / N for item in left) - fmean(
        item.n_mixed / N for item in right
    )
    distances = []
    for near in (0, 1):
        local = [item.n_mixed / N - item.bounds()[near] for item in left]
        others = [item.n_mixed / N - item.bounds()[1 - near] for item in right]
        squares = sum((item / len(left)) ** 2 for item in local)
        squares += sum((item / len(right)) ** 2 for item in others)
        distances.append(sqrt(squares))
    return estimate - distances[0], estimate + distances[1]


def test_the_middle_third_is_compared_with_both_others() -> None:
    shares = over_layers(LAYERS)
    by_layer = {item.layer: item for item in shares if item.step == 30}
    result = {row["comparison"]: row for row in ask("findings", shares)}
    result = {
        row["comparison"]: row for row in ask("findings", shares) if row["estimate"]
    }
    for second, layers in (("lower", (1, 2)), ("upper", (5, 6))):
        row = result[f"middle over {second}"]
        right = [by_layer[item] for item in layers]
        low, high = interval([by_layer[3], by_layer[4]], right)
        assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))
        assert row["estimate"] == pytest.approx(
            0.29 - fmean(item.n_mixed for item in right) / N
        )
        assert row["fvu_left"] == pytest.approx(0.035)
        assert row["fvu_right"] == pytest.approx(fmean(layers) / 100)
        assert row["verdict"] == "yes"


@pytest.mark.parametrize(
    ("middle", "verdict"), [(300, "yes"), (205, "undecided"), (100, "no")]
)
def test_the_verdict_is_where_the_interval_lies(middle: int, verdict: str) -> None:
    shares = over_layers({1: 200, 2: middle, 3: 200})
    result = [row for row in ask("findings", shares) if row["measure"] == "mixed_share"]
    assert [row["verdict"] for row in result] == [verdict, verdict]


def test_a_grid_without_a_third_compares_what_it_has() -> None:
    assert ask("layer_contrasts", over_layers({0: 100, 1: 200, 3: 300})) == []
    two = ask("layer_contrasts", over_layers({1: 200, 2: 300}))
    assert {row["comparison"] for row in two} == {"middle over upper"}


def test_without_a_share_there_is_no_verdict() -> None:
    result = ask("findings", over_layers(LAYERS))
    local = [row for row in result if row["measure"] == "mixed_share_exclusive"]
    assert len(local) == 2
    assert {(row["estimate"], row["low"], row["verdict"]) for row in local} == {
        (None, None, None)
    }


# -- sizes -----------------------------------------------------------------------------


def of_sizes(*counts: int) -> list[Share]:
    """Sizes with two layers; the first is the middle one. Names are in no order."""
    return [
        Share(size, step, layer, count if layer == 1 else 1, n_params=n_params)
        for n_params, (size, count) in enumerate(zip("CAB", counts, strict=False))
        for step in (10, 10 * (n_params + 2))
        for layer in (1, 2)
    ]


def test_each_size_is_compared_with_the_next_smaller_and_the_ends_too() -> None:
    result = ask("findings", of_sizes(100, 300, 200))
    sizes = [
        row
        for row in result
        if row["finding"] == "sizes" and row["measure"] == "mixed_share"
    ]
    assert {row["comparison"]: row["verdict"] for row in sizes} == {
        "A over C": "yes",
        "B over A": "no",
        "B over C": "yes",
    }
    steps = {row["comparison"]: (row["step_left"], row["step_right"]) for row in sizes}
    assert steps == {"A over C": (30, 20), "B over A": (40, 30), "B over C": (40, 20)}
    assert {(row["n_alive_left"], row["n_alive_right"]) for row in sizes} == {(N, N)}
    assert {row["of_size"] for row in sizes} == {"A", "B"}


def test_two_sizes_are_compared_once() -> None:
    rows = ask("size_contrasts", of_sizes(100, 300))
    assert [(row["size"], row["weight"]) for row in rows] == [("A", 1), ("C", -1)]


def test_weights_sum_to_nothing() -> None:
    shares = over_layers(LAYERS) + of_sizes(100, 300, 200)
    counts = {1: 500, 10: 100, 30: 200}
    shares += [item._replace(size="T") for item in over_steps(counts, counts)]
    sums: dict[tuple[str, ...], float] = {}
    for row in ask("contrasts", shares):
        key = tuple(
            row[item] for item in ("comparison", "of_size", "measure", "chosen_on")
        )
        sums[key] = sums.get(key, 0) + row["weight"]
    assert len(sums) == 24
    assert set(sums.values()) == {0.0}


# -- over documents --------------------------------------------------------------------


def drawn(counts: Mapping[str, Sequence[int]], seeds: Mapping[str, int]) -> list[Row]:
    """Replicates of the middle layers of two sizes."""
    result = {"layer": 1, "population": "alive", "name": "mixed_share"}
    return [
        result
        | {"size": size, "step": step, "seed": seeds[size], "replicate": replicate}
        | {"value": count / N}
        for size, step in (("C", 20), ("A", 30))
        for replicate, count in enumerate(counts[size])
    ]


def test_what_cells_have_in_common_cancels() -> None:
    """Both shares move by a tenth from text to text, but together."""
    counts = {"C": [150, 250, 200], "A": [170, 272, 219]}
    shares = of_sizes(200, 220)
    (row,) = ask("findings_uncertainty", shares, drawn(counts, {"C": 0, "A": 0}))
    half = 1.959964 * stdev([0.020, 0.022, 0.019])
    assert row["low"] == pytest.approx(0.02 - half)
    assert row["high"] == pytest.approx(0.02 + half)
    assert row["replicates_mean"] == pytest.approx(0.061 / 3)
    assert (row["n_replicates"], row["verdict"]) == (3, "yes")
    assert row["interval_over"] == "documents"
    features = [item for item in ask("findings", shares) if item["finding"] == "sizes"]
    assert features[0]["verdict"] == "undecided"


@pytest.mark.parametrize(
    ("counts", "verdict"), [([160, 250, 190], "undecided"), ([50, 150, 101], "no")]
)
def test_the_verdict_over_documents(counts: list[int], verdict: str) -> None:
    rows = drawn({"C": [150, 250, 200], "A": counts}, {"C": 0, "A": 0})
    result = ask(
        "findings_uncertainty", of_sizes(200, 200 if verdict != "no" else 100), rows
    )
    assert [row["verdict"] for row in result] == [verdict]


def test_replicates_of_other_seeds_or_of_one_cell_alone_do_not_pair() -> None:
    counts = {"C": [150, 250, 200], "A": [170, 272, 219]}
    second = drawn(counts, {"C": 0, "A": 1})
    assert ask("findings_uncertainty", of_sizes(200, 220), second) == []
    alone = drawn(counts | {"A": []}, {"C": 0, "A": 0})
    assert ask("findings_uncertainty", of_sizes(200, 220), alone) == []
