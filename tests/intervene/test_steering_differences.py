"""Which part of a contrast's variance is 0, and which is unknown: on planted losses."""

import math
from collections.abc import Iterator, Mapping
from contextlib import closing
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from bisae.query import Connection, closure, create_views, database, read_views
from support.rows import Row, by_key, near, rows_of
from support.steering_reference import Draws, difference

LANGUAGES = ("en", "ja")
N_ADDED = {"baseline": 0, "none": 0, "en": 4, "ja": 4, "mixed": 3, "random_features": 4}
POOLS = {"baseline": 0, "none": 0, "en": 9, "ja": 9, "mixed": 3, "random_features": 21}
TABLES = {"measured", "wanted", "pools", "models"}
VIEWS = closure(read_views("intervention"), "intervention_contrasts") + closure(
    read_views("intervention"), "intervention_intervals"
)


def losses(draws: Mapping[str, int], documents: int = 6) -> list[Row]:
    """Rows of `measured`: one alpha, m 4, documents of two languages in turn."""
    random = Random(0)
    rows = []
    for added in ("baseline", "none", *draws):
        unsteered = added in ("baseline", "none")
        for draw in range(draws.get(added, 1)):
            for document in range(documents):
                n_tokens = 20 + 7 * document
                rows.append(
                    {
                        "control": "m",
                        "added": added,
                        "alpha": 0.0 if added == "baseline" else 0.1,
                        "m": 0 if unsteered else 4,
                        "draw": draw,
                        "scale_back": False,
                        "document": document,
                        "language": LANGUAGES[document % 2],
                        "n_added": N_ADDED[added],
                        "n_tokens": n_tokens,
                        "nll": n_tokens * random.gauss(2.5, 0.2),
                        **dict.fromkeys(
                            ("added_norm", "residual_norm", "active_per_token"), 1.0
                        ),
                    }
                )
    return rows


def compared(rows: list[Row]) -> Connection:
    con = database()
    con.register("rows_measured", pa.Table.from_pylist(rows))
    con.execute("create table measured as from rows_measured")
    con.execute(
        "create table wanted as select distinct control, added, alpha, m, draw, "
        "scale_back from measured"
    )
    pools: dict[str, Any] = {"added": [*POOLS], "n_features": [*POOLS.values()]}
    con.register("pools", pa.table(pools))
    con.execute("create table models as select 40::bigint as full_step, true as b_pre")
    create_views(con, {view.name: view for view in VIEWS}, TABLES, keep=True)
    return con


@pytest.fixture
def con() -> Iterator[Connection]:
    """Mixed features were all added, Japanese ones drawn once."""
    with closing(compared(losses({"mixed": 1, "en": 3, "ja": 1}))) as con:
        yield con


def contrasts(con: Connection) -> dict[tuple[Any, ...], Row]:
    rows = rows_of(con, "from intervention_contrasts")
    return by_key(rows, ("reference", "language", "measure"))


def draws_of(rows: list[Row], added: str) -> Draws:
    numbers = {row["draw"] for row in rows if row["added"] == added}
    return [
        [row for row in rows if (row["added"], row["draw"]) == (added, draw)]
        for draw in sorted(numbers)
    ]


@pytest.mark.parametrize("measure", ["loss", "perplexity"])
def test_a_class_that_is_added_whole_does_not_vary(
    con: Connection, measure: str
) -> None:
    row = contrasts(con)["en", "all", measure]
    rows = losses({"mixed": 1, "en": 3, "ja": 1})
    expected = difference(
        draws_of(rows, "mixed"), draws_of(rows, "en"), measure, whole=(True, False)
    )
    assert (row["n_draws"], row["n_draws_reference"]) == (1, 3)
    assert (row["n_added"], row["n_added_reference"]) == (3, 4)
    assert expected.over_draws
    assert expected.half
    assert row["estimate"] == near(expected.estimate)
    assert row["sd_draws"] == near(math.sqrt(expected.over_draws))
    assert row["high"] - row["low"] == pytest.approx(2 * expected.half, rel=1e-5)
    assert row["df"] == pytest.approx(expected.df, rel=1e-5)
    assert row["z"] == pytest.approx(expected.z, rel=1e-5)


def test_one_of_several_draws_says_nothing_about_the_others(con: Connection) -> None:
    row = contrasts(con)["ja", "all", "loss"]
    assert row["estimate"] is not None
    assert row["sd_documents"] > 0
    for name in ("sd_draws", "standard_deviation", "low", "high", "df", "z"):
        assert row[name] is None, name
    query = "from intervention_intervals where added = 'ja' or added = 'en'"
    for row in rows_of(con, query):
        is_known = row["added"] == "en"
        assert (row["difference_low"] is not None) == is_known
        assert (row["difference_none_high"] is not None) == is_known


def test_a_single_document_of_a_language_has_no_interval() -> None:
    with closing(compared(losses({"mixed": 1, "en": 3}, documents=3))) as con:
        rows = contrasts(con)
    assert rows["en", "en", "loss"]["sd_documents"] > 0
    for language in ("ja", "all"):
        row = rows["en", language, "loss"]
        assert row["estimate"] is not None
        assert (row["sd_documents"], row["low"]) == (None, None)


def test_equal_losses_differ_by_nothing() -> None:
    rows = losses({"mixed": 1})
    same = [row | {"added": "en", "n_added": 9} for row in draws_of(rows, "mixed")[0]]
    with closing(compared(rows + same)) as con:
        row = contrasts(con)["en", "all", "perplexity"]
    assert [row[name] for name in ("estimate", "low", "high")] == [0, 0, 0]
    assert row["z"] is None


def test_random_directions_and_the_reconstruction_are_no_class() -> None:
    rows = losses({"mixed": 1, "random_features": 2})
    others = [
        row | {"added": added}
        for row in draws_of(rows, "mixed")[0]
        for added in ("random_directions", "reconstruction")
    ]
    with closing(compared(rows + others)) as con:
        assert {key[0] for key in contrasts(con)} == {"random_features"}
