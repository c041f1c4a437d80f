"""sql/bootstrap on texts made here: is the interval as wide as texts differ?"""

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from math import exp, factorial

import pyarrow as pa
import pytest

from bisae.query import Connection, closure, create_views, database, read_views
from bisae.study import Features
from support.bootstrap_reference import COPIES, Firing, Trends, drawn_trends, weight
from support.reference import Row, Token
from support.rows import near

Text = Mapping[int, Sequence[Firing]]
"""The firings of each feature."""

LANGUAGES = ("en", "ja")
LIMITS = Features(class_threshold=0.7, min_exclusive_firings=1)
N_FEATURES, N_DEAD, N_DOCUMENTS = 40, 3, 80
N_TEXTS, N_DRAWN, N_REPLICATES = 150, 5, 48


def some_text(seed: int) -> Text:
    """Documents drawn from a known distribution: where each feature fires in them.

    Features like a language more or less, and fire in runs of a document's own length,
    so that a document's firings hang together. Even tokens are exclusive.
    """
    draw, firings = random.Random(seed), defaultdict(list)
    for document in range(N_DOCUMENTS):
        language = draw.randrange(2)
        length = draw.choice((1, 1, 6))
        for feature in range(N_FEATURES):
            likes = feature / (N_FEATURES - 1)
            if draw.random() < 0.6 * (likes if language else 1 - likes):
                for position in range(length):
                    token_id = min(draw.choices(range(5), k=2 + feature % 4))
                    row = document * 1000 + feature * 10 + position
                    token = (row, document, 10 * feature + position, token_id)
                    local = "en" if token_id % 2 == 0 else None
                    fired = Firing(
                        Token(*token, LANGUAGES[language]), token_id // 2, local
                    )
                    firings[feature].append(fired)
    return dict(sorted(firings.items()))


def tables(text: Text) -> Iterator[tuple[str, list[Row]]]:
    """The same as one cell's tables."""
    every = [(feature, item) for feature, fired in text.items() for item in fired]
    yield "tokens", [item.token._asdict() for _, item in every]
    labelled = [{"feature": feature} | item.token._asdict() for feature, item in every]
    yield "firings", [{k: row[k] for k in ("feature", "token_row")} for row in labelled]
    ids = range(5)
    yield "vocab", [{"token_id": i, "language": None if i % 2 else "en"} for i in ids]
    rows = [{"feature": f, "token_id": i, "cluster": i // 2} for f in text for i in ids]
    yield "clusters", rows
    yield "features", [{"feature": f, "supported": f % 2 == 0} for f in text]
    yield "cells", [{"n_features": len(text) + N_DEAD}]
    names = ("class_threshold", "min_exclusive_firings", "null_seed")
    settings = {name: getattr(LIMITS, name) for name in names}
    yield "settings", [settings | {"languages": list(LANGUAGES)}]


def drawing(text: Text, first: int, last: int) -> Connection:
    """A connection in which a text's replicates are the view `replicates`."""
    con, base = database(), {"draws"}
    for name, listed in tables(text):
        con.register(name, pa.Table.from_pylist(listed))
        base.add(name)
    con.execute(
        "create table draws as select 7::bigint as seed, range::integer as replicate "
        f"from range({first}, {last})"
    )
    every = read_views("text", "grid", "bootstrap")
    views = {view.name: view for view in closure(every, "replicates")}
    create_views(con, views, base, keep=True)
    return con


def spread(rows: Sequence[Trends]) -> dict[str, float]:
    """The standard deviation of each trend of alive features."""
    values = defaultdict(list)
    for row in rows:
        for (population, name), value in row.items():
            if population == "alive" and value is not None:
                values[name].append(value)
    return {name: statistics.stdev(listed) for name, listed in values.items()}


def replicates(seed: int) -> list[Trends]:
    """The trends of one text's replicates."""
    actual: dict[int, Trends] = defaultdict(dict)
    for first in range(0, N_REPLICATES, 16):
        with closing(drawing(some_text(seed), first, first + 16)) as con:
            query = "select replicate, population, name, value from replicates"
            for replicate, population, name, value in con.execute(query).fetchall():
                actual[replicate][population, name] = value
    return list(actual.values())


def trends(text: Text, weights: Mapping[int, int]) -> Trends:
    """The trends of a text in which documents stand so often."""
    supported = {feature: feature % 2 == 0 for feature in text}
    return drawn_trends(text, supported, N_DEAD, weights, LIMITS, LANGUAGES)


def test_the_interval_is_as_wide_as_other_texts_lie_apart() -> None:
    """Within 20 %: so few texts and replicates leave a spread of some 6 %."""
    once = dict.fromkeys(range(N_DOCUMENTS), 1)
    truth = spread([trends(some_text(seed), once) for seed in range(N_TEXTS)])
    result = [spread(replicates(1000 + seed)) for seed in range(N_DRAWN)]
    drawn = {name: statistics.fmean(item[name] for item in result) for name in truth}
    assert drawn == pytest.approx(truth, rel=0.2)
    assert len(truth) == 9


def test_replicates_are_the_trends_of_the_drawn_texts() -> None:
    """Of the second sixteen, so that numbers beyond the first are drawn apart."""
    text = some_text(3)
    with closing(drawing(text, 16, 32)) as con:
        result = con.execute("from replicates").fetchall()
    expected = {}
    for replicate in range(16, 32):
        weights = {
            number: weight(7, replicate, number) for number in range(N_DOCUMENTS)
        }
        for (population, name), value in trends(text, weights).items():
            expected[7, replicate, population, name] = value
    assert {row[:-1]: row[-1] for row in result} == pytest.approx(expected, abs=2e-8)


def test_a_feature_that_fires_nowhere_in_a_drawn_text_is_dead_there() -> None:
    """Four features fire in one English document each; three are dead anyway.

    `all` has seven features in every replicate: English if their document is drawn,
    else mixed.
    """
    text = {
        document: [Firing(Token(document, document, 0, 0, "en"), 0, exclusive="en")]
        for document in range(4)
    }
    expected = {}
    for replicate in range(16):
        n_drawn = sum(weight(7, replicate, document) > 0 for document in text)
        expected[replicate, "mixed_share"] = near((7 - n_drawn) / 7)
        expected[replicate, "share of en"] = near(n_drawn / 7)
        expected[replicate, "share of ja"] = 0
    query = (
        "select replicate, name, value from replicates "
        "where population = 'all' and (name = 'mixed_share' or name like 'share of %')"
    )
    with closing(drawing(text, 0, 16)) as con:
        result = con.execute(query).fetchall()
    assert {(replicate, name): value for replicate, name, value in result} == expected


def test_replicates_are_the_same_with_any_number_of_threads() -> None:
    answers = []
    for threads in (1, 2):
        with closing(drawing(some_text(4), 0, 16)) as con:
            con.execute(f"set threads = {threads}")
            answers.append(con.execute("from replicates order by all").fetchall())
    assert answers[0] == answers[1]
    assert len(answers[0]) == 16 * 27


def test_an_empty_population_has_replicates_without_values() -> None:
    odd = {feature: fired for feature, fired in some_text(5).items() if feature % 2}
    with closing(drawing(odd, 0, 2)) as con:
        query = "select name, value from replicates where population = 'supported'"
        result = con.execute(query).fetchall()
    assert len(result) == 18
    assert {value for _, value in result} == {None}


def test_documents_are_drawn_once_on_average_and_as_a_poisson_variable() -> None:
    drawn = [
        weight(0, replicate, number) for replicate in range(8) for number in range(2000)
    ]
    assert max(drawn) < COPIES
    for value in range(5):
        share = Counter(drawn)[value] / len(drawn)
        assert share == pytest.approx(exp(-1) / factorial(value), abs=0.01)
