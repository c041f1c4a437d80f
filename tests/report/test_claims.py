"""The claims of the page: which tests decide them, and how each verdict is worded."""

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from scipy import stats

from bisae.formats import Rows
from bisae.query import Connection, read_views
from bisae.report.claims import VERDICTS, Claim, read_claims
from bisae.report.tables import Table
from bisae.report.template import template
from support.rows import rows_of
from support.shares import N, Share, ask

TEST: dict[str, Any] = {
    "finding": "sizes",
    "comparison": "L over S",
    "of_size": "L",
    "measure": "mixed_share",
    "step_left": 30,
    "step_right": 10,
    "estimate": 0.124,
    "low": 0.089,
    "high": 0.159,
    "sd_documents": 0.011,
    "sd_units": 0.0143,
    "p_family": 0.0004,
    "n_tests": 2,
    "verdict": "yes",
    "holds_for": "these two models, this autoencoder",
    "fvu_left": 0.1,
    "fvu_right": 0.2,
    "at_same_fvu": 0.03,
    "at_same_firings": None,
    "n_alive_left": 400.0,
    "n_alive_right": 470.0,
    "untrained": -0.01,
    "is_exploratory": False,
}
"""A row of `findings`."""
PARTS = (
    "Its standard deviation is 0.011 over documents and 0.014 over features. At the"
    " same FVU it is 0.030, at the same firings per feature unknown."
)
PLANNED = "Its tests, the grid and the thresholds are those of the first export."
SETTINGS = {
    **{name: TEST[name] for name in ("finding", "comparison", "of_size", "measure")},
    "n_settings": 13,
    "n_same_sign": 12,
    "settings_against": "k = 1",
}


def as_table(view: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    names = list(rows[0])
    values = [tuple(row[name] for name in names) for row in rows]
    return Table(read_views()[view], Rows(names, values))


def claims_of(*rows: Mapping[str, Any], **others: Any) -> list[Claim]:
    """The claims of a study of the sizes S, M and L."""
    tables = {"overview": [{"size": size} for size in ("S", "M", "L")]} | others
    if rows:
        tables["findings"] = rows
    return read_claims({name: as_table(name, rows) for name, rows in tables.items()})


def words(claim: Claim, margin: float | None = None) -> str:
    """A claim as it is read on the page."""
    module: Any = template("claims.html.jinja").module
    text = re.sub(r"<[^>]+>", "", str(module.claim_item(claim, margin)))
    return " ".join(html.unescape(text).split())


def sentence(**changes: Any) -> str:
    (claim,) = claims_of(TEST | changes)
    return words(claim, 0.01)


# -- which tests decide a claim --------------------------------------------------------


def test_a_claim_is_about_the_largest_model_and_counts_all_tests() -> None:
    rows = [
        TEST,
        TEST | {"measure": "mixed_share_exclusive", "verdict": "no"},
        TEST | {"comparison": "M over S", "of_size": "M"},
        TEST | {"comparison": "L over M", "verdict": "undecided"},
    ]
    (claim,) = claims_of(*rows)
    assert [test["comparison"] for test in claim.tests] == ["L over S"]
    assert (claim.name, claim.size, claim.verdict) == ("sizes", "L", "yes")
    assert (claim.n_yes, claim.n_tests) == (2, 4)
    assert "Over all sizes and measures, 2 of 4 verdicts are yes." in words(claim)


@pytest.mark.parametrize(
    ("fall", "rise", "verdict"),
    [
        ("yes", "yes", "yes"),
        ("yes", "negligible", "negligible"),
        ("undecided", "negligible", "undecided"),
        ("confounded", "undecided", "confounded"),
        ("no", "confounded", "no"),
    ],
)
def test_a_claim_of_two_differences_needs_both(
    fall: str, rise: str, verdict: str
) -> None:
    turn = TEST | {"finding": "turn"}
    rows = [
        turn | {"comparison": "fall", "verdict": fall},
        turn | {"comparison": "rise", "verdict": rise},
    ]
    (claim,) = claims_of(*rows)
    assert claim.verdict == verdict
    assert all(f": {each})" in words(claim, 0.1) for each in (fall, rise))


def test_controls_are_named_before_the_settings() -> None:
    test = TEST | {"shown_by": "random decoder, untrained"}
    (claim,) = claims_of(test, finding_settings=[SETTINGS])
    controls = "Controls that show the same: random decoder, untrained."
    assert f". {controls} It has " in words(claim)
    (claim,) = claims_of(TEST | {"shown_by": ""}, finding_settings=[SETTINGS])
    assert "Controls" not in words(claim)


def test_a_test_without_a_verdict_makes_no_claim() -> None:
    assert not claims_of(TEST | {"verdict": None, "p_family": None})
    assert not claims_of()
    assert not read_claims({})


def test_the_order_of_all_sizes_is_said_but_decides_nothing() -> None:
    order = TEST | {
        **dict.fromkeys(("low", "high", "untrained", "fvu_left")),
        "comparison": "order of all sizes",
        "estimate": 1.0,
        "p_family": 0.33,
        "verdict": "undecided",
        "holds_for": "these 3 models, this autoencoder",
    }
    (claim,) = claims_of(TEST, order)
    assert claim.verdict == "yes"
    assert "the mixed share is 1.00 (p = 0.33; these 3 models" in words(claim)


# -- how verdicts are worded -----------------------------------------------------------


@pytest.mark.parametrize(
    ("verdict", "start"),
    [
        ("yes", "L has a larger share of mixed features than S. yes"),
        (
            "no",
            "L does not have a larger share of mixed features than S: the difference is"
            " in the opposite direction. no",
        ),
        (
            "negligible",
            "L does not have a larger share of mixed features than S by more than a"
            " negligible amount. negligible",
        ),
        (
            "confounded",
            "It cannot be said whether L has a larger share of mixed features than S:"
            " the autoencoders that are compared differ too much in their error.",
        ),
        (
            "undecided",
            "It is undecided whether L has a larger share of mixed features than S.",
        ),
    ],
)
def test_every_verdict_has_its_headline(verdict: str, start: str) -> None:
    assert sentence(verdict=verdict).startswith(start)


def test_a_sentence_has_all_its_figures() -> None:
    (claim,) = claims_of(TEST, finding_settings=[SETTINGS])
    assert words(claim) == (
        "L has a larger share of mixed features than S. yes"
        " The mixed share of L less that of S is 0.124 [0.089, 0.159] (400 and 470"
        " features; p < 0.001 among 2 tests); in the untrained model it is"
        " \N{MINUS SIGN}0.010."
        " It has this sign in 12 of 13 other settings, but not with k = 1."
        f" {PARTS} The verdict is about these two models and this autoencoder only."
        f" {PLANNED}"
    )


@pytest.mark.parametrize(
    ("verdict", "caveat"),
    [
        ("yes", ""),
        ("no", ""),
        ("undecided", "A difference below 0.035 could not have been seen."),
        ("negligible", "Its 90 % interval is within 0.0100 of 0, the study's margin."),
        (
            "confounded",
            "The FVU is 0.1 on one side and 0.2 on the other.",
        ),
    ],
)
def test_a_verdict_says_what_limits_it(verdict: str, caveat: str) -> None:
    end = "The verdict is about these two models and this autoencoder only."
    text = sentence(verdict=verdict)
    expected = f"{caveat} {PARTS} {end} {PLANNED}"
    assert text.endswith(expected.replace("  ", " "))


def test_an_exploratory_claim_says_so() -> None:
    assert "exploratory" not in sentence()
    text = sentence(is_exploratory=True)
    assert "It is exploratory: the grid" in text
    assert PLANNED not in text


def test_the_parts_of_an_interval_are_those_of_its_test() -> None:
    """Over layers, where the test is; without replicates of documents, unknown."""
    text = sentence(holds_for="this autoencoder", sd_documents=None)
    assert "is unknown over documents and 0.014 over layers." in text
    assert "at the same firings per feature 0.020." in sentence(at_same_firings=0.02)


def test_a_model_that_was_not_measured_untrained_is_not_compared() -> None:
    text = sentence(untrained=None)
    assert "among 2 tests); the untrained model was not measured." in text


ALIGNMENT = {"comparison": "retrieval by codes over tokens", "n_pairs": 200}
COHERENCE = {"comparison": "across languages, by embeddings", "n_features": 53}
STEERING = {
    "comparison": "mixed against en, same norm",
    "language": "all",
    "size": "M",
    "n_added": 20,
    "n_added_reference": 30,
}
ONLY_FINDINGS = {
    *("measure", "step_left", "step_right", "is_exploratory", "fvu_left", "fvu_right"),
    *("at_same_fvu", "at_same_firings", "n_alive_left", "n_alive_right"),
    *("sd_documents", "sd_units"),
}
"""Columns that only `findings` has."""


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize(
    ("finding", "comparison", "quantity"),
    [
        ("turn", "fall", "mixed share at step 30 less that at the turn"),
        ("turn", "rise", "with the untrained model in place of step 30 it is"),
        ("layers", "middle over upper", "middle layers less that of the upper layers"),
        ("layers", "middle over lower", "(400 and 470 features per layer;"),
    ],
)
def test_claims_of_findings_can_have_every_verdict(
    finding: str, comparison: str, quantity: str, verdict: str
) -> None:
    changes = {"finding": finding, "comparison": comparison, "verdict": verdict}
    (claim,) = claims_of(TEST | changes)
    text = words(claim, 0.01)
    assert quantity in text
    assert "0.124 [0.089, 0.159]" in text
    assert re.match(rf"[^.]* L [^.]*\. {verdict} ", text)


@pytest.mark.parametrize("verdict", ["yes", "no", "undecided"])
@pytest.mark.parametrize(
    ("view", "columns", "missing", "sample"),
    [
        (
            "alignment_findings",
            ALIGNMENT,
            set(),
            "features of L (.*)200 pairs of texts",
        ),
        ("coherence_findings", COHERENCE, set(), "eatures of L (.*)53 features; p"),
        (
            "steering_findings",
            STEERING,
            {"of_size", "untrained"},
            r"half-trained M (.*)20 and 30 features; p < 0.001 among 2 tests\)\.",
        ),
    ],
)
def test_claims_of_other_views_can_have_their_verdicts(
    view: str, columns: dict[str, Any], missing: set[str], sample: str, verdict: str
) -> None:
    """From rows that have the columns of the view only."""
    row = TEST | columns | {"verdict": verdict}
    tables = {view: [{k: row[k] for k in row.keys() - ONLY_FINDINGS - missing}]}
    (claim,) = claims_of(**tables)
    assert re.search(sample, words(claim))
    assert f" {verdict} " in words(claim)
    assert ("untrained" in words(claim)) == ("untrained" not in missing)


# -- the views behind them -------------------------------------------------------------


def settings_rows(
    size: str, shares: Mapping[tuple[str, str], float | None], *, population: str
) -> list[dict[str, Any]]:
    """Rows of `sensitivity` of a size's only cell."""
    return [
        {
            "size": size,
            "step": 30,
            "layer": 1,
            "population": population,
            "mixed_share": share,
            "mixed_share_exclusive": None,
            "setting": setting,
            "value": value,
            "is_default": value == "0.7",
        }
        for (setting, value), share in shares.items()
    ]


def test_settings_count_where_a_difference_keeps_its_sign() -> None:
    """Not: the study's own settings, those of clusters, and what was not measured."""
    left: dict[tuple[str, str], float | None] = {
        **{("firing_threshold", value): 0.3 for value in ("0.5", "0.7", "0.9")},
        **{("k", value): 0.2 for value in ("1", "2", "4")},
        **{("clustering", "greedy"): 0.0, ("language", "script"): None},
    }
    right = dict.fromkeys(left, 0.1) | {("firing_threshold", "0.9"): 0.4}
    right |= {("k", "4"): 0.2}
    variants = [
        *settings_rows("A", right, population="alive"),
        *settings_rows("B", left, population="alive"),
        *settings_rows("A", left, population="supported"),
        *settings_rows("B", right, population="supported"),
    ]
    shares = [Share("A", 30, 1, 100), Share("B", 30, 1, 300, n_params=2)]
    (row,) = ask("finding_settings", shares, variants)
    assert row["comparison"] == "B over A"
    assert row["estimate"] == pytest.approx(200 / N)
    assert (row["n_settings"], row["n_same_sign"]) == (5, 3)
    assert row["settings_against"] == "firing_threshold = 0.9, k = 4"


def test_settings_are_those_of_every_cell_of_a_difference(con: Connection) -> None:
    """On the tiny study, from the rows of `sensitivity` and `contrasts` alone."""
    shares = {
        (row["size"], row["step"], row["layer"], row["setting"], row["value"]): row
        for row in rows_of(con, "from sensitivity where population = 'alive'")
    }
    contrasts = rows_of(con, "from contrasts")
    rows = rows_of(con, "from setting_contrasts")
    assert len(rows) > 20
    for row in rows:
        cells = [
            (item["weight"], item["size"], item["step"], item["layer"])
            for item in contrasts
            if all(
                item[name] == row[name]
                for name in ("finding", "comparison", "of_size", "measure")
            )
        ]
        values = [
            shares[*address, row["setting"], row["value"]][row["measure"]]
            for _, *address in cells
        ]
        if None in values:
            assert row["difference"] is None
            continue
        expected = sum(
            weight * value for (weight, *_), value in zip(cells, values, strict=True)
        )
        assert row["difference"] == pytest.approx(expected, abs=1e-9)


def test_coherence_is_tested_against_its_null(con: Connection) -> None:
    rows = rows_of(con, "from coherence_findings")
    assert rows
    trends = {
        (row["size"], row["step"], row["layer"], row["kind"], row["source"]): row
        for row in rows_of(
            con,
            "from coherence_trends"
            " where population = 'alive' and token_set = 'exclusive'",
        )
    }
    for row in rows:
        start, source = row["comparison"].split(", by ")
        address = (row["of_size"], row["step"], row["layer"], start.split()[0], source)
        trend = trends[address]
        assert row["estimate"] == trend["excess"]
        z = (
            trend["excess"]
            / (trend["excess_high"] - trend["excess"])
            * stats.norm.ppf(0.975)
        )
        assert row["p"] == pytest.approx(2 * stats.norm.sf(abs(z)), rel=1e-3, abs=1e-12)
        untrained = trends.get((address[0], 0, *address[2:]))
        assert row["untrained"] == (untrained and untrained["excess"])
    running, expected = 0.0, {}
    for rank, p in enumerate(sorted(row["p"] for row in rows)):
        running = max(running, min(1, (len(rows) - rank) * p))
        expected[p] = running
    assert all(row["p_family"] == pytest.approx(expected[row["p"]]) for row in rows)
