"""Formulas that several views share, and the SQL that a table's provenance is of."""

import itertools
import re
from contextlib import closing
from math import sqrt
from typing import Any

import pytest
from scipy.stats import norm, t

from bisae.query import closure, database, read_views, source_of, view_provenance
from bisae.query.source import macros
from support.reference import wilson
from support.rows import near

VIEWS = read_views()


def value(expression: str) -> Any:
    with closing(database()) as con:
        ((result,),) = con.execute(f"select {expression}").fetchall()
    return result


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (3, 10), (999, 1000)])
def test_wilson_is_the_plain_formula(k: int, n: int) -> None:
    share = f"{k}::double / {n}, {n}::double"
    low, high = wilson(k, n)
    assert value(f"wilson_low({share})") == near(low)
    assert value(f"wilson_high({share})") == near(high)


def test_a_share_is_in_its_interval_and_the_interval_between_0_and_1() -> None:
    """To the last bit, for shares of up to 400; without the clamp, some are not."""
    beyond = """
        select p, n from (
            select k::double / n as p, n::double as n
            from range(1, 401) as totals (n) cross join range(401) as counts (k)
            where k <= n
        )
        where not (
            0 <= {low} and {low} <= p and p <= {high} and {high} <= 1
        )
    """
    centre, half = "wilson_centre(p, n)", "wilson_half(p, n)"
    unbounded = {"low": f"{centre} - {half}", "high": f"{centre} + {half}"}
    bounded = {name: f"wilson_{name}(p, n)" for name in ("low", "high")}
    with closing(database()) as con:
        assert con.execute(beyond.format(**bounded)).fetchall() == []
        assert con.execute(beyond.format(**unbounded)).fetchall() != []


@pytest.mark.parametrize("bound", ["low", "high"])
@pytest.mark.parametrize("nothing", ["null, null", "null, 3", "0.5, null"])
def test_a_share_of_nothing_has_no_interval(bound: str, nothing: str) -> None:
    assert value(f"wilson_{bound}({nothing})") is None


@pytest.mark.parametrize("weight", [1.0, -1.0, -0.5])
def test_newcombe_takes_the_bound_on_the_side_of_the_sum(weight: float) -> None:
    """A lower sum is one of a lower estimate, or of a higher one that is subtracted."""
    below, above = (0.2, 0.5) if weight > 0 else (0.5, 0.2)
    estimate = f"{weight}, 0.4::double, 0.2::double, 0.9::double"
    assert sqrt(value(f"newcombe_below({estimate})")) == near(abs(weight) * below)
    assert sqrt(value(f"newcombe_above({estimate})")) == near(abs(weight) * above)


@pytest.mark.parametrize(("df", "error"), [(2, 0.041), (3, 0.012), (5.5, 0.003)])
def test_t_is_students(df: float, error: float) -> None:
    """Wallace's approximation is a little too wide, and its inverse is exact."""
    quantile = value(f"student_quantile(z_95(), {df}::double)")
    assert 0 < quantile / t.ppf(0.975, df) - 1 < error
    assert value(f"normal_deviate({quantile}::double, {df}::double)") == near(1.959964)
    for point in (-3.0, 0.5):
        expected = norm.ppf(t.cdf(point, df))
        actual = value(f"normal_deviate({point}::double, {df}::double)")
        assert actual == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    "tests", [[0.01, 0.04, 0.03], [0.5, None, 0.02], [0.3], [0.2, 0.2, 0.9, None]]
)
def test_holm_adjusts_each_p_for_those_below_it(tests: list[float | None]) -> None:
    listed = ", ".join("null" if p is None else str(p) for p in tests)
    present = sorted(p for p in tests if p is not None)
    for p in tests:
        actual = value(f"holm({p or 'null'}::double, [{listed}]::double[])")
        if p is None:
            assert actual is None
            continue
        steps = [(len(present) - rank) * q for rank, q in enumerate(present) if q <= p]
        assert actual == near(min(1.0, max(steps)))


def test_a_macro_calls_only_those_before_it() -> None:
    names = list(macros())
    for name, second in itertools.combinations(names, 2):
        assert not re.search(rf"\b{second}\(", macros()[name]), (name, second)


def test_the_source_of_a_table_has_the_macros_that_it_calls() -> None:
    source = source_of(closure(VIEWS, "trends"))
    for name in ("z_95", "clamp", "wilson_centre", "wilson_half", "wilson_low"):
        assert macros()[name] in source
    assert "newcombe" not in source
    assert "create macro" not in source_of(closure(VIEWS, "token_sums"))


def test_the_source_is_the_sql_without_its_comments() -> None:
    for view in VIEWS.values():
        source = source_of([view])
        assert "--" not in source, view.path
        assert source.split()[0] in {"select", "with", "create"}, view.path


def test_a_comment_makes_no_table_stale_and_sql_does() -> None:
    settings = {"min_firings": 20, "firing_threshold": 0.7}
    before = view_provenance(VIEWS, "firing_rules", settings)
    assert before.keys() == {"firing_threshold", "sql"}
    view = VIEWS["firing_rules"]
    for added, is_same in (("-- min_firings\n", True), ("\nlimit 3", False)):
        select = f"{view.select}{added}"
        views = VIEWS | {"firing_rules": view._replace(select=select)}
        assert (view_provenance(views, "firing_rules", settings) == before) == is_same
