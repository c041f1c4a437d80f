"""Views of extreme cells: no error, and no number that is infinite or not a number."""

import re
from collections.abc import Iterator
from contextlib import closing
from math import exp

import pyarrow as pa
import pytest

from bisae.intervene.measure import SteeringSetting
from bisae.pipeline.prepare import STAGES
from bisae.query import (
    Connection,
    closure,
    columns_of,
    compute_once,
    connect,
    create_views,
    database,
    read_views,
)
from bisae.store import Store, registry, table_names
from support.rows import Row, near, planted, rows_of

SILENT = "(size, step, layer) = ('S', 5, 1)"
"""A cell without an alive feature."""
FEW = "(size, step, layer) = ('S', 40, 1) and n_documents > 1"
"""Features of a cell, all of which fire in one document: the other bins are empty."""
PER_FEATURE = (
    "features",
    "feature_languages",
    "feature_concepts",
    "firings",
    "clusters",
)
SHARES = "mixed_share = null, mixed_share_low = null, mixed_share_high = null"
STATEMENTS = (
    "update cells set fvu = 1000, mse = 1e9, variance = 1e6",
    *(f"delete from {table} where {SILENT}" for table in PER_FEATURE),
    f"update cells set n_dead = n_features where {SILENT}",
    f"update eval_size set n_features = 0, {SHARES} where {SILENT}",
    f"delete from features where {FEW}",
    "update features set mean_span = 65535, mean_span_active = 65535",
    "update lr_search set mse = 1e300",
    "update timings set train_seconds = 1e12",
)
VIEWS = read_views("grid", "paper", "questions")
BUILT = {name for name, table in registry().items() if table.command in STAGES}


def views() -> Iterator[str]:
    """The views of tables that a build writes."""
    for name in VIEWS:
        read = {table for view in closure(VIEWS, name) for table in view.reads}
        if read - VIEWS.keys() <= BUILT | {"documents"}:
            yield name


@pytest.fixture(scope="module")
def extreme(tiny: Store) -> Iterator[Connection]:
    """The tiny study with extreme values."""
    with closing(connect(tiny)) as con:
        names = {*table_names("cell"), *table_names("study")}
        compute_once(con, columns_of(con).keys() & names)
        for statement in STATEMENTS:
            con.execute(statement)
        yield con


@pytest.mark.parametrize("view", views())
def test_every_number_is_finite_or_null(extreme: Connection, view: str) -> None:
    columns = rows_of(extreme, f"describe {view}")
    floats = [row["column_name"] for row in columns if row["column_type"] == "DOUBLE"]
    wrong = [
        f"count(*) filter (where not isfinite({name})) as {name}" for name in floats
    ]
    (counts,) = rows_of(
        extreme, f"select count(*) as n, {', '.join(wrong)} from {view}"
    )
    assert {name: n for name, n in counts.items() if n and name != "n"} == {}


def test_a_bin_without_features_has_no_share(extreme: Connection) -> None:
    silent = rows_of(extreme, f"from by_support where {SILENT}")
    few = rows_of(extreme, f"from by_support where {FEW.partition(' and ')[0]}")
    assert [row["share_of_features"] for row in silent] == [None] * 7
    assert [row["share_of_features"] for row in few] == [1.0] + [0.0] * 6
    for row in [*silent, *few[1:]]:
        assert row["n_features"] == 0
        assert {row[name] for name in row if name.startswith("m")} == {None}


def test_a_cell_without_features_has_every_bin_of_the_histogram(
    extreme: Connection,
) -> None:
    rows = rows_of(extreme, f"from monosemanticity_histogram where {SILENT}")
    assert [row["bin_low"] for row in rows] == near(
        [twentieth / 20 for twentieth in range(20)]
    )
    assert {(row["n_features"], row["share_of_features"]) for row in rows} == {
        (0, None)
    }


@pytest.mark.parametrize(
    ("zero", "expected"), [(2.0, None), (2.1 - 1e-9, None), (2.2, 0.75), (1.0, None)]
)
def test_little_lost_by_zeroing_is_not_recovered(
    zero: float, expected: float | None
) -> None:
    """Reconstruction loses 0.05 nats, zeroing 0, 0.1, 0.2 and less than nothing."""
    assert recovered({"ce": 2.0, "ce_recon": 2.05, "ce_zero": zero}) == near(expected)


def test_what_was_not_measured_is_not_recovered() -> None:
    assert recovered({"ce": None, "ce_recon": None, "ce_zero": None}) is None


def recovered(losses: Row) -> float | None:
    """`ce_recovered` of a cell with these losses."""
    cells = read_views("cell")["cells"]
    with closing(database()) as con:
        columns = re.findall(r"^    (\w+)(?:::\w+ as \w+)?,?$", cells.select, re.M)
        attributes = dict.fromkeys([*columns, "input"], 0) | losses
        con.register("cell_attributes", pa.Table.from_pylist([attributes]))
        create_views(con, {"cells": cells}, {"cell_attributes"})
        (row,) = rows_of(con, "from cells")
    share: float | None = row["ce_recovered"]
    return share


def test_losses_of_strong_steering_are_summed() -> None:
    """Norms as of alpha 1,000, and losses of 300 and 600 nats a token."""
    setting: Row = {"full_step": 9, "control": "m", "alpha": 1000.0, "m": 5}
    setting |= {"scale_back": True, "b_pre": True, "n_added": 5, "language": "en"}
    setting |= {"residual_norm": 1e9, "active_per_token": 5.0, "n_tokens": 40_000}
    losses = [
        setting
        | {"added": added, "draw": draw, "document": document}
        | {"nll": 40_000.0 * nats, "added_norm": 1e12}
        | ({} if added == "en" else {"m": 0})
        | ({"alpha": 0.0, "scale_back": False} if added == "baseline" else {})
        for added, nats, draws in (("baseline", 3, 1), ("none", 300, 1), ("en", 600, 2))
        for draw in range(draws)
        for document in (0, 1)
    ]
    tables = intervention_tables(losses)
    rows = rows_of(planted(tables, "intervention_effects"), "from intervention_effects")
    assert {row["added"]: row["perplexity"] for row in rows} == {
        "none": near(exp(300)),
        "en": near(exp(600)),
    }
    assert {row["added_norm"] for row in rows} == {1e12}


def intervention_tables(losses: list[Row]) -> dict[str, list[Row]]:
    """The tables of an intervention with these losses, of one cell."""
    views = read_views("intervention")
    names = ("interventions", "intervention_intervals")
    address: Row = {"size": "M", "step": 5, "layer": 1}
    with closing(database()) as con:
        con.register("intervention_losses", pa.Table.from_pylist(losses))
        wanted = [
            {name: row[name] for name in SteeringSetting._fields} for row in losses
        ]
        con.register("wanted", pa.Table.from_pylist(wanted))
        con.register("pools", pa.table({"added": ["en"], "n_features": [9]}))
        con.register("models", pa.table({"full_step": [9], "b_pre": [True]}))
        create_views(con, views, {"intervention_losses", "wanted", "pools", "models"})
        return {
            name: [address | row for row in rows_of(con, f"from {name}")]
            for name in names
        }
