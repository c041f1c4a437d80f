"""Two cells whose features have known fates, as the tables of a pair of cells.

Features are sets of tokens of a made-up text in two languages. In the second cell some
persist, some are split in two or merged, widened or narrowed, some are gone or new, and
some fire in the other language too. A tenth of the firings of each are noise.
"""

from collections import Counter
from random import Random
from typing import Any, NamedTuple

import pyarrow as pa

from bisae.query import Connection, create_views, database, read_views, schema
from bisae.tables.matching import match_firings

Row = dict[str, Any]
WIDTH = 31
N_TOKENS = 600 * WIDTH
EACH = 12
"""Features of each fate, for each number of firings."""
NOISE = 0.1
SUPPORTS = (20, 60, 300)
NULL_SEED = 0


class Planted(NamedTuple):
    """A feature of one of the two cells, and what it was planted as."""

    is_to: bool
    feature: int
    event: str
    support: int


class World:
    """The firings of both cells, and the event of each of their features."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)
        self.sides: tuple[dict[int, frozenset[int]], dict[int, frozenset[int]]] = (
            {},
            {},
        )
        self.planted: list[Planted] = []
        for support in SUPPORTS:
            for _ in range(EACH):
                self._plant(support)

    def _plant(self, support: int) -> None:
        """Plant one feature of each kind, of `support` firings at its narrowest."""
        rows = self._rows(support)
        self._add("match", support, [rows], [rows])
        halves = [self._rows(support), self._rows(support)]
        self._add("split", support, [halves[0] | halves[1]], halves)
        halves = [self._rows(support), self._rows(support)]
        self._add("merge", support, halves, [halves[0] | halves[1]])
        rows = self._rows(support)
        self._add("widened", support, [rows], [rows | self._rows(5 * support)])
        rows = self._rows(support)
        self._add("narrowed", support, [rows | self._rows(5 * support)], [rows])
        english, japanese = self._rows(support, 0), self._rows(support, 1)
        self._add("bilingual", support, [english], [english | japanese])
        self._add("death", support, [self._rows(support)], [])
        self._add("birth", support, [], [self._rows(support)])

    def _add(
        self,
        event: str,
        support: int,
        before: list[frozenset[int]],
        after: list[frozenset[int]],
    ) -> None:
        for is_to, features in enumerate((before, after)):
            for rows in features:
                number = len(self.sides[is_to])
                self.sides[is_to][number] = self._noisy(rows)
                self.planted.append(Planted(bool(is_to), number, event, support))

    def _rows(self, n: int, language: int | None = None) -> frozenset[int]:
        """Draw tokens, of one language if one is given; documents alternate."""
        allowed = [
            row
            for row in range(N_TOKENS)
            if language is None or row // WIDTH % 2 == language
        ]
        return frozenset(self.draw.sample(allowed, n))

    def _noisy(self, rows: frozenset[int]) -> frozenset[int]:
        n = round(NOISE * len(rows))
        languages = {*map(language_of, rows)}
        is_english = languages == {"en"}
        noise = self._rows(n, 0 if is_english else None)
        return frozenset(self.draw.sample(sorted(rows), len(rows) - n)) | noise


def match_world(world: World) -> Connection:
    """A database with the tables of both cells; all directions are at right angles."""
    con, views = database(), read_views("matching")
    with schema(con, "pair"):
        tables = _tables(world)
        for name, rows in tables.items():
            con.register(name, pa.Table.from_pylist(rows))
        names = match_firings(con, views, {*tables})
        con.execute(
            "create table start_cosines as select is_to, feature, "
            "0::float as start_cosine from side_features"
        )
        con.execute(
            "create table candidate_cosines as select feature, feature_to, "
            "0::float as cosine from all_candidates"
        )
        names |= {"start_cosines", "candidate_cosines"}
        create_views(con, views, names, keep=True)
        for name in ("matched_features", "feature_matches"):
            con.execute(f"create table main.{name} as from {name}")
    return con


def _tables(world: World) -> dict[str, list[Row]]:
    """The tables of the text and of both cells, as sql/matching names them."""
    token_of = [world.draw.randrange(400) for _ in range(N_TOKENS)]
    tables: dict[str, list[Row]] = {
        "settings": [{"context": WIDTH + 1, "null_seed": NULL_SEED}],
        "tokens": [
            {
                "token_row": row,
                "document": row // WIDTH,
                "token_id": token_of[row],
                "language": language_of(row),
            }
            for row in range(N_TOKENS)
        ],
    }
    for suffix, side in zip(("from", "to"), world.sides, strict=True):
        pairs = [(feature, row) for feature, rows in side.items() for row in rows]
        tables[f"firings_{suffix}"] = [
            {"feature": feature, "token_row": row} for feature, row in pairs
        ]
        tables[f"features_{suffix}"] = [
            _feature(feature, rows) for feature, rows in side.items()
        ]
        counts = Counter((feature, token_of[row]) for feature, row in pairs)
        tables[f"clusters_{suffix}"] = [
            {"feature": feature, "token_id": token_id, "n_firings": n}
            for (feature, token_id), n in counts.items()
        ]
    return tables


def language_of(row: int) -> str:
    """The language of a token's document; documents alternate."""
    return ("en", "ja")[row // WIDTH % 2]


def _feature(feature: int, rows: frozenset[int]) -> Row:
    languages = Counter(map(language_of, rows))
    (language, n), *_ = languages.most_common(1)
    label = language if n > 0.9 * len(rows) else "mixed"
    return {
        "feature": feature,
        "n_firings": len(rows),
        "supported": True,
        "language": label,
        "language_sure": label,
        "monosemanticity": 1.0,
        "monosemanticity_null": 0.5,
    }
