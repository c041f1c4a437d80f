"""Cells whose mixed shares are known, made by hand, and what the views say of them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa

from bisae.query import closure, create_views, database, read_views, rows_of
from support.reference import Row

N = 1000
"""Features of each cell, and of each part of it."""
K = 8
EIGHTHS = tuple(map(str, range(8)))


class Share(NamedTuple):
    """How many features of a cell are mixed."""

    size: str
    step: int
    layer: int
    n_mixed: int
    """Of the N alive features, on all of the text."""
    parts: Mapping[tuple[str, str], int] = {}
    """The same on a part of the text and of the features; by default as the whole."""
    exclusive: int | None = None
    """The same by exclusive tokens; None: no feature has such a class."""
    n_params: int = 1
    fvu: float = 0.1
    control: str | None = None
    control_of: str | None = None

    def address(self) -> Row:
        return {"size": self.size, "step": self.step, "layer": self.layer}

    def counts(self, documents: str, features: str) -> Row:
        """Its counts on a part of the text, for some of the features."""
        n_mixed = self.parts.get((documents, features), self.n_mixed)
        has_exclusive = self.exclusive is not None
        return self.address() | {
            "documents": documents,
            "features": features,
            "n_features": N,
            "n_mixed": n_mixed,
            "n_exclusive": N if has_exclusive else 0,
            "n_mixed_exclusive": self.exclusive or 0,
        }

    def cell(self) -> Row:
        """Its row of `cells`."""
        return self.address() | {
            "n_params": self.n_params,
            "n_layers": None,
            "tokens_seen": self.step * 10,
            "control": self.control,
            "control_of": self.control_of,
            "n_features": N,
            "n_dead": 0,
            "k": K,
            "fvu": self.fvu,
            "fvu_half_k": 2 * self.fvu,
            "fvu_quarter_k": 4 * self.fvu,
            "fvu_eighth_k": 8 * self.fvu,
        }


def base_tables(
    shares: Sequence[Share], twins: Sequence[Row] = (), **settings: Any
) -> dict[str, pa.Table]:
    """The tables that the findings are computed from.

    `twins` are rows of `sensitivity` (with a `value` of k) and of `eval_size`.
    """
    wholes = [item.counts("all", "all") for item in shares]
    listed = [
        item.counts(documents, features)
        for item in shares
        for documents in (*EIGHTHS, "half", "other half")
        for features in ("all", "even", "odd")
    ]
    counts = [
        {"population": "alive", "n": row.pop("n_features")} | row for row in wholes
    ]
    address = [("size", pa.string()), ("step", pa.int64()), ("layer", pa.int32())]
    share = [("mixed_share", pa.float64()), ("mixed_share_exclusive", pa.float64())]
    variant = [*address, ("population", pa.string()), *share]
    halved = [*variant, ("setting", pa.string()), ("value", pa.string())]
    halved.append(("is_default", pa.bool_()))
    documents = [("documents", pa.string()), ("n_documents", pa.int64())]
    parts = [*variant, *documents, ("firings_per_feature", pa.float64())]
    defaults = {"negligible": None, "languages": ["en", "ja"]}
    return {
        "trend_counts": pa.Table.from_pylist(counts),
        "text_parts": pa.Table.from_pylist(listed),
        "cells": pa.Table.from_pylist([item.cell() for item in shares]),
        "sensitivity": pa.Table.from_pylist(
            [row for row in twins if "value" in row], pa.schema(halved)
        ),
        "eval_size": pa.Table.from_pylist(
            [row for row in twins if "documents" in row], pa.schema(parts)
        ),
        "settings": pa.Table.from_pylist([defaults | settings]),
        "planned_tests": pa.table({"digest": ["as planned"]}),
        "current_tests": pa.table({"digest": ["as planned"]}),
    }


def ask_tables(view: str, tables: Mapping[str, pa.Table]) -> list[Row]:
    """A view's rows, where these tables are what is known."""
    con = database()
    for name, table in tables.items():
        con.register(name, table)
    views = {item.name: item for item in closure(read_views("grid", "paper"), view)}
    create_views(con, views, {*tables})
    names, values = rows_of(con, f"from {view} order by all")
    con.close()
    return [dict(zip(names, row, strict=True)) for row in values]


def ask(
    view: str, shares: Sequence[Share], twins: Sequence[Row] = (), **settings: Any
) -> list[Row]:
    """A view's rows, where the shares are what is known."""
    return ask_tables(view, base_tables(shares, twins, **settings))
