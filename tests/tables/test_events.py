"""Fates of features whose truth is planted: what is seen, and what is seen wrongly."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing

import pyarrow as pa
import pytest

from bisae.query import Connection, create_views, database, read_views
from support import lineage_reference as reference
from support.planted_lineage import (
    N_TOKENS,
    NULL_SEED,
    SUPPORTS,
    WIDTH,
    World,
    language_of,
    match_world,
)
from support.reference import Corpus, Token
from support.rows import assert_same, rows_of

WORLD = World(seed=0)
EVENTS = ("match", "split", "merge", "widened", "narrowed", "unmatched")
PLANTED = {"bilingual": "match", "death": "unmatched", "birth": "unmatched"}
QUERY = (
    "select is_to, feature, state, best_state, "
    "event_of(fate, not is_to) as event from matched_features where not is_permuted"
)


@pytest.fixture(scope="module")
def con() -> Iterator[Connection]:
    with closing(match_world(WORLD)) as connection:
        yield connection


@pytest.mark.parametrize("is_permuted", [False, True])
def test_planted_features_agree(con: Connection, *, is_permuted: bool) -> None:
    """This world has every case: parts, divided features, ones that share nothing."""
    fired, fired_to = WORLD.sides
    if is_permuted:
        languages = [language_of(row) for row in range(N_TOKENS)]
        tokens = {
            row: Token(row, row // WIDTH, row % WIDTH, 0, languages[row])
            for row in range(N_TOKENS)
        }
        corpus = Corpus(tokens, ("en", "ja"), WIDTH + 1, {})
        fired_to = reference.permuted(fired_to, corpus, NULL_SEED)
    expected = reference.overlaps(fired, fired_to, N_TOKENS)
    query = f"from matched_features where is_permuted = {is_permuted}"
    actual = rows_of(con, query)
    assert_same(actual, expected, "is_to", "feature")
    if not is_permuted:
        assert {row["is_part"] for row in expected} == {True, False}
        assert {row["n_parts"] for row in expected} >= {0, 1, 2}


def test_planted_matches_agree(con: Connection) -> None:
    rows = rows_of(con, "from feature_matches")
    assert_same(rows, reference.matches(*WORLD.sides), "feature", "feature_to")


@pytest.mark.parametrize("support", SUPPORTS)
def test_planted_events_are_recalled(con: Connection, support: int) -> None:
    """Every event nine times in ten, and hardly ever where it was not planted."""
    actual = {(row["is_to"], row["feature"]): row for row in rows_of(con, QUERY)}
    counts: Counter[tuple[str, str]] = Counter()
    for planted in WORLD.planted:
        if planted.support == support:
            event = PLANTED.get(planted.event, planted.event)
            row = actual[planted.is_to, planted.feature]
            counts[event, row["event"]] += 1
    for event in EVENTS:
        n_planted = sum(
            n for (is_planted, _), n in counts.items() if is_planted == event
        )
        n_false = sum(
            n
            for (is_planted, recorded), n in counts.items()
            if recorded == event != is_planted
        )
        assert counts[event, event] >= 0.9 * n_planted > 0, (event, counts)
        assert n_false <= 0.02 * counts.total(), (event, counts)


def test_features_that_turn_bilingual_are_seen(con: Connection) -> None:
    """Only they go from a monolingual match to a mixed one."""
    actual = {(row["is_to"], row["feature"]): row for row in rows_of(con, QUERY)}
    changed: Counter[tuple[bool, bool]] = Counter()
    for planted in WORLD.planted:
        row = actual[planted.is_to, planted.feature]
        if not planted.is_to and row["event"] == "match":
            is_change = (row["state"], row["best_state"]) == ("monolingual", "mixed")
            changed[planted.event == "bilingual", is_change] += 1
    assert changed[True, True] == sum(p.event == "bilingual" for p in WORLD.planted) / 2
    assert changed[True, False] == changed[False, True] == 0


def test_nothing_is_matched_under_the_null(con: Connection) -> None:
    rows = rows_of(
        con,
        "select count(*) filter (fate = 'match') as n_matched, count(*) as n "
        "from matched_features where is_permuted",
    )
    assert rows[0]["n_matched"] <= 0.01 * rows[0]["n"]


def test_a_null_without_features_has_no_rates() -> None:
    """The null is of features with odd numbers, and a pair may have none of them."""
    address = {"size": "S", "step": 5, "layer": 1}
    pair = address | {"size_to": "S", "step_to": 40, "layer_to": 1, "is_to": False}
    events = [
        pair | {"population": "supported", "kind": "own", "event": event}
        for event in ("match", "match", "unmatched")
    ]
    with closing(database()) as con:
        con.register("labelled_events", pa.Table.from_pylist(events))
        views = {"event_rates": read_views("lineage")["event_rates"]}
        create_views(con, views, {"labelled_events"})
        rows = {row["event"]: row for row in rows_of(con, "from event_rates")}
    assert rows["match"]["share"] == pytest.approx(2 / 3)
    assert all(row["share_null"] is None for row in rows.values())
